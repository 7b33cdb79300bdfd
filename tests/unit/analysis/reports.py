"""Reports whose cells have given throughputs; everything else is that of the golden run."""

import math
from collections.abc import Mapping, Sequence

from documents.report.numbers import CellNumbers
from documents.report.report import Report

NOISE = (0.011, -0.008, 0.004, -0.013, 0.009, -0.003)
"""What six blocks add to the log of a throughput; their mean is 0."""

Throughputs = Mapping[str, Mapping[str, Sequence[float]]]
"""By load and API the throughput of each block; NaN where there is no valid cell."""


def scattered(throughput: float, factor: float = 1.0, noise: Sequence[float] = NOISE) -> list[float]:
    return [throughput * math.exp(factor * value) for value in noise]


def report_of(golden: Report, throughputs: Throughputs, *, run_id: str = "20260131-120000-quick") -> Report:
    apis = {api for by_api in throughputs.values() for api in by_api}
    return golden.model_copy(
        update={
            "run_id": run_id,
            "apis": tuple(
                golden.apis[0].model_copy(update={"name": api, "image_id": f"sha256:{api}"}) for api in sorted(apis)
            ),
            "scenarios": tuple(golden.scenarios[0].model_copy(update={"name": load}) for load in throughputs),
            "caveats": (),
            "summaries": (),
            "cells": tuple(_cells(golden.cells[0], throughputs)),
            "void_attempts": (),
            "void_cells": (),
            "unfinished_cells": (),
        }
    )


def _cells(golden: CellNumbers, throughputs: Throughputs) -> Sequence[CellNumbers]:
    return [
        golden.model_copy(
            update={
                "cell_id": f"{block:03d}-{api}-{load}",
                "block": block,
                "api": api,
                "scenario": load,
                "throughput": value,
            }
        )
        for load, by_api in throughputs.items()
        for api, values in by_api.items()
        for block, value in enumerate(values, start=1)
        if not math.isnan(value)
    ]
