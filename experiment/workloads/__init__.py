"""Workloads: deterministic streams of requests, one file each, and the commands that send them."""

from experiment.workloads.command import ReplayPaths, generator_threads, wrk_command
from experiment.workloads.requests import EXPECTED_STATUS, RequestFile, build_requests, token_file

__all__ = [
    "EXPECTED_STATUS",
    "ReplayPaths",
    "RequestFile",
    "build_requests",
    "generator_threads",
    "token_file",
    "wrk_command",
]
