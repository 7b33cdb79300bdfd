"""Recompute every verdict of a run from its raw files, with none of the lab's code.

python benchmarks/recompute.py runs/ID
"""

import json
import math
import sys
import warnings
from collections import defaultdict
from itertools import combinations, product
from pathlib import Path

import numpy as np
from scipy import stats

LESS = ("p50", "p99", "p99_corrected", "cpu_cores", "memory_mean")
SIGNS = {"throughput": 1, **dict.fromkeys(LESS, -1), "requests_per_cpu_second": 1, "requests_per_second_per_mb": 1}
"""What is compared, by its name in report.json: 1 where more is better, -1 where less is."""


def numbers(cell: Path) -> list[float]:
    """A cell's numbers in the order of `SIGNS`, in units that cancel in ratios."""
    wrk, samples = json.loads((cell / "wrk.json").read_text()), (cell / "samples.csv").read_text().splitlines()
    latency, elapsed = dict(wrk["latency"]["histogram"]), wrk["elapsed_us"]
    step = elapsed // max(wrk["requests"] // wrk["connections"], 1)
    raw = [count - (us > step) * latency.get(us + step, 0) for us, count in latency.items()]
    p50, p99 = np.quantile([*latency], [0.5, 0.99], weights=raw, method="inverted_cdf")
    corrected = np.quantile([*latency], 0.99, weights=[*latency.values()], method="inverted_cdf")
    table = np.loadtxt([line for line in samples if ",api," in line], delimiter=",", usecols=(0, 2, 3))
    time, cpu, memory = table[:, 0], table[:, 1], table[:, 2]
    load = np.clip([wrk["ended_ns"] - 1000 * elapsed, wrk["ended_ns"]], time[0], time[-1])
    rate, cores = wrk["requests"] / elapsed, np.diff(np.interp(load, time, cpu))[0] / np.diff(load)[0]
    used = memory[(time >= load[0]) & (time <= load[1])].mean()
    return [rate, p50, p99, corrected, cores, used, rate / cores if cores else 0, rate / used if used else 0]


def verdicts(run: Path) -> dict[tuple[str, str, str, str], tuple[float, str]]:
    """The ratio and the verdict of each pair, by the measure, the load and both names; NaN below two blocks."""
    plan, manifest = (json.loads((run / name).read_text()) for name in ("plan.json", "manifest.json"))
    records = {path.parent: json.loads(path.read_text()) for path in run.glob("cells/*/cell.json")}
    valid = {record["cell_id"]: folder for folder, record in records.items() if not record["voids"]}
    cells: defaultdict[tuple[str, str, int], list[list[float]]] = defaultdict(list)
    for cell in plan["cells"]:
        load, api = cell["scenario"]["name"], cell["api"]
        folder = valid.get(f"{cell['number']:03d}-{api}-{load}")
        cells[load, api, cell["block"]].append(numbers(folder) if folder else [math.nan] * len(SIGNS))
    loads, apis, blocks = (sorted({*names}) for names in zip(*cells, strict=True))
    means = {key: np.nanmean(np.log(values), axis=0) for key, values in cells.items()}
    logs = np.array([[[means[load, api, block] for block in blocks] for api in apis] for load in loads])
    one, two = np.triu_indices(len(apis), 1)
    test = stats.ttest_1samp(logs[:, one] - logs[:, two], 0.0, axis=2, nan_policy="omit")
    tested = np.array([*test.confidence_interval(0.90), test.pvalue]).reshape(3, -1, len(SIGNS))
    found: dict[tuple[str, str, str, str], tuple[float, str]] = {}
    for place, measure in enumerate(SIGNS):
        lows, highs, p = tested[..., place]
        p[np.isnan(p)] = 1.0
        for pair, (load, names) in enumerate(product(loads, combinations(apis, 2))):
            low, high = lows[pair], highs[pair]
            holm = max(least * np.sum(p >= least) for least in p[p <= p[pair]])
            better = f"{names[0 if SIGNS[measure] * (low + high) > 0 else 1]} better" if holm <= 0.05 else "can't tell"
            same = max(-low, high) <= math.log1p(manifest["protocol"].get("margin", 0.03))
            if not np.isinf(logs[..., place]).any():
                found[measure, load, *names] = math.exp((low + high) / 2), "same" if same else better
    return found


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # of pairs without two blocks
    for (measure, load, one, two), (ratio, verdict) in verdicts(Path(sys.argv[1])).items():
        print(f"{measure}, {load}: {one} / {two} {ratio:.3f}, {verdict}")
