"""The numbers of a cell, from its raw files."""

from analysis.cells.cells import (
    MeasuredCell,
    in_most_cells,
    is_saturated,
    measure,
    mostly_bound_by,
    series_steps,
    shares_used_up,
)
from analysis.cells.open_loop import (
    about_open_loop,
    common_rates,
    measure_open_loop,
    summarise_open_loop,
)
from analysis.cells.warm_up import about_warm_ups, is_steady, outcome_of, summarise_warm_ups

__all__ = [
    "MeasuredCell",
    "about_open_loop",
    "about_warm_ups",
    "common_rates",
    "in_most_cells",
    "is_saturated",
    "is_steady",
    "measure",
    "measure_open_loop",
    "mostly_bound_by",
    "outcome_of",
    "series_steps",
    "shares_used_up",
    "summarise_open_loop",
    "summarise_warm_ups",
]
