"""The watch over one cell after the other: what it leaves, and that a failure is reported and ends no cell."""

from pathlib import Path
from typing import cast

import pytest

from documents.errors import HostError, HostUnreachableError
from documents.lab.host import CoreLayout
from documents.run.window import HostWatch, Spin
from experiment.bench.host_folder import CellWatch
from provision.load import recording
from provision.load.jobs import Job
from provision.load.recording import WATCH, Recorder
from provision.ssh.connection import Connection
from tests.unit.experiment.fake_bench import LAYOUT
from tests.unit.experiment.test_tuning_bench import JOB

SPINS = (Spin(cpu=0, wall_ns=2, cpu_ns=1),)
OTHER_LAYOUT = CoreLayout(api=(2, 3), postgres=(0,), redis=(0,), system=(0,), generator=(1,), shared=True)


class Host:
    """Plays `provision.load.recording`; a step named in `fails` raises."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.fails: dict[str, Exception] = {}
        self.cpus: list[object] = []
        for name, played in (("start_watch", self.start), ("spin", self.spin), ("finish", self.finish)):
            monkeypatch.setattr(recording, name, played)

    def _step(self, name: str) -> None:
        if name in self.fails:
            raise self.fails[name]

    def start(self, *_: object, **options: object) -> Job:
        self.cpus.append(options["lab_cpus"])
        self._step("start")
        return JOB

    def spin(self, _connection: Connection, cpus: object) -> tuple[Spin, ...]:
        self.cpus.append(cpus)
        self._step("spin")
        return SPINS

    def finish(self, _connection: Connection, job: Job, recorder: Recorder, target: Path) -> str:
        assert (job, recorder) == (JOB, WATCH)
        self._step("finish")
        target.write_text("ticks")
        return "0" * 64


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Host:
    return Host(monkeypatch)


@pytest.fixture
def watch() -> CellWatch:
    return CellWatch(cast("Connection", None), LAYOUT)


def go(watch: CellWatch, folder: Path) -> str | None:
    watch.start("/nowhere", {}, port=1, seconds=1)
    with watch.around_load():
        pass
    return watch.finish(folder)


def test_a_watched_cell_has_both_files(host: Host, watch: CellWatch, tmp_path: Path):
    assert go(watch, tmp_path) is None
    assert {path.name for path in tmp_path.iterdir()} == {"watch.json", "ticks.jsonl"}
    spins = HostWatch.from_json((tmp_path / "watch.json").read_bytes(), name="watch.json")
    assert spins == HostWatch(spins_before=SPINS, spins_after=SPINS)
    assert host.cpus == [[0, 1, 2, 3, 4, 5], (0, 1), (0, 1)], "all of the lab's CPUs are watched, and the API's spin"


@pytest.mark.parametrize("step", ["start", "spin", "finish"])
def test_a_failure_is_reported_and_does_not_affect_the_next_cell(
    host: Host, watch: CellWatch, tmp_path: Path, step: str
):
    host.fails = {step: HostError(f"The {step} failed.")}
    assert go(watch, tmp_path) == f"The {step} failed."
    host.fails = {}
    assert go(watch, tmp_path) is None


def test_a_load_without_a_spin_is_reported(host: Host, watch: CellWatch, tmp_path: Path):
    watch.start("/nowhere", {}, port=1, seconds=1)
    assert watch.finish(tmp_path) == "There was no calibration spin around the load."
    assert len(host.cpus) == 1


@pytest.mark.parametrize("step", ["start", "spin", "finish"])
def test_a_lost_connection_is_no_failure_of_the_watch(host: Host, watch: CellWatch, tmp_path: Path, step: str):
    host.fails = {step: HostUnreachableError("The connection was lost.")}
    with pytest.raises(HostUnreachableError):
        go(watch, tmp_path)


def test_a_cell_with_another_layout_is_watched_on_its_own_cpus(host: Host, watch: CellWatch, tmp_path: Path):
    watch.use(OTHER_LAYOUT)
    assert go(watch, tmp_path) is None
    assert host.cpus == [[0, 1, 2, 3], (2, 3), (2, 3)]
