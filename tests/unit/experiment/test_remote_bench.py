"""Clearing a host of what a run or a cell left behind, through a real sshd on loopback."""

from collections.abc import Callable
from pathlib import Path

import pytest

from documents.errors import HostError
from documents.lab.inventory import Inventory
from experiment.bench import host_folder
from experiment.bench.remote import RemoteBench
from provision.load import jobs
from provision.services import database, variants
from provision.ssh.connection import Connection
from tests.ssh.waiting import wait_until_gone
from tests.unit.experiment.fake_bench import INVENTORY, SECRETS
from tests.unit.provision.local_host import LocalHost


def none_is_left(_connection: Connection, _inventory: Inventory) -> bool:
    return False


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run's folder on the host, with the run's tokens."""
    made = tmp_path / "fairground" / "run"
    made.mkdir(parents=True)
    (made / "tokens").write_text("a token")
    (made.parent / "run.lock").write_text("held")
    monkeypatch.setattr(host_folder, "HOME", str(made))
    # No engine is asked for containers of variants; tests/ssh/test_variants.py does.
    monkeypatch.setattr(variants, "remove", none_is_left)
    monkeypatch.setattr(host_folder, "ASIDE", str(made.parent / "ended-run-"))
    return made


def test_load_and_files_that_a_run_left_are_gone_and_the_lock_stays(connection: Connection, home: Path):
    job = jobs.start(connection, str(home / "load"), ["sleep", "60"], deadline_seconds=60)
    bench = RemoteBench(connection, INVENTORY, SECRETS)
    bench.clear()
    wait_until_gone([job.process_id, job.supervisor_id])
    assert [path.name for path in home.parent.iterdir()] == ["run.lock"]
    bench.clear()


def test_what_a_clearing_that_broke_off_left_is_ended_by_the_next(connection: Connection, home: Path):
    job = jobs.start(connection, str(home / "sampler"), ["sleep", "60"], deadline_seconds=60)
    home.rename(home.parent / "ended-run-1")
    RemoteBench(connection, INVENTORY, SECRETS).clear()
    wait_until_gone([job.process_id])
    assert [path.name for path in home.parent.iterdir()] == ["run.lock"]


def test_a_start_that_comes_after_the_clearing_puts_no_load_on_the_host(connection: Connection, home: Path):
    RemoteBench(connection, INVENTORY, SECRETS).clear()
    with pytest.raises(HostError, match="isn't there any more"):
        jobs.start(connection, str(home / "load"), ["sleep", "60"], deadline_seconds=60)
    assert not home.exists()


def test_nothing_that_one_cell_wrote_is_there_for_the_next(monkeypatch: pytest.MonkeyPatch):
    done: set[str] = set()

    def note(step: str) -> Callable[..., None]:
        return lambda *_: done.add(step)

    for step in ("reset_database", "flush_cache", "empty_uploads"):
        monkeypatch.setattr(database, step, note(step))
    monkeypatch.setattr(RemoteBench, "prepare", note("prepare"))
    RemoteBench(LocalHost(), INVENTORY, SECRETS).reset(INVENTORY.apis[0], b"")
    assert done == {"reset_database", "flush_cache", "empty_uploads", "prepare"}


def test_a_wrong_order_of_calls_is_a_defect_and_no_failure_of_the_host(tmp_path: Path):
    bench = RemoteBench(LocalHost(), INVENTORY, SECRETS)
    for call in (bench.read_pinning, lambda: bench.start_sampling(seconds=1), lambda: bench.collect(tmp_path)):
        with pytest.raises(AssertionError, match=r"No (API was pinned|load has ended) on "):
            call()
