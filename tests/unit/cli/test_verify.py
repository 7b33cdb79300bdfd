"""`lab verify` on a host that a run holds, through a real sshd on loopback."""

from functools import partial
from pathlib import Path

import pytest

from cli.verify import verify
from documents.errors import RunError
from documents.lab.drift import Drift
from experiment.bench import run_lock
from lab.lifecycle.drift import Hold
from provision.ssh.connection import connect
from tests.ssh.sshd import Sshd
from tests.unit.cli.test_drift import AS_DECLARED
from tests.unit.documents.samples import INVENTORY, SECRETS


@pytest.mark.parametrize("drift", [False, True], ids=["contract", "drift"])
def test_nothing_is_checked_while_a_run_holds_the_host(
    sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, drift: bool
):
    checked: list[object] = []

    def read_lab(_engine: object) -> object:
        return INVENTORY.model_copy(update={"host": sshd.host}), SECRETS

    def verify_api(*arguments: object) -> list[object]:
        checked.append(arguments)
        return []

    def read_drift(*_: object, hold: Hold) -> Drift:
        with connect(sshd.host) as connection, hold(connection):
            checked.append(connection)
        return AS_DECLARED

    held = partial(run_lock.held, lock=str(tmp_path / "run.lock"))
    monkeypatch.setattr("lab.lifecycle.read_lab", read_lab)
    monkeypatch.setattr("lab.lifecycle.read_drift", read_drift)
    monkeypatch.setattr("experiment.bench.verify_api", verify_api)
    monkeypatch.setattr("experiment.bench.held", held)
    with connect(sshd.host) as connection:
        with (
            held(connection, "run 1"),
            pytest.raises(RunError, match=r"^Another run holds .*: run 1 of \S+@\S+, process \d+\. Two runs"),
        ):
            verify(drift=drift)
        assert not checked
    verify(drift=drift)
    assert checked
