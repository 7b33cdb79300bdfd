"""The lab's parts, as Pulumi components."""

from lab.components.lab import Lab

__all__ = [
    "Lab",
]
