"""Workloads: deterministic streams of requests, one file each, and the Lua that replays them in wrk."""

from experiment.workloads.requests import EXPECTED_STATUS, RequestFile, build_requests, token_file

__all__ = [
    "EXPECTED_STATUS",
    "RequestFile",
    "build_requests",
    "token_file",
]
