"""Kernel settings during a run."""

from provision.kernel.knobs import Knob, api_cpus
from provision.kernel.tuning import KnobPaths

__all__ = [
    "Knob",
    "KnobPaths",
    "api_cpus",
]
