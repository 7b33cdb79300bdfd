"""Facts about building: the times to compile and to start an API, its sizes, lines of code and dependencies."""

from experiment.facts.sources import FILE_NAME, count_lines, read_implementation

__all__ = [
    "FILE_NAME",
    "count_lines",
    "read_implementation",
]
