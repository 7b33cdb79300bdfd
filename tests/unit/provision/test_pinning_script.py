"""The script that pins threads, on this machine: none escapes because one ended while it was looked for."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from provision.payload import text_of

CPU = min(os.sched_getaffinity(0))

THREADS = """
import threading, time
for _ in range(3):
    threading.Thread(target=time.sleep, args=(60,)).start()
print(flush=True)
"""

ENDED_BEFORE_IT_WAS_LOOKED_AT = """
import os
look, times = os.sched_getaffinity, iter(range(4))
def answer(thread):
    if thread == {thread} and next(times, None) is not None:
        raise ProcessLookupError
    return look(thread)
os.sched_getaffinity = answer
"""
"""The kernel's error for a thread that has ended, four times; then the truth."""

ENDED_WHILE_IT_WAS_LISTED = """
from pathlib import Path
listed, times = Path.iterdir, iter(range(4))
def answer(folder):
    found = list(listed(folder))
    return found[:1] if next(times, None) is not None else found
Path.iterdir = answer
"""
"""The listing ends at its first thread, as if that ended during it, four times; then the truth."""


@pytest.fixture
def process() -> Iterator["subprocess.Popen[bytes]"]:
    """A process of four threads."""
    with subprocess.Popen([sys.executable, "-c", THREADS], stdout=subprocess.PIPE) as started:
        assert started.stdout is not None
        started.stdout.readline()
        yield started
        started.kill()


def run(
    process: "subprocess.Popen[bytes]", cgroup: Path, action: str, before: str = ""
) -> list[dict[str, object]] | int:
    """What the script answers, for a cgroup with that process alone; `before` it something else is run."""
    (cgroup / "cgroup.procs").write_text(f"{process.pid}\n")
    request = {"action": action, "roles": {"api": {"cpus": [CPU], "cgroups": [str(cgroup)], "commands": []}}}
    answer = subprocess.run(
        [sys.executable, "-I", "-"],
        input=(before + text_of("pinning", request)).encode(),
        capture_output=True,
        check=True,
        timeout=60,
    )
    return json.loads(answer.stdout)


def threads(process: "subprocess.Popen[bytes]") -> list[int]:
    return sorted(int(entry.name) for entry in Path(f"/proc/{process.pid}/task").iterdir())


@pytest.mark.parametrize("before", [ENDED_BEFORE_IT_WAS_LOOKED_AT, ENDED_WHILE_IT_WAS_LISTED])
def test_no_thread_is_missed_if_one_ends_during_the_scan(
    process: "subprocess.Popen[bytes]", tmp_path: Path, before: str
):
    found = threads(process)
    assert run(process, tmp_path, "apply", before.format(thread=found[-1])) == 4
    assert [os.sched_getaffinity(thread) for thread in found] == [{CPU}] * 4


def test_all_are_reported_if_one_ends_while_they_are_listed(process: "subprocess.Popen[bytes]", tmp_path: Path):
    reported = run(process, tmp_path, "read", ENDED_WHILE_IT_WAS_LISTED)
    assert isinstance(reported, list)
    assert sorted(str(thread["thread_id"]) for thread in reported) == sorted(map(str, threads(process)))
