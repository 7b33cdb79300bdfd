import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from analysis.report import analyse
from documents.errors import HostError, HostUnreachableError, RunError
from documents.inventory import Inventory
from documents.load import WrkErrors
from documents.plan import Plan
from documents.run import CellRecord, HostRecord, JournalEntry, Manifest
from experiment import loop
from experiment.bench import Measured
from experiment.events import CellFinished, Event, RunFinished
from experiment.journal import Journal
from tests.unit.experiment.fake_bench import IDENTITY, INVENTORY, PROTOCOL, SECRETS, FakeBench

CELLS = 12
"""Two blocks of two scenarios and two APIs, one of them twice: each of them in one block."""

PROJECT = Path(__file__).parents[3]


def ignore(_event: Event) -> None:
    """Progress that nobody watches."""


def begin(bench: FakeBench, runs: Path, progress: Callable[[Event], None] = ignore) -> Path:
    return loop.begin(bench, INVENTORY, SECRETS, PROTOCOL, runs, order_seed=7, git_commit="abc", progress=progress)


def resume(
    bench: FakeBench, run: Path, inventory: Inventory = INVENTORY, progress: Callable[[Event], None] = ignore
) -> Path:
    return loop.resume(bench, run, inventory, SECRETS, git_commit="def", progress=progress)


def records(run: Path) -> list[CellRecord]:
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
    assert set(manifest.requests_sha256) == {"read-me", "read-user"}
    host = HostRecord.from_json((run / "host.json").read_bytes(), name="host.json")
    assert (host.before, host.after) == (IDENTITY, IDENTITY)
    told = [(entry.event, entry.cell_id) for entry in journal(run)]
    between = [pair for cell in plan.cells for pair in (("cell-started", cell.id), ("cell-finished", cell.id))]
    assert told == [("run-started", None), *between, ("run-finished", None)]
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


def wrk_errors(measured: Measured) -> Measured:
    assert measured.result is not None
    errors = WrkErrors(connect=0, read=3, write=0, status=0, timeout=2)
    return replace(measured, result=measured.result.model_copy(update={"errors": errors}))


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
    assert len(records(run)) == CELLS, "void cells are recorded, not dropped, and not measured again"
    assert set(bench.times().values()) == {3}
    for record in records(run):
        [void] = record.voids
        assert void.reason == reason
        assert numbers in void.message
    assert [entry.event for entry in journal(run)].count("cell-void") == CELLS
    assert [event.void_cells for event in seen if isinstance(event, RunFinished)] == [CELLS]


def test_a_cell_whose_samples_have_a_gap_is_void(tmp_path: Path):
    def stretched(measured: Measured) -> Measured:
        assert measured.result is not None
        longer = {
            "elapsed_us": measured.result.elapsed_us + 10_000_000,
            "ended_ns": measured.result.ended_ns + 10_000_000_000,
        }
        return replace(measured, result=measured.result.model_copy(update=longer))

    [void] = records(begin(FakeBench(change=stretched), tmp_path))[0].voids
    assert void.reason == "sampler-failed"
    assert re.search(r"In 1[23]\.0 s of load there were samples of api [23]0 times", void.message)


def no_histogram_of_wrk(measured: Measured) -> Measured:
    assert measured.result is not None
    latency = measured.result.latency.model_copy(update={"histogram": ((80, 600), (90, 401)), "count": 1_001})
    return replace(measured, result=measured.result.model_copy(update={"latency": latency}))


def test_a_window_that_the_analysis_cannot_use_voids_its_cell_and_not_the_report(tmp_path: Path):
    run = begin(FakeBench(change=no_histogram_of_wrk), tmp_path)
    [void] = records(run)[0].voids
    assert void.reason == "generator-failed"
    assert "001-" in void.message
    assert "holds 1001 responses, but wrk recorded 1000" in void.message
    assert len(analyse(run).void_cells) == CELLS


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
    assert len(voids) == CELLS / 2
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


@pytest.mark.parametrize(
    ("kind", "number"),
    [("step", number) for number in (2, 4, 6, 14, 15, 16, 28, BENCH_STEPS_OF_A_RUN + 1)]
    + [("event", number) for number in (1, 2, 11, 12, 1 + 10 * CELLS)],
)
def test_a_killed_run_goes_on_where_it_stopped(tmp_path: Path, kind: str, number: int):
    runs = tmp_path / "runs"
    command = [sys.executable, "-m", "tests.unit.experiment.killed_run", str(runs), kind, str(number)]
    killed = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=60, check=False)
    assert killed.returncode == -9, killed.stderr
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
    run = begin(bench, tmp_path)
    assert len(tokens) == 1_000
    text = "\n".join(path.read_text() for path in run.rglob("*") if path.is_file())
    assert "probe.login: saw <token> and <secret>" in text
    for secret in (*tokens, SECRETS.jwt_secret, SECRETS.postgres_password, SECRETS.redis_password):
        assert secret not in text
    assert not re.search(r"eyJ[\w-]+\.", text)
    assert json.loads((run / "manifest.json").read_text())["inventory"]["stack"] == "test"
