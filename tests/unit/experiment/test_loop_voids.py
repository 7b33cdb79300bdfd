"""What voids a cell: a window, a disturbance, samples or an API that can't be used."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

from analysis.raw.run import read_run
from analysis.report.report import analyse
from documents.errors import HostError
from documents.run.records import VoidReason
from documents.run.window import HostTick, WrkLatency, WrkResult
from experiment.bench.bench import Measured
from experiment.progress.events import Event, RunFinished
from tests.conftest import ROOT
from tests.run_folder import read_attempts, read_journal
from tests.unit.experiment.fake_bench import FakeBench, wrk_errors
from tests.unit.experiment.loop_runs import ATTEMPTS, CELLS, begin


def test_the_experiment_gives_every_reason():
    code = "\n".join(path.read_text() for path in (ROOT / "experiment").rglob("*.py"))
    assert [reason for reason in get_args(VoidReason) if f'"{reason}"' not in code] == []


def wrong_statuses(measured: Measured) -> Measured:
    assert isinstance(measured.result, WrkResult)
    return replace(measured, result=measured.result.model_copy(update={"statuses": {"200": 990, "302": 10}}))


def nothing_answered(measured: Measured) -> Measured:
    assert isinstance(measured.result, WrkResult)
    return replace(measured, result=measured.result.model_copy(update={"requests": 0, "statuses": {}}))


def no_result(measured: Measured) -> Measured:
    return replace(measured, result=None, generator_failure="wrk ended with the status 1: Connection refused")


def no_samples(measured: Measured) -> Measured:
    return replace(measured, sampler_failure="The sampler ended too early.")


@pytest.mark.parametrize(
    ("change", "reason", "numbers"),
    [
        (wrk_errors, "wrk-errors", "5 errors in 1,000 requests: read 3, timeout 2"),
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
    assert len(read_attempts(run)) == ATTEMPTS * CELLS, "void attempts are recorded, and followed by others"
    assert set(bench.times().values()) == {3 * ATTEMPTS}
    for record in read_attempts(run):
        [void] = record.voids
        assert void.reason == reason
        assert numbers in void.message
    assert [entry.event for entry in read_journal(run)].count("cell-void") == ATTEMPTS * CELLS
    [finished] = [event for event in seen if isinstance(event, RunFinished)]
    assert (finished.void_cells, finished.void_attempts, finished.short_blocks) == (CELLS, ATTEMPTS * CELLS, (1, 2))


def test_a_cell_that_was_sampled_too_seldom_is_void(tmp_path: Path):
    def stretched(measured: Measured) -> Measured:
        assert isinstance(measured.result, WrkResult)
        longer = {
            "elapsed_us": measured.result.elapsed_us + 10_000_000,
            "ended_ns": measured.result.ended_ns + 10_000_000_000,
        }
        return replace(measured, result=measured.result.model_copy(update=longer))

    void, blind = read_attempts(begin(FakeBench(change=stretched), tmp_path))[0].voids
    assert (void.reason, blind.reason) == ("sampler-failed", "watch-failed")
    assert re.search(r"In 1[23]\.0 s of load there were samples of api [23]0 times", void.message)


def no_histogram_of_wrk(measured: Measured) -> Measured:
    assert isinstance(measured.result, WrkResult)
    damaged = {"histogram": ((80, 600), (90, 401)), "count": 1_001, "minimum_us": 80, "maximum_us": 90}
    latency = measured.result.latency.model_copy(update=damaged)
    return replace(measured, result=measured.result.model_copy(update={"latency": latency}))


def test_a_window_that_the_analysis_cannot_use_voids_its_cell_and_not_the_report(tmp_path: Path):
    run = begin(FakeBench(change=no_histogram_of_wrk), tmp_path)
    [void] = read_attempts(run)[0].voids
    assert void.reason == "generator-failed"
    assert "001-" in void.message
    assert "holds 1001 responses, but wrk recorded 1000" in void.message
    assert len(analyse(read_run(run)).void_cells) == CELLS


def silent(ticks: list[HostTick]) -> list[HostTick]:
    return [tick.model_copy(update={"silent_ms": (60_000,) * 5}) for tick in ticks]


def half_open(ticks: list[HostTick]) -> list[HostTick]:
    return [tick.model_copy(update={"connections": tick.connections // 2}) for tick in ticks]


def at_the_limit(measured: Measured) -> Measured:
    """Latencies a third shorter than they must be if the connections waited for nothing but answers."""
    assert isinstance(measured.result, WrkResult)
    shorter_us = measured.result.latency.minimum_us * 2 // 3
    latency = WrkLatency(count=1_000, minimum_us=shorter_us, maximum_us=shorter_us, histogram=((shorter_us, 1_000),))
    return replace(measured, result=measured.result.model_copy(update={"latency": latency}))


def no_watch(measured: Measured) -> Measured:
    return replace(measured, watch_failure="The watch ended too early.")


@pytest.mark.parametrize(
    ("bench", "reason", "numbers"),
    [
        (FakeBench(disturb=silent), "stuck-requests", "5 of 10"),
        (FakeBench(change=at_the_limit), "generator-saturated", "Little's law gives 0.6"),
        (FakeBench(change=no_watch), "watch-failed", "ended too early"),
        (FakeBench(disturb=lambda ticks: ticks[:2]), "watch-failed", "001-"),
    ],
)
def test_a_disturbance_on_the_host_voids_its_cell_by_its_name(
    tmp_path: Path, bench: FakeBench, reason: str, numbers: str
):
    run = begin(bench, tmp_path)
    light = [record for record in read_attempts(run) if record.cell_id.endswith("-light")]
    assert [[void.reason for void in record.voids] for record in light] == [[reason]] * len(light)
    assert any(numbers in void.message for record in read_attempts(run) for void in record.voids)
    assert not analyse(read_run(run)).cells


def test_a_disturbance_is_reported_beside_the_errors_that_it_causes(tmp_path: Path):
    run = begin(FakeBench(disturb=half_open, change=wrk_errors), tmp_path)
    assert [void.reason for void in read_attempts(run)[0].voids] == ["wrk-errors", "connections-missing"]


def test_samples_that_the_analysis_cannot_use_void_their_cell(tmp_path: Path):
    def without_the_second_second(samples: str) -> str:
        return "".join(line for line in samples.splitlines(keepends=True) if not re.match(r"5[3-9]|6[0-5]", line))

    run = begin(FakeBench(damage=without_the_second_second), tmp_path)
    for record in read_attempts(run):
        assert [void.reason for void in record.voids] == ["sampler-failed"]
    assert any("for 1.4 s of the load window" in record.voids[0].message for record in read_attempts(run))
    assert len(analyse(read_run(run)).void_cells) == CELLS


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
    voids = [record.voids for record in read_attempts(run) if "-go-" in record.cell_id]
    assert len(voids) == ATTEMPTS * CELLS / 2
    assert all(found[0].reason == reason and numbers in found[0].message for found in voids)
    assert all(record.valid for record in read_attempts(run) if "-rust-" in record.cell_id)
    assert bench.left_clean()


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        ("reset", "not-reset"),
        ("start_api", "not-ready"),
        ("pin", "pinning"),
        ("warm_up", "generator-failed"),
        ("read_pinning", "pinning"),
        ("start_sampling", "sampler-failed"),
        ("measure", "generator-failed"),
    ],
)
def test_a_program_that_dies_voids_its_cell_and_not_the_run(tmp_path: Path, step: str, reason: str):
    died = False

    def die(name: str, _count: int) -> None:
        nonlocal died
        if name == step and not died:
            died = True
            raise HostError("The process is gone.")

    run = begin(FakeBench(before=die), tmp_path)
    first, *others = read_attempts(run)
    assert [(void.reason, void.message) for void in first.voids] == [(reason, "The process is gone.")]
    assert all(record.valid for record in others)
    assert others[0].attempt_id == f"{first.cell_id}-attempt-2"
    assert len(others) == CELLS
