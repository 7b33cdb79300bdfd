import json
import os
import re
import shutil
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from analysis.report import analyse
from documents.errors import AnalysisError, HostError, HostUnreachableError, RunError
from documents.inventory import Inventory
from documents.load import WrkLatency
from documents.plan import Plan
from documents.run import CellRecord, HostRecord, JournalEntry, JournalEvent, Manifest
from documents.watch import HostTick
from experiment import loop
from experiment.bench import Measured
from experiment.events import CellFinished, CellStarted, Event, PhaseStarted, RunFinished, RunStarted
from experiment.journal import Journal
from tests.unit.experiment.fake_bench import IDENTITY, INVENTORY, PROTOCOL, SECRETS, WANTED, FakeBench, wrk_errors
from tests.unit.experiment.killed_run import kill_run

CELLS = 12
"""Two blocks of two scenarios and two APIs, one of them twice: each of them in one block."""

ATTEMPTS = PROTOCOL.attempts


def ignore(_event: Event) -> None:
    """Progress that nobody watches."""


def begin(bench: FakeBench, runs: Path, progress: Callable[[Event], None] = ignore) -> Path:
    return loop.begin(bench, INVENTORY, SECRETS, PROTOCOL, runs, order_seed=7, git_commit="abc", progress=progress)


def resume(
    bench: FakeBench, run: Path, inventory: Inventory = INVENTORY, progress: Callable[[Event], None] = ignore
) -> Path:
    return loop.resume(bench, run, inventory, SECRETS, git_commit="def", progress=progress)


def records(run: Path) -> list[CellRecord]:
    """Those of all attempts, in the order in which they were made."""
    return [CellRecord.from_json(path.read_bytes(), name=str(path)) for path in sorted(run.glob("cells/*/cell.json"))]


def journal(run: Path) -> list[JournalEntry]:
    return Journal(run / "journal.jsonl").entries()


def only_run(runs: Path) -> Path:
    [run] = runs.iterdir()
    return run


def test_a_run_measures_every_cell_in_the_planned_order_and_leaves_its_documents(tmp_path: Path):
    bench, seen = FakeBench(), list[Event]()
    run = begin(bench, tmp_path / "runs", seen.append)
    plan = Plan.from_json((run / "plan.json").read_bytes(), name="plan.json")
    assert bench.played == [f"{cell.api} {cell.scenario.name}" for cell in plan.cells]
    assert [record.cell_id for record in records(run)] == [cell.id for cell in plan.cells]
    assert all(record.valid for record in records(run))
    manifest = Manifest.from_json((run / "manifest.json").read_bytes(), name="manifest.json")
    assert manifest.run_id == run.name
    assert manifest.order_seed == plan.order_seed == 7
    assert manifest.git_commit == "abc"
    assert set(manifest.requests_sha256) == {"list-posts", "read-user"}
    host = HostRecord.from_json((run / "host.json").read_bytes(), name="host.json")
    assert (host.before, host.after) == (IDENTITY, IDENTITY)
    told = [(entry.event, entry.cell_id, entry.attempt) for entry in journal(run)]
    between = [pair for cell in plan.cells for pair in (("cell-started", cell.id, 1), ("cell-finished", cell.id, 1))]
    assert told == [("run-started", None, None), *between, ("run-finished", None, None)]
    assert [event.cell.number for event in seen if isinstance(event, CellFinished)] == list(range(1, CELLS + 1))
    throughputs = [event.throughput for event in seen if isinstance(event, CellFinished)]
    assert throughputs == [1_000 / cell.scenario.duration_seconds for cell in plan.cells]
    assert bench.left_clean()


def test_the_phases_of_a_cell_come_in_their_order(tmp_path: Path):
    bench = FakeBench()
    run = begin(bench, tmp_path)
    steps = bench.steps[5:16]
    assert steps[:2] == ["reset", "start_api"]
    assert set(steps[2:5]) == {"wait_until_ready", "probe", "pin"}, "the pinning goes on beside the others"
    assert set(steps[5:7]) == {"warm_up", "start_sampling"}, "and the sampler is started beside the warm-up"
    assert steps[7:] == ["read_pinning", "measure", "collect", "stop_api"]
    phases = ["reset", "restart", "ready", "probe", "warm_up", "pinning", "load", "pull"]
    assert list(records(run)[0].phases_seconds) == phases


def test_the_api_that_is_measured_is_the_only_one_that_runs(tmp_path: Path):
    bench = FakeBench()
    begin(bench, tmp_path)
    assert bench.steps.index("stop_apis") < bench.steps.index("reset")
    assert bench.steps[-2:] == ["clear", "restore"]


