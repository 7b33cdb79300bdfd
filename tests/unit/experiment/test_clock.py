"""A run on a clock that isn't the machine's, and by a plan that isn't the lab's own."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from documents.plan import Plan
from documents.protocol import Protocol
from documents.run import Manifest
from experiment.plan import make_plan
from tests.unit.experiment.fake_bench import PROTOCOL, FakeBench
from tests.unit.experiment.loop_runs import CELLS, begin, journal, records

BEGAN = datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)
LOAD_SECONDS = 1_000.0


class SteppedClock:
    """Moves on when the bench of a test says so."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return BEGAN + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    def in_load(self, step: str, _count: int) -> None:
        if step == "measure":
            self.seconds += LOAD_SECONDS


def test_all_times_of_a_run_are_those_of_its_clock(tmp_path: Path):
    clock = SteppedClock()
    run = begin(FakeBench(before=clock.in_load), tmp_path, clock=clock)
    assert run.name == "20310506-070809-tiny"
    assert Manifest.from_json((run / "manifest.json").read_bytes(), name="manifest.json").started_at == BEGAN
    began = [record.started_at for record in records(run)]
    assert began == [BEGAN + number * timedelta(seconds=LOAD_SECONDS) for number in range(CELLS)]
    assert {record.phases_seconds["load"] for record in records(run)} == {LOAD_SECONDS}
    assert {sum(record.phases_seconds.values()) for record in records(run)} == {LOAD_SECONDS}
    assert journal(run)[0].at == BEGAN
    assert journal(run)[-1].at == BEGAN + CELLS * timedelta(seconds=LOAD_SECONDS)


def test_a_run_is_planned_by_whoever_is_asked_to(tmp_path: Path):
    asked: list[tuple[int, tuple[str, ...], int]] = []

    def backwards(protocol: Protocol, apis: Sequence[str], seed: int) -> Plan:
        asked.append((protocol.blocks, tuple(apis), seed))
        cells = make_plan(protocol, apis, seed).cells[::-1]
        return Plan(
            order_seed=seed,
            cells=tuple(cell.model_copy(update={"number": number}) for number, cell in enumerate(cells, start=1)),
        )

    bench = FakeBench()
    run = begin(bench, tmp_path, planner=backwards)
    assert asked == [(PROTOCOL.blocks, ("go", "rust"), 7)]
    own = make_plan(PROTOCOL, ("go", "rust"), 7)
    assert bench.played == [f"{cell.api} {cell.scenario.name}" for cell in own.cells[::-1]]
    assert Plan.from_json((run / "plan.json").read_bytes(), name="plan.json").order_seed == 7
