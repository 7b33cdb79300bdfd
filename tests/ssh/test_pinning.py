"""Pinning of real threads, read back from the kernel."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from documents.errors import HostError
from documents.lab.host import CoreLayout
from provision.containers.cgroups import Cgroup
from provision.load import jobs
from provision.load.jobs import Job
from provision.ssh.connection import Connection
from provision.system import pinning
from tests.ssh.waiting import wait_for_content

THREADS = Path(__file__).with_name("threads.py")
FIRST, SECOND = sorted(os.sched_getaffinity(0))[:2]
LAYOUT = CoreLayout(api=(SECOND,), postgres=(FIRST,), redis=(FIRST,), generator=(FIRST,), system=(FIRST,), shared=True)


@pytest.fixture
def busy(connection: Connection, cgroup: Cgroup, tmp_path: Path) -> Iterator[Job]:
    """Sixteen chains of threads that start one another, in a cgroup, on all CPUs."""
    argv = [sys.executable, str(THREADS), "16", "60"]
    job = jobs.start(connection, str(tmp_path / "job"), argv, cpus=[FIRST, SECOND], cgroup=cgroup, deadline_seconds=90)
    wait_for_content(tmp_path / "job" / "stdout")
    yield job
    jobs.stop(connection, job)


def test_no_thread_escapes_that_is_started_while_pinning(connection: Connection, cgroup: Cgroup, busy: Job):
    def read() -> list[str]:
        found = pinning.read_back(connection, LAYOUT, {"api": cgroup}, system_commands=())
        assert sum(thread.process_id == busy.process_id for thread in found) > 10, "the process has its threads"
        return pinning.mismatches(LAYOUT, found, roles=("api",))

    assert read(), "before it, threads may run elsewhere"
    assert pinning.apply(connection, LAYOUT, {"api": cgroup}, system_commands=()) > 10
    for _ in range(5):
        assert read() == []
    assert pinning.apply(connection, LAYOUT, {"api": cgroup}, system_commands=()) == 0


def test_what_is_read_back_is_the_kernels_own_word(connection: Connection, cgroup: Cgroup, tmp_path: Path):
    job = jobs.start(connection, str(tmp_path / "job"), ["sleep", "30"], cgroup=cgroup, deadline_seconds=60)
    pinning.apply(connection, LAYOUT, {"api": cgroup}, system_commands=())
    found = pinning.read_back(connection, LAYOUT, {"api": cgroup}, system_commands=())
    sleeping = [thread for thread in found if thread.process_id == job.process_id]
    assert [(thread.role, thread.command, thread.cpus) for thread in sleeping] == [("api", "sleep", (SECOND,))]
    assert os.sched_getaffinity(job.process_id) == {SECOND}
    os.sched_setaffinity(job.process_id, {FIRST})
    found = pinning.read_back(connection, LAYOUT, {"api": cgroup}, system_commands=())
    assert pinning.mismatches(LAYOUT, found, roles=("api",)) == [
        f"The thread {job.process_id} (sleep) of the role api may run on the CPUs {FIRST} instead of {SECOND}."
    ]
    jobs.stop(connection, job)


def test_the_hosts_own_work_is_found_by_name_and_let_go_again(connection: Connection, tmp_path: Path):
    command = tmp_path / f"own-work-{os.getpid()}"
    command.symlink_to("/usr/bin/sleep")
    job = jobs.start(connection, str(tmp_path / "job"), [str(command), "30"], cpus=[FIRST, SECOND], deadline_seconds=60)
    assert pinning.apply(connection, LAYOUT, {}, system_commands=(command.name,)) == 1
    found = pinning.read_back(connection, LAYOUT, {}, system_commands=(command.name,))
    assert [(thread.role, thread.process_id, thread.cpus) for thread in found] == [("system", job.process_id, (FIRST,))]
    pinning.confine(connection, [FIRST, SECOND], commands=(command.name,))
    assert os.sched_getaffinity(job.process_id) == {FIRST, SECOND}
    jobs.stop(connection, job)


def test_a_cpu_that_the_host_does_not_have_is_reported(connection: Connection, cgroup: Cgroup, busy: Job):
    assert busy.process_id
    layout = LAYOUT.model_copy(update={"api": (900,)})
    with pytest.raises(HostError, match=r"can't be pinned to the CPUs \[900\]"):
        pinning.apply(connection, layout, {"api": cgroup}, system_commands=())