def test_a_run_of_some_apis_measures_and_reports_these_alone_and_stops_all(tmp_path: Path):
    bench = FakeBench()
    [first, second] = [api.name for api in INVENTORY.apis]
    run = loop.begin(
        bench, INVENTORY, SECRETS, PROTOCOL, tmp_path, apis=[second], order_seed=7, git_commit="abc", progress=ignore
    )
    assert len(records(run)) == 8, "alone it is always the twin"
    assert "stop_apis" in bench.steps
    report = analyse(run)
    assert [api.name for api in report.apis] == [second]
    assert {summary.api for summary in report.summaries} == {second}
    # What the article says is shown whole, whatever ran.
    assert {number.api for number in report.article if number.measured is not None} <= {second}
    assert first not in report.model_dump_json(exclude={"article", "claims"})


def test_a_run_of_an_api_that_the_lab_does_not_have_is_refused_and_leaves_no_folder(tmp_path: Path):
    with pytest.raises(RunError, match=r"has no API cobol; it has "):
        loop.begin(
            FakeBench(),
            INVENTORY,
            SECRETS,
            PROTOCOL,
            tmp_path / "runs",
            apis=["cobol"],
            order_seed=7,
            git_commit="abc",
            progress=ignore,
        )
    assert not (tmp_path / "runs").exists()


def wrong_statuses(measured: Measured) -> Measured:
    assert measured.result is not None
    return replace(measured, result=measured.result.model_copy(update={"statuses": {"200": 990, "302": 10}}))


def nothing_answered(measured: Measured) -> Measured:
    assert measured.result is not None
    return replace(measured, result=measured.result.model_copy(update={"requests": 0, "statuses": {}}))


def no_result(measured: Measured) -> Measured:
    return replace(measured, result=None, generator_failure="wrk ended with the status 1: Connection refused")


def no_samples(measured: Measured) -> Measured:
    return replace(measured, sampler_failure="The sampler ended too early.")


@pytest.mark.parametrize(
    ("change", "reason", "numbers"),
    [
        (wrk_errors, "wrk-errors", "5 errors in 1000 requests: read 3, timeout 2"),
        (wrong_statuses, "wrong-status", "302 10 times"),
        (nothing_answered, "no-requests", "No request was answered"),
        (no_result, "generator-failed", "Connection refused"),
        (no_samples, "sampler-failed", "ended too early"),
    ],
)
def test_a_window_that_is_not_valid_voids_its_cell_with_reason_and_numbers(
    tmp_path: Path, change: Callable[[Measured], Measured], reason: str, numbers: str
):
    seen: list[Event] = []
    bench = FakeBench(change=change)
    run = begin(bench, tmp_path, seen.append)
    assert len(records(run)) == ATTEMPTS * CELLS, "void attempts are recorded, not dropped, and followed by others"
    assert set(bench.times().values()) == {3 * ATTEMPTS}
    for record in records(run):
        [void] = record.voids
        assert void.reason == reason
        assert numbers in void.message
    assert [entry.event for entry in journal(run)].count("cell-void") == ATTEMPTS * CELLS
    [finished] = [event for event in seen if isinstance(event, RunFinished)]
    assert (finished.void_cells, finished.void_attempts, finished.short_blocks) == (CELLS, ATTEMPTS * CELLS, (1, 2))


def test_a_cell_whose_samples_have_a_gap_is_void(tmp_path: Path):
    def stretched(measured: Measured) -> Measured:
        assert measured.result is not None
        longer = {
            "elapsed_us": measured.result.elapsed_us + 10_000_000,
            "ended_ns": measured.result.ended_ns + 10_000_000_000,
        }
        return replace(measured, result=measured.result.model_copy(update=longer))

    void, blind = records(begin(FakeBench(change=stretched), tmp_path))[0].voids
    assert (void.reason, blind.reason) == ("sampler-failed", "watch-failed")
    assert re.search(r"In 1[23]\.0 s of load there were samples of api [23]0 times", void.message)


def no_histogram_of_wrk(measured: Measured) -> Measured:
    assert measured.result is not None
    damaged = {"histogram": ((80, 600), (90, 401)), "count": 1_001, "minimum_us": 80, "maximum_us": 90}
    latency = measured.result.latency.model_copy(update=damaged)
    return replace(measured, result=measured.result.model_copy(update={"latency": latency}))


def test_a_window_that_the_analysis_cannot_use_voids_its_cell_and_not_the_report(tmp_path: Path):
    run = begin(FakeBench(change=no_histogram_of_wrk), tmp_path)
    [void] = records(run)[0].voids
    assert void.reason == "generator-failed"
    assert "001-" in void.message
    assert "holds 1001 responses, but wrk recorded 1000" in void.message
    assert len(analyse(run).void_cells) == CELLS


def silent(ticks: list[HostTick]) -> list[HostTick]:
    return [tick.model_copy(update={"silent_ms": (60_000,) * 5}) for tick in ticks]


