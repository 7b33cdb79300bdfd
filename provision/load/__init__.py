"""Load on a host: detached jobs, generators, and what is recorded meanwhile."""

from provision.load.jobs import Job

__all__ = [
    "Job",
]
