"""Load on a host: detached jobs, generators, and recordings."""

from provision.load.jobs import Job

__all__ = [
    "Job",
]