def half_open(ticks: list[HostTick]) -> list[HostTick]:
    return [tick.model_copy(update={"connections": tick.connections // 2}) for tick in ticks]


def idle_never(ticks: list[HostTick], *cpus: int) -> list[HostTick]:
    busy = {cpu: ticks[0].cpus[cpu].idle for cpu in cpus}
    return [
        tick.model_copy(
            update={"cpus": tick.cpus | {cpu: tick.cpus[cpu]._replace(idle=idle) for cpu, idle in busy.items()}}
        )
        for tick in ticks
    ]


def at_the_limit(measured: Measured) -> Measured:
    """Latencies a third shorter than they must be if the connections waited for nothing but answers."""
    assert measured.result is not None
    shorter_us = measured.result.latency.minimum_us * 2 // 3
    latency = WrkLatency(count=1_000, minimum_us=shorter_us, maximum_us=shorter_us, histogram=((shorter_us, 1_000),))
    return replace(measured, result=measured.result.model_copy(update={"latency": latency}))


def no_watch(measured: Measured) -> Measured:
    return replace(measured, watch_failure="The watch ended too early.")


@pytest.mark.parametrize(
    ("bench", "reason", "numbers"),
    [
        (FakeBench(disturb=silent), "stuck-requests", "5 of 10"),
        (FakeBench(disturb=half_open), "connections-missing", "Only 5 of 10 connections"),
        (FakeBench(disturb=lambda ticks: idle_never(ticks, 0, 1)), "noisy-neighbour", "of the CPUs of api (0,1)"),
        (FakeBench(disturb=lambda ticks: idle_never(ticks, 4)), "generator-saturated", "was starved"),
        (FakeBench(spin_change=0.5), "spin", "50% slower after the load"),
        (FakeBench(change=at_the_limit), "generator-saturated", "Little's law gives 0.6"),
        (FakeBench(change=no_watch), "watch-failed", "ended too early"),
        (FakeBench(disturb=lambda ticks: ticks[:2]), "watch-failed", "001-"),
    ],
)
def test_a_disturbance_on_the_host_voids_its_cell_by_its_name(
    tmp_path: Path, bench: FakeBench, reason: str, numbers: str
):
    run = begin(bench, tmp_path)
    light = [record for record in records(run) if record.cell_id.endswith("-light")]
    assert [[void.reason for void in record.voids] for record in light] == [[reason]] * len(light)
    assert any(numbers in void.message for record in records(run) for void in record.voids)
    assert not analyse(run).cells


def test_a_disturbance_is_told_beside_the_errors_that_it_causes(tmp_path: Path):
    run = begin(FakeBench(disturb=half_open, change=wrk_errors), tmp_path)
    assert [void.reason for void in records(run)[0].voids] == ["wrk-errors", "connections-missing"]


def test_what_the_watch_left_is_a_raw_file_of_its_cell(tmp_path: Path):
    run = begin(FakeBench(), tmp_path)
    assert {"watch.json", "ticks.jsonl"} <= records(run)[0].files.keys()
    watched = analyse(run).cells[0].watch
    assert watched is not None
    assert watched.connections == watched.connections_planned
    (run / "cells" / records(run)[0].cell_id / "ticks.jsonl").write_text("other")
    with pytest.raises(AnalysisError, match=r"ticks\.jsonl isn't the file that was measured"):
        analyse(run)


def cut_off(samples: str) -> str:
    return samples[:-20]


def counter_made_anew(samples: str) -> str:
    return samples.replace("6000000000,redis,600000000", "6000000000,redis,0")


def without_the_second_second(samples: str) -> str:
    return "".join(line for line in samples.splitlines(keepends=True) if not re.match(r"5[3-9]|6[0-5]", line))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (cut_off, r"cells/001-[a-z-]*/samples\.csv:\d+: the line has no end"),
        (counter_made_anew, "CPU time of redis falls"),
        (without_the_second_second, r"has no sample of \w+ for 1\.4 s of the load window"),
    ],
)
def test_samples_that_the_analysis_cannot_use_void_their_cell(
    tmp_path: Path, damage: Callable[[str], str], message: str
):
    run = begin(FakeBench(damage=damage), tmp_path)
    for record in records(run):
        assert [void.reason for void in record.voids] == ["sampler-failed"]
    assert any(re.search(message, record.voids[0].message) for record in records(run))
    assert len(analyse(run).void_cells) == CELLS


@pytest.mark.parametrize(
    ("bench", "reason", "numbers"),
    [
        (FakeBench(never_ready={"go"}), "not-ready", "503"),
        (FakeBench(wrong_answers={"go": ["probe.me: wrong", "probe.login: wrong"]}), "wrong-answer", "probe.me"),
        (FakeBench(astray={"go"}), "pinning", "0,1,4 instead of 0,1"),
    ],
)
def test_an_api_that_is_not_fit_to_be_measured_gets_no_load(
    tmp_path: Path, bench: FakeBench, reason: str, numbers: str
):
    run = begin(bench, tmp_path)
    assert {played.split()[0] for played in bench.played} == {"rust"}
    voids = [record.voids for record in records(run) if "-go-" in record.cell_id]
    assert len(voids) == ATTEMPTS * CELLS / 2
    assert all(found[0].reason == reason and numbers in found[0].message for found in voids)
    assert all(record.valid for record in records(run) if "-rust-" in record.cell_id)
    assert bench.left_clean()


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        ("pin", "pinning"),
        ("warm_up", "generator-failed"),
        ("read_pinning", "pinning"),
        ("start_sampling", "sampler-failed"),
        ("measure", "generator-failed"),
    ],
)
def test_an_api_that_dies_voids_its_cell_and_not_the_run(tmp_path: Path, step: str, reason: str):
    died = False

    def die(name: str, _count: int) -> None:
        nonlocal died
        if name == step and not died:
            died = True
            raise HostError("The process is gone.")

    run = begin(FakeBench(before=die), tmp_path)
    first, *others = records(run)
    assert [(void.reason, void.message) for void in first.voids] == [(reason, "The process is gone.")]
    assert all(record.valid for record in others)
    assert others[0].attempt_id == f"{first.cell_id}-attempt-2"
    assert len(others) == CELLS


