"""The script that keeps a job, on this machine: what it starts, and that nothing runs where it couldn't."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from provision.payload import job as keeper
from provision.payload import text_of
from tests.ssh.waiting import wait_until


def job(function: str, **request: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-I", "-"],
        input=text_of("job", request, function),
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def start(directory: Path, argv: list[str], **changes: object) -> "subprocess.CompletedProcess[str]":
    request = {"directory": str(directory), "argv": argv, "deadline_seconds": 60, "cpus": None, "cgroups": []}
    return job("start", **request | changes)


def answer(completed: "subprocess.CompletedProcess[str]") -> dict[str, Any]:
    assert completed.returncode == 0, completed.stderr
    return json.loads(completed.stdout)


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[list[str]]:
    """A command that sleeps for a minute, and bears a name by which it can be found."""
    yield ["sh", "-c", f": {tmp_path}; sleep 60; :"]
    for process in processes_of(tmp_path):
        subprocess.run(["kill", "-KILL", str(process)], check=False)


def processes_of(folder: Path) -> list[int]:
    """The processes that have the folder in their command."""
    found: list[int] = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if str(folder).encode() in command and b"sleep 60" in command:
            found.append(int(path.parts[2]))
    return found


def wait_for_none_of(folder: Path) -> None:
    wait_until(lambda: processes_of(folder) == [])


def test_a_job_that_cannot_be_written_down_is_ended_and_reported(tmp_path: Path, sleeper: list[str]):
    # As on a full disk, on which the files that hold nothing yet can still be made.
    (tmp_path / "load" / "job.part").mkdir(parents=True)
    failed = start(tmp_path / "load", sleeper)
    assert failed.returncode == 1
    assert f"the job sh was ended, because {tmp_path}/load can't be written to: " in failed.stderr
    wait_for_none_of(tmp_path)


def test_a_job_that_does_not_get_all_of_its_cpus_is_not_started(tmp_path: Path, sleeper: list[str]):
    cpu = min(os.sched_getaffinity(0))
    absent = 1000
    failed = start(tmp_path / "load", sleeper, cpus=[cpu, absent])
    assert failed.returncode == 1
    assert f"to run on the CPUs [{cpu}, {absent}], but the kernel gives it [{cpu}]" in failed.stderr
    assert not processes_of(tmp_path)
    answer(start(tmp_path / "again", sleeper, cpus=[cpu]))
    assert {frozenset(os.sched_getaffinity(process)) for process in processes_of(tmp_path)} == {frozenset({cpu})}
    answer(job("stop", directory=str(tmp_path / "again")))


def test_stopping_a_job_that_ends_just_then_is_fine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with subprocess.Popen(["true"]) as ended:
        pass
    (tmp_path / "job.json").write_text(json.dumps({"supervisor_id": ended.pid, "supervisor_start": 1, "boot_id": ""}))
    (tmp_path / "status.json").write_text("{}")

    def is_process(*_: object) -> bool:
        return True

    monkeypatch.setattr(keeper, "is_process", is_process)
    assert keeper.stop({"directory": str(tmp_path)})["state"] == "ended"
