"""Recompute each verdict on throughput of a run from its raw files, with none of the lab's code.

python benchmarks/recompute.py runs/ID
"""

import json
import math
import sys
from itertools import combinations
from pathlib import Path

import numpy as np
from scipy import stats


def log_throughputs(run: Path) -> dict[tuple[str, str], dict[int, list[float]]]:
    """By load and API, and then by block, the logs of the throughputs of the valid cells, whose unit cancels."""
    found: dict[tuple[str, str], dict[int, list[float]]] = {}
    records = {path: json.loads(path.read_text()) for path in run.glob("cells/*/cell.json")}
    valid = {record["cell_id"]: path.parent / "wrk.json" for path, record in records.items() if not record["voids"]}
    for cell in json.loads((run / "plan.json").read_text())["cells"]:
        blocks = found.setdefault((cell["scenario"]["name"], cell["api"]), {})
        if path := valid.get(f"{cell['number']:03d}-{cell['api']}-{cell['scenario']['name']}"):
            wrk = json.loads(path.read_text())
            blocks.setdefault(cell["block"], []).append(math.log(wrk["requests"] / wrk["elapsed_us"]))
    return found


def verdicts(run: Path) -> dict[tuple[str, str, str], tuple[float, str]]:
    """The ratio and the verdict of each pair of APIs under each load, by the load and both names."""
    margin = json.loads((run / "manifest.json").read_text())["protocol"]["margin"]
    logs = log_throughputs(run)
    ratios = {
        (load, first, second): [
            float(np.mean(logs[load, first][block]) - np.mean(logs[load, second][block]))
            for block in logs[load, first].keys() & logs[load, second].keys()
        ]
        for (load, first), (other, second) in combinations(sorted(logs), 2)
        if load == other
    }
    tests = {pair: stats.ttest_1samp(values, 0.0) for pair, values in ratios.items() if len(values) > 1}
    found: dict[tuple[str, str, str], tuple[float, str]] = dict.fromkeys(ratios, (math.nan, "can't tell"))
    worst = 0.0
    for place, (pair, test) in enumerate(sorted(tests.items(), key=lambda item: item[1].pvalue)):
        worst = max(worst, (len(ratios) - place) * test.pvalue)
        mean = float(np.mean(ratios[pair]))
        same = max(map(abs, test.confidence_interval(0.90))) <= math.log1p(margin)
        faster = f"{pair[1] if mean > 0 else pair[2]} faster" if worst <= 0.05 else "can't tell"
        found[pair] = (math.exp(mean), "same" if same else faster)
    return found


if __name__ == "__main__":
    for (load, first, second), (ratio, verdict) in verdicts(Path(sys.argv[1])).items():
        print(f"{load}: {first} / {second} {ratio:.3f}, {verdict}")