def attempts_of(run: Path) -> list[tuple[int, int, bool]]:
    """Of each attempt its cell's number, its own, and whether it is valid."""
    return [(int(record.cell_id[:3]), record.attempt, record.valid) for record in records(run)]


def told_of_attempts(run: Path) -> list[tuple[str, int, int | None]]:
    return [(entry.event, int(entry.cell_id[:3]), entry.attempt) for entry in journal(run) if entry.cell_id]


def test_a_void_cell_is_run_again_at_once_until_an_attempt_is_valid(tmp_path: Path):
    bench, seen = FakeBench(spoilt=frozenset({2, 3, 6})), list[Event]()
    run = begin(bench, tmp_path, seen.append)
    plan = Plan.from_json((run / "plan.json").read_bytes(), name="plan.json")
    numbers = [1, 2, 2, 2, 3, 4, 4, *range(5, CELLS + 1)]
    loads = {cell.number: f"{cell.api} {cell.scenario.name}" for cell in plan.cells}
    assert bench.played == [loads[number] for number in numbers], "in the same place of the order"
    later = [(number, 1) for number in range(5, CELLS + 1)]
    made = [(1, 1), (2, 1), (2, 2), (2, 3), (3, 1), (4, 1), (4, 2), *later]
    void = {(2, 1), (2, 2), (4, 1)}
    assert attempts_of(run) == [(*attempt, attempt not in void) for attempt in made]
    assert told_of_attempts(run) == [
        entry
        for attempt in made
        for entry in (("cell-started", *attempt), ("cell-void" if attempt in void else "cell-finished", *attempt))
    ]
    assert [(event.cell.number, event.attempt) for event in seen if isinstance(event, CellStarted)] == made
    ended = [event for event in seen if isinstance(event, CellFinished)]
    assert [(event.cell.number, event.record.attempt) for event in ended] == made
    phases = [(int(event.cell_id[:3]), event.attempt) for event in seen if isinstance(event, PhaseStarted)]
    assert phases == [attempt for attempt in made for _ in range(8)]
    [started], [finished] = ([event for event in seen if isinstance(event, kind)] for kind in (RunStarted, RunFinished))
    assert isinstance(started, RunStarted)
    assert started.attempts == ATTEMPTS == 3
    assert isinstance(finished, RunFinished)
    assert (finished.cells, finished.void_cells, finished.void_attempts, finished.short_blocks) == (CELLS, 0, 3, ())
    report = analyse(run)
    assert [cell.attempt for cell in report.cells] == [1, 3, 1, 2, *[1] * (CELLS - 4)]
    assert [(attempt.cell_id[:3], attempt.attempt) for attempt in report.void_attempts] == [
        ("002", 1),
        ("002", 2),
        ("004", 1),
    ]
    assert report.void_cells == report.short_blocks == report.unfinished_cells == ()


def test_a_cell_without_a_valid_attempt_leaves_its_block_short_and_the_run_goes_on(tmp_path: Path):
    seen: list[Event] = []
    run = begin(FakeBench(spoilt=frozenset({8, 9, 10})), tmp_path, seen.append)
    assert [made for made in attempts_of(run) if made[0] == 8] == [(8, 1, False), (8, 2, False), (8, 3, False)]
    assert [valid for number, _, valid in attempts_of(run) if number != 8] == [True] * (CELLS - 1)
    [finished] = [event for event in seen if isinstance(event, RunFinished)]
    assert (finished.void_cells, finished.void_attempts, finished.short_blocks) == (1, 3, (2,))
    report = analyse(run)
    [cell] = report.void_cells
    assert (cell.cell_id[:3], cell.attempts, cell.block) == ("008", 3, 2)
    assert [(short.block, short.lacking) for short in report.short_blocks] == [(2, (cell.cell_id,))]
    bench = FakeBench()
    resume(bench, run)
    assert bench.steps == [], "what was tried as often as the protocol allows is finished"


