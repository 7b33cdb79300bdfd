"""Facts about building: how long an API takes to compile and to start, how big it is, and what it is made of."""

from experiment.facts.sources import FILE_NAME, count_lines, read_implementation

__all__ = [
    "FILE_NAME",
    "count_lines",
    "read_implementation",
]
