"""Load hosts are held and cleared over SSH like the lab's host."""

import functools
from pathlib import Path

import pytest

from documents.errors import RunError
from experiment.bench import host_folder, run_lock
from experiment.bench.load_hosts import LoadHosts
from provision.kernel.tuning import KnobPaths
from provision.load import jobs
from provision.ssh.connection import Connection
from tests.ssh.waiting import wait_until_gone
from tests.unit.analysis.load_host_builder import LOAD_HOST


@pytest.fixture
def hosts(connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LoadHosts:
    """One load host, whose lab's folder is this test's."""
    monkeypatch.setattr(host_folder, "HOME", str(tmp_path / "run"))
    monkeypatch.setattr(host_folder, "ASIDE", str(tmp_path / "ended-run-"))
    monkeypatch.setattr(run_lock, "held", functools.partial(run_lock.held, lock=str(tmp_path / "run.lock")))
    return LoadHosts(connection, "192.0.2.1", [(LOAD_HOST, connection)], paths=KnobPaths())


def test_no_two_runs_hold_one_load_host(hosts: LoadHosts):
    with (
        hosts.hold("the first run"),
        pytest.raises(RunError, match=r"Another run holds .*: the first run"),
        hosts.hold("the second"),
    ):
        pass
    with hosts.hold("the third"):
        pass


def test_load_and_tokens_that_a_run_left_on_a_load_host_are_gone(
    hosts: LoadHosts, connection: Connection, tmp_path: Path
):
    host_folder.make(connection)
    (tmp_path / "run" / "tokens").write_text("a token")
    job = jobs.start(connection, host_folder.path_of("load"), ["sleep", "60"], deadline_seconds=60)
    hosts.clear()
    wait_until_gone([job.process_id, job.supervisor_id])
    assert [path.name for path in tmp_path.iterdir() if path.name != "sshd"] == []