def test_a_protocol_of_one_attempt_runs_nothing_again(tmp_path: Path):
    protocol = PROTOCOL.model_copy(update={"attempts": 1})
    bench, seen = FakeBench(spoilt=frozenset({3})), list[Event]()
    run = loop.begin(
        bench, INVENTORY, SECRETS, protocol, tmp_path, order_seed=7, git_commit="abc", progress=seen.append
    )
    assert len(bench.played) == len(records(run)) == CELLS
    [finished] = [event for event in seen if isinstance(event, RunFinished)]
    assert (finished.void_cells, finished.short_blocks) == (1, (1,))


SPOILT = frozenset({2, 3, 6, 8, 9, 10})
"""Cell 2 is valid at its third attempt, 4 at its second, and 5 is void in each of its three."""

LOADS_OF_A_SPOILT_RUN = CELLS + 5


@pytest.fixture(scope="module")
def spoilt_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of these spoilt windows that nothing interrupted, to be read only."""
    return begin(FakeBench(spoilt=SPOILT), tmp_path_factory.mktemp("spoilt"))


@pytest.mark.parametrize("number", range(1, LOADS_OF_A_SPOILT_RUN + 1))
@pytest.mark.parametrize("step", ["reset", "stop_api"])
def test_a_run_that_is_interrupted_at_any_attempt_makes_those_that_are_missing(
    tmp_path: Path, spoilt_run: Path, step: str, number: int
):
    count = 0

    def interrupt(name: str, _count: int) -> None:
        nonlocal count
        count += name == step
        if name == step and count == number:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        begin(FakeBench(before=interrupt, spoilt=SPOILT), tmp_path)
    run = only_run(tmp_path)
    finished = len(records(run))
    assert finished == number - 1
    again = FakeBench(spoilt=frozenset(window - finished for window in SPOILT))
    resume(again, run)
    assert len(again.played) == LOADS_OF_A_SPOILT_RUN - finished
    assert attempts_of(run) == attempts_of(spoilt_run)
    ended = [entry for entry in told_of_attempts(run) if entry[0] != "cell-started"]
    assert ended == [entry for entry in told_of_attempts(spoilt_run) if entry[0] != "cell-started"]


def test_a_run_that_ended_between_two_attempts_makes_the_next_one(tmp_path: Path):
    def stop(event: Event) -> None:
        if isinstance(event, CellFinished) and not event.record.valid and event.record.attempt == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        begin(FakeBench(spoilt=frozenset({2, 3})), tmp_path, stop)
    run, seen = only_run(tmp_path), list[Event]()
    assert attempts_of(run) == [(1, 1, True), (2, 1, False), (2, 2, False)]
    report = analyse(run)
    assert len(report.unfinished_cells) == CELLS - 1
    assert len(report.void_attempts) == 2
    assert report.void_cells == ()
    resume(FakeBench(), run, progress=seen.append)
    [started] = [event for event in seen if isinstance(event, RunStarted)]
    assert started.finished == 1
    first = next(event for event in seen if isinstance(event, CellStarted))
    assert (first.cell.number, first.attempt) == (2, 3)
    assert attempts_of(run)[:4] == [(1, 1, True), (2, 1, False), (2, 2, False), (2, 3, True)]


def test_an_attempt_that_the_run_had_no_time_to_tell_of_is_told_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    append = Journal.append

    def append_no_void(
        journal: Journal,
        event: JournalEvent,
        *,
        cell_id: str | None = None,
        attempt: int | None = None,
        message: str | None = None,
    ) -> None:
        if event == "cell-void":
            raise KeyboardInterrupt
        append(journal, event, cell_id=cell_id, attempt=attempt, message=message)

    with monkeypatch.context() as patched:
        patched.setattr(Journal, "append", append_no_void)
        with pytest.raises(KeyboardInterrupt):
            begin(FakeBench(spoilt=frozenset({2})), tmp_path)
    run = only_run(tmp_path)
    assert attempts_of(run) == [(1, 1, True), (2, 1, False)]
    resume(FakeBench(), run)
    assert attempts_of(run)[1:4] == [(2, 1, False), (2, 2, True), (3, 1, True)]
    assert told_of_attempts(run)[2:6] == [
        ("cell-started", 2, 1),
        ("cell-void", 2, 1),
        ("cell-started", 2, 2),
        ("cell-finished", 2, 2),
    ]


KILLED_BETWEEN_ATTEMPTS = [("event", 21), ("event", 22), ("event", 31), ("step", 28), ("step", 38)]
"""The end of cell 2's void first attempt, begin and end of its second, and that one's first step and last."""


@pytest.mark.parametrize(("kind", "number"), KILLED_BETWEEN_ATTEMPTS)
def test_a_run_that_is_killed_among_the_attempts_at_a_cell_goes_on_with_the_right_one(
    tmp_path: Path, kind: str, number: int
):
    runs = tmp_path / "runs"
    assert kill_run(runs, kind, number, spoilt=[2, 3]) == -signal.SIGKILL
    run = only_run(runs)
    before = {path: path.read_bytes() for path in run.glob("cells/*/*") if (path.parent / "cell.json").exists()}
    made = 3 if (kind, number) == ("event", 31) else 2
    expected = [(1, 1, True), (2, 1, False), (2, 2, False), (2, 3, True)]
    assert attempts_of(run) == expected[:made]
    resume(FakeBench(spoilt=frozenset({3 - made})), run)
    assert attempts_of(run) == [*expected, *((cell, 1, True) for cell in range(3, CELLS + 1))]
    assert all(path.read_bytes() == data for path, data in before.items()), "finished attempts are never touched again"
    told = [(number, attempt) for event, number, attempt in told_of_attempts(run) if event != "cell-started"]
    assert told == [(cell, attempt) for cell, attempt, _ in attempts_of(run)], "each is told once"


def test_an_attempt_before_one_that_was_made_must_be_there(tmp_path: Path):
    run = begin(FakeBench(spoilt=frozenset({2})), tmp_path)
    [void] = [record for record in records(run) if not record.valid]
    shutil.rmtree(run / "cells" / void.cell_id)
    for go_on in (lambda: resume(FakeBench(), run), lambda: analyse(run)):
        with pytest.raises(AnalysisError, match=rf"{void.cell_id}-attempt-2 was measured after an attempt that isn't"):
            go_on()
    shutil.rmtree(run / "cells" / f"{void.cell_id}-attempt-2")
    resume(FakeBench(), run)
    assert attempts_of(run) == [(number, 1, True) for number in range(1, CELLS + 1)]


def test_an_attempt_after_a_valid_one_is_refused(tmp_path: Path):
    run = begin(FakeBench(spoilt=frozenset({2})), tmp_path)
    [void] = [record for record in records(run) if not record.valid]
    (run / "cells" / void.cell_id / "cell.json").write_text(void.model_copy(update={"voids": ()}).to_json())
    for go_on in (lambda: resume(FakeBench(), run), lambda: analyse(run)):
        with pytest.raises(
            AnalysisError, match=rf"{void.cell_id}-attempt-2 was measured though {void.cell_id} is valid"
        ):
            go_on()


def test_void_cells_of_a_run_that_knew_one_attempt_alone_have_two_left(tmp_path: Path):
    """Its cell.json is of version 2 and has no `attempt`, and neither has its journal."""
    protocol = PROTOCOL.model_copy(update={"attempts": 1})
    run = loop.begin(
        FakeBench(spoilt=frozenset({3})),
        INVENTORY,
        SECRETS,
        protocol,
        tmp_path,
        order_seed=7,
        git_commit="abc",
        progress=ignore,
    )
    for name in ("cell.json", "journal.jsonl", "manifest.json"):
        for path in run.rglob(name):
            text = re.sub(r'\n *"attempts?": 1,|,"attempt":1|,\n *"attempts": 1', "", path.read_text())
            assert "attempt" not in text
            path.write_text(text.replace('"version": 3', '"version": 2') if name == "cell.json" else text)
    bench = FakeBench()
    resume(bench, run)
    assert len(bench.played) == 1
    assert attempts_of(run)[2:4] == [(3, 1, False), (3, 2, True)]
    told = [entry for entry in told_of_attempts(run) if entry[0] != "cell-started"]
    assert len(told) == CELLS + 1, "what was told without an attempt isn't told again"


BENCH_STEPS_OF_A_RUN = 5 + 11 * CELLS
"""Up to the last cell's end."""


