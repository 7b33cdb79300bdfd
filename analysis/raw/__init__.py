"""The files of a run, read and checked: `read_run`, and the content of each kind of raw file."""

from analysis.raw import limits
from analysis.raw.histogram import (
    FEW_RESPONSES,
    LARGEST_EXACT,
    LEAST_BEYOND,
    ONE_IN,
    Histogram,
    histogram_of,
    read_histogram,
    recover_raw,
)
from analysis.raw.load_hosts import (
    CLOCKS_NAME,
    LoadFiles,
    LoadHostFiles,
    load_host_file,
    look_at_load_hosts,
    merge,
    turn_ns,
    with_load_hosts,
)
from analysis.raw.recordings import (
    HOST_ROLES,
    SAMPLED_ROLES,
    WatchFiles,
    Window,
    load_window,
    read_samples,
    step_means,
    usage,
    watch_numbers,
)
from analysis.raw.run import OPEN_LOOP_PLAN, CellFiles, Run, files_of_cell, read_run

__all__ = [
    "CLOCKS_NAME",
    "FEW_RESPONSES",
    "HOST_ROLES",
    "LARGEST_EXACT",
    "LEAST_BEYOND",
    "ONE_IN",
    "OPEN_LOOP_PLAN",
    "SAMPLED_ROLES",
    "CellFiles",
    "Histogram",
    "LoadFiles",
    "LoadHostFiles",
    "Run",
    "WatchFiles",
    "Window",
    "files_of_cell",
    "histogram_of",
    "limits",
    "load_host_file",
    "load_window",
    "look_at_load_hosts",
    "merge",
    "read_histogram",
    "read_run",
    "read_samples",
    "recover_raw",
    "step_means",
    "turn_ns",
    "usage",
    "watch_numbers",
    "with_load_hosts",
]
