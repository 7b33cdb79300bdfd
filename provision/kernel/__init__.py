"""Kernel settings during a run."""

from provision.kernel.knobs import Knob, api_cpus
from provision.kernel.tuning import Place

__all__ = [
    "Knob",
    "Place",
    "api_cpus",
]