@pytest.mark.parametrize("error", [KeyboardInterrupt, HostUnreachableError])
@pytest.mark.parametrize("number", [3, 5, 6, 13, 14, 16, 17, 30, BENCH_STEPS_OF_A_RUN])
def test_whatever_ends_a_run_it_leaves_the_host_clean_and_loses_no_finished_cell(
    tmp_path: Path, error: type[BaseException], number: int
):
    def interrupt(_step: str, count: int) -> None:
        if count == number:
            raise error("interrupted")

    bench = FakeBench(before=interrupt)
    with pytest.raises(error):
        begin(bench, tmp_path)
    assert bench.left_clean()
    for run in tmp_path.iterdir():
        finished = len(records(run))
        assert finished == max(0, (number - 6)) // 11
        again = FakeBench()
        resume(again, run)
        assert len(again.played) == CELLS - finished
        assert len(records(run)) == CELLS


@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
def test_a_second_request_to_end_while_leaving_is_ignored(tmp_path: Path, second: signal.Signals):
    def interrupt(step: str, count: int) -> None:
        if step == "measure":
            raise KeyboardInterrupt
        if step == "clear" and count > 3:
            os.kill(os.getpid(), second)

    bench = FakeBench(before=interrupt)
    previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            begin(bench, tmp_path)
    finally:
        signal.signal(signal.SIGTERM, previous)
    assert bench.left_clean()


