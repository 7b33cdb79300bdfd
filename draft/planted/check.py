import sys
from pathlib import Path
sys.path.insert(0, "W/help/planted")
from faults import FAULTS
seen = set()
for n, area, file, phrase, old, new, tests in FAULTS:
    t = (Path("W/planted") / file).read_text()
    if t.count(old) != 1 or n in seen: print(n, file, t.count(old))
    seen.add(n)
print(len(FAULTS))
import container_faults
for n, area, file, phrase, old, new, test in container_faults.FAULTS:
    c = (Path("W/planted") / file).read_text().count(old)
    if c != 1: print(n, file, c)
