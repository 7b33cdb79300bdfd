"""From a cell's raw files to its numbers."""

from analysis.cells.cells import (
    SERVICES,
    MeasuredCell,
    WatchFiles,
    bound_by_postgres,
    measure,
    mostly_bound_by,
    series_steps,
)
from analysis.cells.open_loop import (
    about_open_loop,
    common_rates,
    measure_open_loop,
    open_loop_window,
    summarise_open_loop,
)
from analysis.cells.run_folder import (
    RunFolder,
    cells_without,
    in_order,
    next_attempt,
    read_run,
    short_blocks,
    standing,
    void_attempts,
    void_cells,
    without_last_blocks,
)
from analysis.cells.warm_up import about_warm_ups, is_steady, outcome_of, summarise_warm_ups

__all__ = [
    "SERVICES",
    "MeasuredCell",
    "RunFolder",
    "WatchFiles",
    "about_open_loop",
    "about_warm_ups",
    "bound_by_postgres",
    "cells_without",
    "common_rates",
    "in_order",
    "is_steady",
    "measure",
    "measure_open_loop",
    "mostly_bound_by",
    "next_attempt",
    "open_loop_window",
    "outcome_of",
    "read_run",
    "series_steps",
    "short_blocks",
    "standing",
    "summarise_open_loop",
    "summarise_warm_ups",
    "void_attempts",
    "void_cells",
    "without_last_blocks",
]
