"""A run on a clock that isn't the machine's."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from documents.run.records import Manifest
from tests.run_folder import read_attempts, read_journal
from tests.unit.experiment.fake_bench import FakeBench
from tests.unit.experiment.loop_runs import CELLS, begin

BEGAN = datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)
LOAD_SECONDS = 1_000.0


class SteppedClock:
    """Moves on when the bench of a test says so."""

    def __init__(self, load_seconds: float = LOAD_SECONDS) -> None:
        self.seconds = 0.0
        self._load_seconds = load_seconds

    def now(self) -> datetime:
        return BEGAN + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    def in_load(self, step: str, _count: int) -> None:
        if step == "measure":
            self.seconds += self._load_seconds


def test_all_times_of_a_run_are_those_of_its_clock(tmp_path: Path):
    clock = SteppedClock()
    run = begin(FakeBench(before=clock.in_load), tmp_path, clock=clock)
    assert run.name == "20310506-070809-tiny"
    assert Manifest.from_json((run / "manifest.json").read_bytes(), name="manifest.json").started_at == BEGAN
    began = [record.started_at for record in read_attempts(run)]
    assert began == [BEGAN + number * timedelta(seconds=LOAD_SECONDS) for number in range(CELLS)]
    assert {record.phases_seconds["load"] for record in read_attempts(run)} == {LOAD_SECONDS}
    assert {sum(record.phases_seconds.values()) for record in read_attempts(run)} == {LOAD_SECONDS}
    assert read_journal(run)[0].at == BEGAN
    assert read_journal(run)[-1].at == BEGAN + CELLS * timedelta(seconds=LOAD_SECONDS)
