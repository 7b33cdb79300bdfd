"""A gate measures its two builds alone, in one run, and judges what came of it."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from analysis.compare.gate import judge_gate
from analysis.raw.run import read_run
from analysis.report.report import analyse
from documents.errors import RunError
from documents.lab.inventory import Inventory, Secrets
from documents.report.report import Gate
from documents.run.protocol import Protocol
from documents.run.window import WrkResult
from experiment.bench.bench import Measured
from experiment.progress.events import Event
from experiment.running.run import measure_builds
from tests.unit.experiment.fake_bench import INVENTORY, PROTOCOL, SECRETS, FakeBench

BUILDS = tuple(INVENTORY.apis[0].model_copy(update={"name": name}) for name in ("go", "go-base", "go-new"))
LAB = INVENTORY.model_copy(update={"apis": BUILDS})


FIVE_BLOCKS = PROTOCOL.model_copy(update={"blocks": 5})
"""As many as it takes to pass."""


def ignore(_event: Event) -> None:
    """Progress that nobody watches."""


def measure(
    bench: FakeBench,
    monkeypatch: pytest.MonkeyPatch,
    runs: Path,
    *,
    base: str = "go-base",
    candidate: str = "go-new",
    protocol: Protocol = PROTOCOL,
) -> Path:
    @contextmanager
    def opened(_inventory: Inventory, _secrets: Secrets) -> Generator[FakeBench]:
        yield bench

    monkeypatch.setattr("experiment.running.run.open_bench", opened)
    return measure_builds(LAB, SECRETS, protocol, runs, base=base, candidate=candidate, order_seed=7, progress=ignore)


def judge(run: Path, *, base: str, candidate: str) -> Gate:
    return judge_gate(analyse(read_run(run)), base=base, candidate=candidate)


def slower(bench: FakeBench) -> None:
    """Let the candidate answer a tenth less in each window."""

    def change(measured: Measured) -> Measured:
        assert isinstance(measured.result, WrkResult)
        if not bench.played[-1].startswith("go-new "):
            return measured
        fewer = measured.result.model_copy(update={"elapsed_us": measured.result.elapsed_us * 10 // 9})
        return Measured(result=fewer)

    bench.change = change


def test_the_two_builds_take_turns_and_no_other_api_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    bench = FakeBench()
    run = measure(bench, monkeypatch, tmp_path / "runs", protocol=FIVE_BLOCKS)
    assert {played.split()[0] for played in bench.played} == {"go-base", "go-new"}
    assert judge(run, base="go-base", candidate="go-new").outcome == "passed"


def test_a_candidate_that_is_slower_is_judged_so_whoever_is_named_first_in_the_stack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    bench = FakeBench()
    slower(bench)
    run = measure(bench, monkeypatch, tmp_path / "runs")
    assert judge(run, base="go-base", candidate="go-new").outcome == "regression"
    assert judge(run, base="go-new", candidate="go-base").outcome == "passed"


@pytest.mark.parametrize(
    ("base", "candidate", "said"),
    [("go-new", "go-new", "can't be compared with itself"), ("go-base", "rust", "has no API rust")],
)
def test_builds_that_are_not_there_are_refused_before_anything_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, base: str, candidate: str, said: str
):
    bench = FakeBench()
    with pytest.raises(RunError, match=said):
        measure(bench, monkeypatch, tmp_path / "runs", base=base, candidate=candidate)
    assert bench.played == []
    assert not (tmp_path / "runs").exists()


def test_a_protocol_of_one_block_is_refused_before_anything_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    bench = FakeBench()
    with pytest.raises(RunError, match="The protocol tiny has one block, from which nothing can be judged"):
        measure(bench, monkeypatch, tmp_path / "runs", protocol=PROTOCOL.model_copy(update={"blocks": 1}))
    assert bench.played == []
