import subprocess, sys
from pathlib import Path
sys.path.insert(0, "W/help/planted")
from container_faults import FAULTS
for n, area, file, phrase, old, new, test in FAULTS:
    p = Path("W/planted") / file
    t = p.read_text(); assert t.count(old) == 1
    p.write_text(t.replace(old, new))
    d = subprocess.run(["git", "-C", "W/planted", "diff"], check=True, capture_output=True, text=True).stdout
    Path(f"W/help/planted/{n}.patch").write_text(d)
    subprocess.run(["git", "-C", "W/planted", "checkout", "--", file], check=True, capture_output=True)
