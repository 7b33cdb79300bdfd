"""Whatever ends a run, and whenever: it goes on without losing or repeating a finished attempt, on a clean host."""

import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from documents.errors import HostUnreachableError
from documents.run.protocol import OpenLoop, Variant
from documents.stack.stack import Cores
from experiment.progress.events import CellFinished, Event, PhaseStarted
from tests.conftest import NIGHTLY
from tests.run_folder import read_attempts, read_journal
from tests.unit.experiment.fake_bench import LAYOUT, PROTOCOL, FakeBench
from tests.unit.experiment.killed_run import kill_run
from tests.unit.experiment.loop_runs import attempts_of, begin, only_run, resume, told_of_attempts

EVERYTHING = PROTOCOL.model_copy(
    update={
        "blocks": 1,
        "apis": ("go",),
        "vary": (
            Variant(name="large", postgres={"work_mem": "64MB"}),
            Variant(name="wide", cores=Cores(api="0-2", postgres="3", system="5", generator="4")),
        ),
        "open_loop": OpenLoop(scenario="heavy", shares=(0.5,), seconds=2, blocks=1),
    }
)
"""Six cells of two variants and two of their open loop."""

SPOILT = frozenset({2, 3, 8, 10})
"""Windows that are void: cell 2 is valid at its third attempt, 6 and 7, the first of the open loop, at their second."""

WINDOWS = 8 + len(SPOILT)


@dataclass(frozen=True)
class Whole:
    """The same run, which nothing ended."""

    folder: Path
    steps: list[str]
    events: list[Event]

    def moments(self) -> list[int]:
        """The steps at which a run is ended: all at night; else each kind in the first, third and last attempt."""
        ends = range(3, len(self.steps) - 1)
        if NIGHTLY:
            return [*ends]
        chosen: set[int] = set()
        for name in set(self.steps):
            of_name = [number for number in ends if self.steps[number - 1] == name]
            chosen |= {*of_name[:1], *of_name[2:3], *of_name[-1:]}
        return sorted(chosen)

    def event_moments(self) -> Iterator[int]:
        """The events at which a run is killed: all but phases at night; else one of each kind, void and valid."""
        seen: set[object] = set()
        for number, event in enumerate(self.events[:-1], start=1):
            kind = (type(event), event.record.valid) if isinstance(event, CellFinished) else type(event)
            if not isinstance(event, PhaseStarted) and (NIGHTLY or kind not in seen):
                seen.add(kind)
                yield number


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    bench, events = FakeBench(spoilt=SPOILT), list[Event]()
    folder = begin(bench, tmp_path_factory.mktemp("whole"), events.append, protocol=EVERYTHING)
    assert len(bench.played) == WINDOWS
    return Whole(folder, bench.steps, events)


def require_goes_on(run: Path, bench: FakeBench, whole: Whole, moment: object) -> None:
    """Resume the run, and require that it ends as the whole one did, with what was finished left as it was."""
    finished = len(read_attempts(run))
    before = {path: path.read_bytes() for path in run.glob("cells/*/*") if (path.parent / "cell.json").exists()}
    before |= {path: path.read_bytes() for path in run.glob("*plan.json")}
    bench.spoilt = frozenset(window - finished for window in SPOILT)
    resume(bench, run)
    assert bench.steps[:2] == ["hold", "clear"], moment
    assert len(bench.played) == WINDOWS - finished, moment
    assert attempts_of(run) == attempts_of(whole.folder), moment
    ended, of_whole = (
        [entry for entry in told_of_attempts(one) if entry[0] != "cell-started"] for one in (run, whole.folder)
    )
    assert ended == of_whole, f"each attempt is in the journal once: {moment}"
    assert read_journal(run)[-1].event == "run-finished", moment
    assert all(path.read_bytes() == data for path, data in before.items()), moment
    assert bench.left_clean(), moment


@pytest.mark.parametrize(
    ("error", "first"), [pytest.param(KeyboardInterrupt, 0, marks=pytest.mark.nightly), (HostUnreachableError, 1)]
)
def test_a_run_that_is_ended_at_any_step_leaves_its_host_clean_and_goes_on(
    tmp_path: Path, whole: Whole, error: type[BaseException], first: int
):
    """In the gate each error has every other moment."""
    for moment in whole.moments() if NIGHTLY else whole.moments()[first::2]:
        runs = tmp_path / str(moment)

        def end(_step: str, count: int, moment: int = moment) -> None:
            if count == moment:
                raise error("ended")

        bench = FakeBench(before=end, spoilt=SPOILT)
        with pytest.raises(error):
            begin(bench, runs, protocol=EVERYTHING)
        assert bench.left_clean(), moment
        if runs.exists():
            require_goes_on(only_run(runs), FakeBench(), whole, moment)


def test_a_run_that_is_killed_at_any_step_or_event_goes_on(tmp_path: Path, whole: Whole):
    steps = whole.moments() if NIGHTLY else whole.moments()[::2]
    moments = [("step", number) for number in steps] + [("event", number) for number in whole.event_moments()]
    gone_on = 0
    for kind, number in moments:
        runs = tmp_path / f"{kind}-{number}"
        assert kill_run(runs, kind, number, spoilt=[*SPOILT], protocol=EVERYTHING) == -signal.SIGKILL
        if not runs.exists():
            assert (kind, number) == ("step", 3), "what a run is goes into its folder before anything is done"
            continue
        # As a killed controller leaves the host: variants are there, and one of them is in the place of the declared.
        host = FakeBench(
            made={"fairground-api-go-large", "fairground-postgres-large"},
            server="fairground-postgres-large",
            cores=LAYOUT.model_copy(update={"api": (5,)}),
            running={"go-large"},
        )
        require_goes_on(only_run(runs), host, whole, (kind, number))
        gone_on += 1
    assert gone_on >= len(moments) - 1
