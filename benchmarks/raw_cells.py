"""A run's numbers from its raw files, with none of the lab's code: what `benchmarks/recompute.py` judges."""

import json
import math
from collections import defaultdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_LESS = ("p50", "p99", "p99_corrected", "cpu_cores", "memory_mean")
SIGNS = {"throughput": 1, **dict.fromkeys(_LESS, -1), "requests_per_cpu_second": 1, "requests_per_second_per_mb": 1}
"""The compared measures by their names in report.json: 1 if more is better, -1 if less is."""

API_FAULTS = {
    "not-ready",
    "wrong-answer",
    "no-requests",
    "wrk-errors",
    "wrong-status",
    "vegeta-errors",
    "connections-missing",
    "stuck-requests",
}
HOST_FAULTS = {
    "steal",
    "throttled",
    "noisy-neighbour",
    "spin",
    "generator-saturated",
    "clock-unsure",
    "generators-apart",
    "network-saturated",
}


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


def logs_of(run: Path) -> dict[str, dict[tuple[str, str], NDArray[np.float64]]]:
    """The logs of a run's numbers by measure, then by load and API, with a value for each block.

    A value is the mean of the API's cells in that block, NaN if none is valid. A measure that is 0 in a cell has no
    logs and is left out.
    """
    records = {path.parent: json.loads(path.read_text()) for path in run.glob("cells/*/cell.json")}
    valid = {record["cell_id"]: folder for folder, record in records.items() if not record["voids"]}
    blocks: defaultdict[tuple[str, str], defaultdict[int, list[list[float]]]] = defaultdict(lambda: defaultdict(list))
    for cell in json.loads((run / "plan.json").read_text())["cells"]:
        load, api = cell["scenario"]["name"], cell["api"]
        folder = valid.get(f"{cell['number']:03d}-{api}-{load}")
        blocks[load, api][cell["block"]].append(numbers(folder) if folder else [math.nan] * len(SIGNS))
    logs = {
        key: np.array([np.nanmean(np.log(cells), axis=0) for _, cells in sorted(by.items())])
        for key, by in blocks.items()
    }
    by_measure = {measure: {key: value[:, place] for key, value in logs.items()} for place, measure in enumerate(SIGNS)}
    return {
        measure: by for measure, by in by_measure.items() if not any(np.isinf(value).any() for value in by.values())
    }


def failed_in(run: Path) -> set[tuple[str, str]]:
    """The loads and APIs with an attempt at a cell that is void because of the API, and not because of the host."""
    records = [json.loads(path.read_text()) for path in run.glob("cells/*/cell.json")]
    reasons = [(record["cell_id"], {void["reason"] for void in record["voids"]}) for record in records]
    failed = {cell_id for cell_id, found in reasons if found & API_FAULTS and not found & HOST_FAULTS}
    cells = json.loads((run / "plan.json").read_text())["cells"]
    loads = [(cell["number"], cell["scenario"]["name"], cell["api"]) for cell in cells]
    return {(load, api) for number, load, api in loads if f"{number:03d}-{api}-{load}" in failed}