def test_a_host_that_cannot_be_cleared_up_gets_its_settings_and_its_apis_back_all_the_same(tmp_path: Path):
    def fail(step: str, count: int) -> None:
        if step == "clear" and count > 3:
            raise HostError("The disk is full.")

    bench = FakeBench(before=fail)
    with pytest.raises(HostError, match="The disk is full"):
        begin(bench, tmp_path)
    assert bench.settings == FakeBench().settings
    assert bench.running == FakeBench().running


@pytest.mark.parametrize(
    ("kind", "number"),
    [("step", number) for number in (2, 4, 6, 14, 15, 16, 28, BENCH_STEPS_OF_A_RUN + 1)]
    + [("event", number) for number in (1, 2, 11, 12, 1 + 10 * CELLS)],
)
def test_a_killed_run_goes_on_where_it_stopped(tmp_path: Path, kind: str, number: int):
    runs = tmp_path / "runs"
    assert kill_run(runs, kind, number) == -signal.SIGKILL
    if not runs.exists():
        assert (kind, number) <= ("step", 3)
        return
    run = only_run(runs)
    before = {path: path.read_bytes() for path in run.glob("cells/*/*") if (path.parent / "cell.json").exists()}
    finished = len(records(run))
    bench = FakeBench()
    resume(bench, run)
    assert bench.steps[:2] == ["hold", "clear"], "the killed run's load must be ended first"
    assert len(bench.played) == CELLS - finished
    assert len(records(run)) == CELLS
    assert all(path.read_bytes() == data for path, data in before.items()), "finished cells are never touched again"
    told = [entry.cell_id for entry in journal(run) if entry.event == "cell-finished"]
    assert sorted(map(str, told)) == sorted(record.cell_id for record in records(run))
    assert journal(run)[-1].event == "run-finished"


@pytest.mark.parametrize("cut", [1, 2, 20, 60])
def test_a_torn_last_line_of_the_journal_is_tolerated(tmp_path: Path, cut: int):
    def stop(step: str, count: int) -> None:
        if step == "reset" and count > 30:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        begin(FakeBench(before=stop), tmp_path)
    run = only_run(tmp_path)
    path = run / "journal.jsonl"
    path.write_bytes(path.read_bytes()[:-cut])
    resume(FakeBench(), run)
    assert len(records(run)) == CELLS
    assert journal(run)[-1].event == "run-finished"


def test_a_finished_run_is_not_measured_again(tmp_path: Path):
    run = begin(FakeBench(), tmp_path)
    files = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    bench, seen = FakeBench(), list[Event]()
    resume(bench, run, progress=seen.append)
    assert bench.steps == []
    assert [(event.cells, event.void_cells) for event in seen if isinstance(event, RunFinished)] == [(CELLS, 0)]
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == files


def test_a_raw_file_that_was_changed_since_is_told(tmp_path: Path):
    run = begin(FakeBench(), tmp_path)
    (run / "cells" / records(run)[2].cell_id / "samples.csv").write_text("other")
    with pytest.raises(RunError, match=r"samples\.csv in .*003-"):
        resume(FakeBench(), run)


def test_a_run_does_not_go_on_in_another_lab(tmp_path: Path):
    run = begin(FakeBench(), tmp_path)
    (run / "cells" / records(run)[-1].cell_id / "cell.json").unlink()
    other = INVENTORY.model_copy(update={"base_image_id": "sha256:another"})
    bench = FakeBench()
    with pytest.raises(RunError, match="changed: base_image_id"):
        resume(bench, run, other)
    moved = INVENTORY.model_copy(update={"host": INVENTORY.host.model_copy(update={"port": 22023})})
    resume(bench, run, moved)
    assert len(bench.played) == 1


def test_a_run_does_not_go_on_on_another_host(tmp_path: Path):
    run = begin(FakeBench(), tmp_path)
    (run / "cells" / records(run)[-1].cell_id / "cell.json").unlink()
    bench = FakeBench(identity=IDENTITY.model_copy(update={"kernel": "6.12"}))
    with pytest.raises(RunError, match=r"kernel was 6\.1 and is 6\.12"):
        resume(bench, run)
    assert bench.left_clean()


def host_record(run: Path) -> HostRecord:
    return HostRecord.from_json((run / "host.json").read_bytes(), name="host.json")


