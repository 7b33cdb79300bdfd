"""How long the analysis of a run takes.

    .venv/bin/python -m benchmarks.analysis RUN [--times 3] [--json]

It needs no lab: it only reads the run's folder. The samples, the ticks and the histograms take the time, and a slower
host has more distinct latencies, so give it the longest run there is.
"""

import argparse
import json
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

from analysis.raw import read_run
from analysis.report import analyse


def main(arguments: Sequence[str] | None = None) -> None:
    """Analyse and print."""
    parser = argparse.ArgumentParser(description="How long the analysis of a run takes.")
    parser.add_argument("run", type=Path, help="the run's folder")
    parser.add_argument("--times", type=int, default=3, help="how often it is analysed")
    parser.add_argument("--json", action="store_true", help="print the single values")
    given = parser.parse_args(arguments)
    if given.times < 1:
        parser.error("analyse it once or more")
    seconds: list[float] = []
    blocks, cells = set[int](), 0
    for _ in range(given.times):
        began = time.process_time()
        report = analyse(read_run(given.run))
        seconds.append(time.process_time() - began)
        blocks, cells = {cell.block for cell in report.cells}, len(report.cells)
    if given.json:
        print(json.dumps({"blocks": len(blocks), "cells": cells, "cpu_seconds": seconds}))
    else:
        print(
            f"{cells} cells in {len(blocks)} blocks: {statistics.median(seconds):.2f} s of CPU, median of {given.times}"
        )


if __name__ == "__main__":
    main()
