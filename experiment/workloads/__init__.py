"""Workloads: deterministic streams of requests, one file each, and the commands that send them."""

from experiment.workloads.command import (
    OPEN_LOOP_SOURCE,
    REPLAY_SCRIPT,
    GeneratorPart,
    ReplayPaths,
    generator_threads,
    open_loop_command,
    share_of_connections,
    shares_of_rate,
    wrk_command,
)
from experiment.workloads.requests import EXPECTED_STATUS, RequestFile, build_requests, token_file

__all__ = [
    "EXPECTED_STATUS",
    "OPEN_LOOP_SOURCE",
    "REPLAY_SCRIPT",
    "GeneratorPart",
    "ReplayPaths",
    "RequestFile",
    "build_requests",
    "generator_threads",
    "open_loop_command",
    "share_of_connections",
    "shares_of_rate",
    "token_file",
    "wrk_command",
]
