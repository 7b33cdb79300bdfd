"""Kernel settings for the time of a run."""

from provision.kernel.settings import Knob, api_cpus, is_settable
from provision.kernel.tuning import Place

__all__ = [
    "Knob",
    "Place",
    "api_cpus",
    "is_settable",
]
