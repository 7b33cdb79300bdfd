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
    fillable_cpus,
    load_host_file,
    measure_load_hosts,
    merge,
    turn_ns,
    with_load_hosts,
)
from analysis.raw.recordings import (
    SAMPLED_ROLES,
    RoleSamples,
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
    "LARGEST_EXACT",
    "LEAST_BEYOND",
    "ONE_IN",
    "OPEN_LOOP_PLAN",
    "SAMPLED_ROLES",
    "CellFiles",
    "Histogram",
    "RoleSamples",
    "Run",
    "WatchFiles",
    "Window",
    "files_of_cell",
    "fillable_cpus",
    "histogram_of",
    "limits",
    "load_host_file",
    "load_window",
    "measure_load_hosts",
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
