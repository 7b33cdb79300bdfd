"""When a cell doesn't count, and why."""

from experiment.voids.load import (
    analysis_voids,
    sample_voids,
    watch_voids,
    window_voids,
)

__all__ = [
    "analysis_voids",
    "sample_voids",
    "watch_voids",
    "window_voids",
]
