"""`lab tune` on a stand-in for a host's settings, in a container and on a host of its own."""

import json
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cli import tune as subcommand
from documents.errors import HostError
from experiment import bench
from provision.kernel import tuning
from tests.unit.documents.samples import INVENTORY, SECRETS
from tests.unit.provision.local_host import LocalHost
from tests.unit.provision.settings_stand_in import UNTOUCHED_SETTINGS, StandIn


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    made = StandIn(tmp_path)

    def versions(*_: object) -> dict[str, str]:
        return {"wrk": "4.1.0", "postgres": "17.6"}

    @contextmanager
    def held(*_: object) -> Generator[None]:
        yield

    def connect(_host: object) -> LocalHost:
        return LocalHost()

    def paths() -> tuning.KnobPaths:
        return made.paths

    monkeypatch.setattr(bench, "held", held)
    monkeypatch.setattr("provision.system.read_tool_versions", versions)
    monkeypatch.setattr("provision.ssh.connect", connect)
    monkeypatch.setattr("provision.kernel.KnobPaths", paths)
    on_a_host_of_kind("ssh", monkeypatch)
    yield made
    tuning.restore(LocalHost(), paths=made.paths)


def on_a_host_of_kind(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    host = INVENTORY.host.model_copy(update={"kind": kind})

    def read_lab(_engine: object) -> object:
        return INVENTORY.model_copy(update={"host": host, "own_kernel": kind != "container"}), SECRETS

    def open_engine(_stack: str) -> object:
        return None

    monkeypatch.setattr("lab.lifecycle.read_lab", read_lab)
    monkeypatch.setattr(subcommand, "open_engine", open_engine)


def test_a_check_shows_host_and_settings_and_fails_where_they_are_not_as_wanted(
    stand_in: StandIn, capsys: pytest.CaptureFixture[str]
):
    with pytest.raises(HostError, match=r"settings of the host aren't as wanted for a measurement: governor, turbo, "):
        subcommand.tune(check=True)
    shown = " ".join(capsys.readouterr().out.split())
    assert "cpu model" in shown
    assert "setting: kernel.randomize_va_space" in shown
    assert "! governor" in shown
    assert "The host is partly controlled: governor, turbo" in shown
    assert stand_in.settings() == UNTOUCHED_SETTINGS


def test_a_container_is_only_read_and_that_is_no_failure(
    stand_in: StandIn, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    on_a_host_of_kind("container", monkeypatch)
    subcommand.tune(check=True, json=True)
    printed = json.loads(capsys.readouterr().out)
    assert printed["settable"] is False
    assert printed["control"].startswith("partly controlled: governor, turbo")
    assert printed["identity"]["cpus"]
    assert printed["tool_versions"] == {"wrk": "4.1.0", "postgres": "17.6"}
    (governor,) = (knob for knob in printed["knobs"] if knob["name"] == "governor")
    assert (governor["before"], governor["wanted"]) == ("powersave (2), performance (1)", "performance")
    assert governor["why"]
    with pytest.raises(HostError, match=r"is a container: .* only read\. `lab tune --check` shows them\.$"):
        subcommand.tune()
    assert stand_in.settings() == UNTOUCHED_SETTINGS


def test_settings_are_set_for_a_time_then_checked_and_put_back(stand_in: StandIn, capsys: pytest.CaptureFixture[str]):
    subcommand.tune(minutes=5)
    assert "Set for 5 minutes." in capsys.readouterr().out
    assert stand_in.settings()["proc/sys/vm/swappiness"] == "1"
    subcommand.tune(check=True)
    assert "The host is controlled." in capsys.readouterr().out
    subcommand.tune(restore=True)
    assert "values were restored." in capsys.readouterr().out
    assert stand_in.settings() == UNTOUCHED_SETTINGS