UNTOUCHED = {"turbo": "on", "vm.swappiness": "60"}


def test_a_run_tunes_its_host_before_the_first_cell_and_records_every_knob(tmp_path: Path):
    seen: list[dict[str, str]] = []

    def look(step: str, _count: int) -> None:
        if step in {"read_identity", "reset", "measure"}:
            seen.append(dict(bench.settings))

    bench = FakeBench(before=look)
    run = begin(bench, tmp_path)
    assert seen == [UNTOUCHED, *[WANTED] * 2 * CELLS, UNTOUCHED], "the identity is read while nothing is set"
    assert bench.renewals == CELLS
    assert bench.left_clean()
    assert [(knob.name, knob.before, knob.during, knob.after, knob.state) for knob in host_record(run).knobs] == [
        ("turbo", "on", "off", "on", "set"),
        ("vm.swappiness", "60", "1", "60", "set"),
    ]
    assert analyse(run).control == "controlled"


def test_a_knob_that_the_kernel_refuses_does_not_end_the_run_and_is_told(tmp_path: Path):
    report = analyse(begin(FakeBench(refused={"turbo"}), tmp_path))
    assert report.control == "partly controlled: turbo"
    assert any("Not controlled on this host: turbo: on instead of off" in c for c in report.caveats)


def test_a_knob_that_something_else_turns_meanwhile_is_told(tmp_path: Path):
    def turn(step: str, count: int) -> None:
        if step == "measure" and count > 40:
            bench.settings["turbo"] = "automatic"

    bench = FakeBench(before=turn)
    run = begin(bench, tmp_path)
    assert host_record(run).knobs[0].state == "lost"
    assert bench.settings == UNTOUCHED


def test_a_lease_that_lapsed_ends_the_run_and_a_resume_tunes_again(tmp_path: Path):
    def lapse(step: str, count: int) -> None:
        bench.lapsed = bench.lapsed or (step == "measure" and count > 20)

    bench = FakeBench(before=lapse)
    with pytest.raises(HostError, match="lapsed"):
        begin(bench, tmp_path)
    assert bench.left_clean()
    run = only_run(tmp_path)
    again = FakeBench()
    resume(again, run)
    assert again.left_clean()
    assert again.renewals == CELLS - 2
    assert host_record(run).knobs[0].before == "on"


def test_a_run_that_was_killed_while_tuned_goes_on_from_the_untouched_settings(tmp_path: Path):
    def stop(step: str, count: int) -> None:
        if step == "reset" and count > 30:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        begin(FakeBench(before=stop), tmp_path)
    run = only_run(tmp_path)
    # The controller was killed, and the host's lease hasn't lapsed yet.
    killed = FakeBench(settings=dict(WANTED), untouched=dict(UNTOUCHED))
    resume(killed, run)
    assert killed.settings == UNTOUCHED
    assert [(knob.before, knob.after) for knob in host_record(run).knobs] == [("on",) * 2, ("60",) * 2]


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path):
    with pytest.raises(RunError, match=r"is no run: it has no manifest\.json"):
        resume(FakeBench(), tmp_path)


def test_a_second_run_at_once_is_refused_and_leaves_no_folder(tmp_path: Path):
    bench = FakeBench(holder="run 20260131-120000-quick of ada@laptop, process 7")
    with pytest.raises(RunError, match="ada@laptop, process 7"):
        begin(bench, tmp_path / "runs")
    assert not (tmp_path / "runs").exists()
    assert "clear" not in bench.steps, "it must not touch the other run's load"


def test_no_secret_and_no_token_comes_into_the_run(tmp_path: Path):
    tokens: list[str] = []
    bench = FakeBench()

    def leak(step: str, _count: int) -> None:
        if step == "probe" and bench.tokens:
            tokens[:] = [line.split()[1] for line in bench.tokens.decode().splitlines()]
            told = f"probe.login: saw {tokens[0]} and {SECRETS.postgres_password}"
            bench.wrong_answers = {api.name: [told] for api in INVENTORY.apis}

    bench.before = leak
    [light, heavy] = PROTOCOL.scenarios
    authenticated = light.model_copy(update={"workload": "read-me"})
    protocol = PROTOCOL.model_copy(update={"scenarios": (authenticated, heavy)})
    run = loop.begin(bench, INVENTORY, SECRETS, protocol, tmp_path, order_seed=7, git_commit="abc", progress=ignore)
    assert len(tokens) == 1_000
    text = "\n".join(path.read_text() for path in run.rglob("*") if path.is_file())
    assert "probe.login: saw <token> and <secret>" in text
    for secret in (*tokens, SECRETS.jwt_secret, SECRETS.postgres_password, SECRETS.redis_password):
        assert secret not in text
    assert not re.search(r"eyJ[\w-]+\.", text)
    assert json.loads((run / "manifest.json").read_text())["inventory"]["stack"] == "test"
