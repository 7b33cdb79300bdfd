"""When a cell doesn't count, and why."""

from experiment.voids.load import (
    analysis_voids,
    load_voids,
    open_loop_analysis_voids,
    open_loop_voids,
    sample_voids,
    watch_voids,
)

__all__ = [
    "analysis_voids",
    "load_voids",
    "open_loop_analysis_voids",
    "open_loop_voids",
    "sample_voids",
    "watch_voids",
]
