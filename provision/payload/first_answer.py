"""Runs on the host: starts a container and waits for its first right answer.

Standard library only, Python 3.10 or newer. A request is

    {"container": "…", "address": "127.0.0.1", "port": 8080, "path": "/api/posts/1", "body": "…",
     "executable": "/api", "cgroup": "/sys/fs/cgroup/…", "memory_stat": "/sys/fs/cgroup/…/memory.stat",
     "memory_field": "anon", "rest_seconds": 5, "deadline_seconds": 60}

The container is one that doesn't run. Every millisecond it checks whether a process of its cgroup runs the executable,
and from then on whether the path is answered with 200 and the same JSON as the body. The answer has three moments of
the monotonic clock, in nanoseconds, and the cgroup's anonymous memory some seconds later.
"""

import http.client
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

TICK_SECONDS = 0.001

LEAST_SECONDS = 1
"""The time that a request has even if it is sent right before the deadline."""


def main(request: "dict[str, Any]") -> "dict[str, int]":
    """Do what the request says."""
    ends_at = time.monotonic() + request["deadline_seconds"]
    started_ns = time.monotonic_ns()
    with subprocess.Popen(
        ["docker", "start", request["container"]], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as engine:
        running_ns = 0
        seen = "its process didn't run"
        while not running_ns or (seen := ask(request, ends_at)):
            if engine.poll():
                sys.exit(f"docker start failed: {engine.communicate()[1].decode(errors='replace').strip()}")
            if time.monotonic() > ends_at:
                sys.exit(f"no right answer within {request['deadline_seconds']} s: {seen}")
            if not running_ns and runs(Path(request["cgroup"]), request["executable"]):
                running_ns = time.monotonic_ns()
                continue
            time.sleep(TICK_SECONDS)
        answered_ns = time.monotonic_ns()
    time.sleep(request["rest_seconds"])
    return {
        "started_ns": started_ns,
        "running_ns": running_ns,
        "answered_ns": answered_ns,
        "memory_bytes": field(Path(request["memory_stat"]), request["memory_field"]),
    }


def runs(cgroup: Path, executable: str) -> bool:
    """Whether a process of the cgroup runs the executable; before that, the engine's process prepares it."""
    try:
        processes = (cgroup / "cgroup.procs").read_text().split()
        return any(str(Path("/proc", process, "exe").readlink()) == executable for process in processes)
    except OSError:
        return False


def ask(request: "dict[str, Any]", ends_at: float) -> str:
    """Send one request; returns the fault of the answer, or an empty text if it is right and complete."""
    left = max(ends_at - time.monotonic(), LEAST_SECONDS)
    client = http.client.HTTPConnection(request["address"], request["port"], timeout=left)
    try:
        client.request("GET", request["path"])
        answer = client.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException) as error:
        return f"{type(error).__name__}: {error}"
    finally:
        client.close()
    if answer.status == 200 and value_of(body) == value_of(request["body"].encode()):
        return ""
    return f"it was answered with {answer.status} and {body[:200]!r}"


def value_of(body: bytes) -> object:
    """A body parsed as JSON, or the body itself if it isn't JSON."""
    try:
        return json.loads(body)
    except ValueError:
        return body


def field(table: Path, name: str) -> int:
    """The number after a name in a table of the kernel's."""
    lines = (line.split() for line in table.read_text().splitlines())
    return next(int(value) for key, value in lines if key == name)
