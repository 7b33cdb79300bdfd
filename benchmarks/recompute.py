"""Recompute every verdict of a run from its raw files, with none of the lab's code.

python -m benchmarks.recompute runs/ID
"""

import json
import math
import sys
import warnings
from itertools import combinations
from pathlib import Path

from scipy import stats

from benchmarks.raw_cells import SIGNS, logs_of


def verdicts(run: Path) -> dict[tuple[str, str, str, str], tuple[float, str]]:
    """The ratio and the verdict of each pair, by the measure, the load and both names; NaN below two blocks."""
    found: dict[tuple[str, str, str, str], tuple[float, str]] = {}
    margin = json.loads((run / "manifest.json").read_text())["protocol"].get("margin", 0.03)
    for measure, logs in logs_of(run).items():
        pairs = [(*one, two[1]) for one, two in combinations(sorted(logs), 2) if one[0] == two[0]]
        tests = [
            stats.ttest_1samp(logs[load, one] - logs[load, two], 0.0, nan_policy="omit") for load, one, two in pairs
        ]
        p = [1.0 if math.isnan(test.pvalue) else test.pvalue for test in tests]
        for pair, test, own in zip(pairs, tests, p, strict=True):
            low, high = test.confidence_interval(0.90)
            holm = max(least * sum(other >= least for other in p) for least in p if least <= own)
            better = pair[1 if SIGNS[measure] * (low + high) > 0 else 2]
            if max(-low, high) <= math.log1p(margin):
                verdict = "same" if test.df >= 4 else "can't tell"
            else:
                verdict = f"{better} better" if holm <= 0.05 else "can't tell"
            found[measure, *pair] = math.exp((low + high) / 2), verdict
    return found


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # of pairs without two blocks
    for (measure, load, one, two), (ratio, verdict) in verdicts(Path(sys.argv[1])).items():
        print(f"{measure}, {load}: {one} / {two} {ratio:.3f}, {verdict}")
