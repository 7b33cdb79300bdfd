"""Recompute every verdict of a run from its raw files, with none of the lab's code.

python -m benchmarks.recompute runs/ID
"""

import json
import math
import sys
import warnings
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from benchmarks.raw_cells import SIGNS, failed_in, logs_of


def student(one: NDArray[np.float64], two: NDArray[np.float64], step: float) -> tuple[float, float, float, int]:
    """The p-value of the paired t test, 1 without one, both ends of its 90% interval, and the number of blocks."""
    ratios = (one - two)[~np.isnan(one - two)]
    blocks, mean = len(ratios), ratios.mean()
    least = math.log1p(step / math.exp(np.nanmin([one, two])))
    error = np.maximum(ratios.std(ddof=1), least) / math.sqrt(blocks)
    p, half = 2 * stats.t.sf(abs(mean / error), blocks - 1), stats.t.isf(0.05, blocks - 1) * error
    return 1.0 if math.isnan(p) else p, mean - half, mean + half, blocks


def verdicts(run: Path) -> dict[tuple[str, str, str, str], tuple[float, str]]:
    """The ratio and the verdict of each pair, by the measure, the load and both names; NaN below two blocks."""
    found: dict[tuple[str, str, str, str], tuple[float, str]] = {}
    failed = failed_in(run)
    margin = json.loads((run / "manifest.json").read_text())["protocol"].get("margin", 0.03)
    for measure, logs in logs_of(run).items():
        pairs = [(*one, two[1]) for one, two in combinations(sorted(logs), 2) if one[0] == two[0]]
        step = 1.0 if measure.startswith("p") else 0.0  # wrk counts whole microseconds
        tests = [student(logs[load, one], logs[load, two], step) for load, one, two in pairs]
        p = [test[0] for test in tests]
        for pair, (own, low, high, blocks) in zip(pairs, tests, strict=True):
            holm = max(least * sum(other >= least for other in p) for least in p if least <= own)
            better = pair[1 if SIGNS[measure] * (low + high) > 0 else 2]
            if max(-low, high) <= math.log1p(margin):
                verdict = "same" if blocks >= 5 else "can't tell"
            else:
                verdict = f"{better} better" if holm <= 0.05 else "can't tell"
            # The ratio leaves out an API's failures, which only make it worse.
            if any((pair[0], api) in failed and verdict in {"same", f"{api} better"} for api in pair[1:]):
                verdict = "can't tell"
            found[measure, *pair] = math.exp((low + high) / 2), verdict
    return found


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # of pairs without two blocks
    for (measure, load, one, two), (ratio, verdict) in verdicts(Path(sys.argv[1])).items():
        print(f"{measure}, {load}: {one} / {two} {ratio:.3f}, {verdict}")
