"""Detached jobs on a real host: they outlive everything but their deadline, and say how they ended."""

import json
import os
import signal
import time
from pathlib import Path

import pytest

from documents.errors import DeadlineExceededError, HostError, HostUnreachableError
from provision.containers import cgroups
from provision.containers.cgroups import Cgroup
from provision.load import jobs
from provision.ssh.connection import Connection, connect
from tests.ssh.sshd import Sshd
from tests.ssh.waiting import is_alive, wait_for_content, wait_until_gone


def test_a_job_runs_in_its_directory_and_records_its_status_and_times(connection: Connection, tmp_path: Path):
    directory = tmp_path / "job"
    before = time.monotonic_ns()
    argv = ["sh", "-c", "pwd; echo oops >&2; sleep 0.3; exit 9"]
    job = jobs.start(connection, str(directory), argv, deadline_seconds=20)
    status = jobs.wait(connection, job)
    assert (status.outcome, status.exit_status) == ("ended", 9)
    assert before < status.started_ns < status.ended_ns < time.monotonic_ns()
    assert status.ended_ns - status.started_ns >= 0.3e9
    assert (directory / "stdout").read_text() == f"{directory}\n"
    assert (directory / "stderr").read_text() == "oops\n"
    assert directory.stat().st_mode & 0o777 == 0o700
    assert jobs.wait(connection, job) == status, "waiting again gives the same answer"
    assert jobs.tail(connection, job) == f"{directory} / oops"


def test_a_job_survives_a_lost_connection(sshd: Sshd, connection: Connection, tmp_path: Path):
    directory = str(tmp_path / "job")
    script = "for n in 1 2 3 4; do echo $n; sleep 0.5; done"
    job = jobs.start(connection, directory, ["sh", "-c", script], deadline_seconds=30)
    sshd.kill_sessions()
    with pytest.raises(HostUnreachableError):
        jobs.wait(connection, job)
    with connect(sshd.host) as again:
        status = jobs.wait(again, job)
    assert status.exit_status == 0
    assert (tmp_path / "job" / "stdout").read_text() == "1\n2\n3\n4\n"


def test_the_deadline_ends_the_whole_process_group(connection: Connection, tmp_path: Path):
    pids = tmp_path / "pids"
    script = f"trap '' TERM; echo $$ >> {pids}; sh -c 'trap \"\" TERM; echo $$ >> {pids}; sleep 60; :' & wait"
    job = jobs.start(connection, str(tmp_path / "job"), ["sh", "-c", script], deadline_seconds=3)
    with pytest.raises(DeadlineExceededError, match="within 3 s"):
        jobs.wait(connection, job)
    ids = [int(line) for line in pids.read_text().split()]
    assert len(ids) == 2
    wait_until_gone(ids)


def test_stopping_lets_a_job_end_by_itself(connection: Connection, tmp_path: Path):
    script = "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.05; done"
    job = jobs.start(connection, str(tmp_path / "job"), ["sh", "-c", script], deadline_seconds=30)
    wait_for_content(tmp_path / "job" / "stdout")
    status = jobs.stop(connection, job)
    assert (status.outcome, status.exit_status) == ("stopped", 0)
    assert (tmp_path / "job" / "stdout").read_text() == "up\nbye\n"
    assert jobs.stop(connection, job) == status, "stopping again changes nothing"


def test_stopping_ends_a_group_that_ignores_it(connection: Connection, tmp_path: Path):
    script = "trap '' TERM; sh -c 'trap \"\" TERM; echo $$; sleep 60; :' & wait"
    job = jobs.start(connection, str(tmp_path / "job"), ["sh", "-c", script], deadline_seconds=60)
    wait_for_content(tmp_path / "job" / "stdout")
    status = jobs.stop(connection, job)
    assert (status.outcome, status.exit_status) == ("stopped", 128 + signal.SIGKILL)
    wait_until_gone([job.process_id, int((tmp_path / "job" / "stdout").read_text())])


def test_what_a_job_leaves_in_its_group_ends_with_it(connection: Connection, tmp_path: Path):
    job = jobs.start(connection, str(tmp_path / "job"), ["sh", "-c", "sleep 60 & echo $!"], deadline_seconds=30)
    assert jobs.wait(connection, job).exit_status == 0
    wait_until_gone([int((tmp_path / "job" / "stdout").read_text())])


def test_a_job_whose_supervisor_was_killed_is_lost_and_can_be_ended(connection: Connection, tmp_path: Path):
    job = jobs.start(connection, str(tmp_path / "job"), ["sleep", "60"], deadline_seconds=60)
    os.kill(job.supervisor_id, signal.SIGKILL)
    with pytest.raises(HostError, match="ended without a status"):
        jobs.wait(connection, job)
    assert is_alive(job.process_id)
    with pytest.raises(HostError, match="ended without a status"):
        jobs.stop(connection, job)
    wait_until_gone([job.process_id])


def test_a_job_that_does_not_end_in_time_is_not_said_to_have_ended(
    connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(jobs, "_GRACE_SECONDS", 0)
    job = jobs.start(connection, str(tmp_path / "job"), ["sleep", "60"], deadline_seconds=60)
    hurried = job.model_copy(update={"deadline_seconds": 0.1})
    with pytest.raises(HostError, match=rf"still runs, although .*: `kill {job.supervisor_id}`\.$"):
        jobs.wait(connection, hurried)
    assert jobs.stop(connection, job).outcome == "stopped"


def test_a_recycled_process_number_is_not_taken_for_the_job(connection: Connection, tmp_path: Path):
    """After a restart of the host the numbers of an old job belong to others: they are left alone."""
    job = jobs.start(connection, str(tmp_path / "job"), ["sleep", "60"], deadline_seconds=60)
    file = tmp_path / "job" / "job.json"
    truth = file.read_text()
    file.write_text(json.dumps({**json.loads(truth), "boot_id": "another-boot"}))
    with pytest.raises(HostError, match="ended without a status"):
        jobs.stop(connection, job)
    assert is_alive(job.supervisor_id)
    assert is_alive(job.process_id)
    file.write_text(truth)
    assert jobs.stop(connection, job).outcome == "stopped"


def test_a_command_that_does_not_exist_is_reported_at_the_start(connection: Connection, tmp_path: Path):
    with pytest.raises(HostError, match=r"no-such-command.*can't be started"):
        jobs.start(connection, str(tmp_path / "job"), ["no-such-command"], deadline_seconds=5)
    assert not (tmp_path / "job" / "job.json").exists()


def test_a_directory_serves_one_job_only(connection: Connection, tmp_path: Path):
    jobs.wait(connection, jobs.start(connection, str(tmp_path / "job"), ["true"], deadline_seconds=5))
    with pytest.raises(HostError, match=r"started in .* before"):
        jobs.start(connection, str(tmp_path / "job"), ["true"], deadline_seconds=5)


def test_a_job_has_the_cpus_and_the_cgroup_that_it_was_given(connection: Connection, cgroup: Cgroup, tmp_path: Path):
    script = "cat /proc/self/cgroup; grep Cpus_allowed_list /proc/self/status"
    job = jobs.start(
        connection, str(tmp_path / "job"), ["sh", "-c", script], cpus=[1], cgroup=cgroup, deadline_seconds=20
    )
    assert jobs.wait(connection, job).exit_status == 0
    output = (tmp_path / "job" / "stdout").read_text()
    assert cgroups.parse("".join(line for line in output.splitlines(keepends=True) if ":/" in line)) == cgroup
    assert "Cpus_allowed_list:\t1\n" in output
