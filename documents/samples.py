"""`samples.csv` in a cell's folder: CPU time and memory of each role, ten times a second, from its cgroup."""

from typing import Literal, NamedTuple

SampledRole = Literal["api", "postgres", "redis", "generator"]

SAMPLE_COLUMNS = ("time_ns", "role", "cpu_ns", "anonymous_bytes", "page_cache_bytes")
"""The header line of `samples.csv`; a line for each role and tick follows, times rising."""


class Sample(NamedTuple):
    """One role at one moment.

    `time_ns` is the host's CLOCK_MONOTONIC; `cpu_ns` the CPU time that the cgroup has used since it was made;
    `anonymous_bytes` its anonymous memory and `page_cache_bytes` its file-backed memory (cgroup v1: rss and
    cache; v2: anon and file in memory.stat).
    """

    time_ns: int
    role: SampledRole
    cpu_ns: int
    anonymous_bytes: int
    page_cache_bytes: int
