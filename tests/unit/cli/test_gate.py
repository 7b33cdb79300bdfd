"""`lab gate` on runs that are there: status, last line, and that no error can be taken for a regression."""

from pathlib import Path

import pytest

from documents.report.report import Gate, Outcome
from tests.unit.analysis.pair_run import BASE, CANDIDATE, pair_run
from tests.unit.cli.lab_command import lab, labs

RUNS: dict[Outcome, tuple[int, tuple[float | None, ...]]] = {
    "passed": (0, (501, 499, 500, 501, 499)),
    "regression": (1, (451, 449, 450, 452, 450)),
    "cannot-tell": (2, (520, 440, 540, 470, 510)),
    "no-answer": (3, (501, 499, 500, 501, None)),
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[Outcome, Path]:
    folder = tmp_path_factory.mktemp("runs")
    return {outcome: pair_run(folder / outcome, candidate) for outcome, (_, candidate) in RUNS.items()}


def test_each_outcome_has_its_status_and_its_last_line(runs: dict[Outcome, Path]):
    answers = labs([["gate", BASE, CANDIDATE, "--run", str(folder)] for folder in runs.values()])
    lines = {
        "passed": "gate: passed: ",
        "regression": "gate: regression: ",
        "cannot-tell": "gate: can't tell: ",
        "no-answer": "gate: no answer: ",
    }
    for (outcome, (status, _)), answer in zip(RUNS.items(), answers, strict=True):
        assert (answer.status, answer.err) == (status, ""), answer
        assert answer.out.splitlines()[-1].startswith(f"{lines[outcome]}{CANDIDATE} beside {BASE} in the run ")
    assert "blocks would let a candidate without any difference pass" in answers[2].out.splitlines()[-1]
    assert "lab run --resume" in answers[3].out


def test_programs_get_the_document_and_the_same_status(runs: dict[Outcome, Path]):
    answers = labs([["gate", BASE, CANDIDATE, "--json", "--run", str(folder)] for folder in runs.values()])
    for (outcome, (status, _)), answer in zip(RUNS.items(), answers, strict=True):
        assert (answer.status, answer.err) == (status, "")
        gate = Gate.from_json(answer.out, name="standard output")
        assert (gate.outcome, gate.base.name, gate.candidate.name) == (outcome, BASE, CANDIDATE)


def test_the_summary_is_written_beside_the_verdict(runs: dict[Outcome, Path], tmp_path: Path):
    summary = tmp_path / "not" / "there" / "summary.md"
    answer = lab("gate", BASE, CANDIDATE, "--run", str(runs["regression"]), "--summary", str(summary))
    assert answer.status == 1
    assert summary.read_text().startswith("## Gate: regression: go-new beside go-base")


def test_measures_that_are_asked_for_are_judged(runs: dict[Outcome, Path]):
    measures = ["--measure", "memory_mean", "--measure", "cpu_cores"]
    answer = lab("gate", BASE, CANDIDATE, "--json", "--run", str(runs["regression"]), *measures)
    gate = Gate.from_json(answer.out, name="standard output")
    assert {finding.measure for finding in gate.findings if finding.judged} == {"memory_mean", "cpu_cores"}
    assert answer.status == 0


def test_no_error_has_the_status_of_a_verdict(runs: dict[Outcome, Path], tmp_path: Path):
    run = str(runs["passed"])
    wrong = {
        ("gate",): "Missing argument",
        ("gate", BASE, CANDIDATE, "--bogus"): "No such option: --bogus",
        ("gate", BASE, CANDIDATE, "--run", run, "--seed", "1"): "Leave out --protocol and --seed",
        ("gate", BASE, CANDIDATE, "--run", run, "--measure", "speed"): "There is no measure speed; the measures: thr",
        ("gate", BASE, CANDIDATE, "--run", str(tmp_path / "none")): "There is no run ",
        ("gate", BASE, "zig", "--run", run): "didn't measure zig",
        ("gate", BASE, BASE, "--run", run): "can't be compared with itself",
        ("gate", BASE, CANDIDATE, "--stack", "no-such-stack"): "There is no lab no-such-stack",
        ("gate", BASE, CANDIDATE, "--protocol", "no-such-protocol"): "There is no protocol named no-such-protocol",
    }
    for answer, said in zip(labs(list(wrong)), wrong.values(), strict=True):
        assert answer.status == 3, answer
        assert said in answer.sentence()


def test_a_run_that_was_damaged_and_a_summary_that_can_not_be_written_are_no_verdict(tmp_path: Path):
    run = pair_run(tmp_path / "run", (450, 451, 449))
    summary = tmp_path / "file" / "summary.md"
    summary.parent.write_text("")
    unwritten = lab("gate", BASE, CANDIDATE, "--run", str(run), "--summary", str(summary))
    assert unwritten.status == 3
    assert "summary.md can't be written" in unwritten.err
    (next((run / "cells").iterdir()) / "wrk.json").write_text("{}")
    damaged = lab("gate", BASE, CANDIDATE, "--run", str(run))
    assert damaged.status == 3
    assert "wrk.json" in damaged.sentence()


def test_a_defect_is_no_verdict_and_shows_where_it_is(monkeypatch: pytest.MonkeyPatch):
    """Python would end with 1, as a regression does."""
    monkeypatch.setattr("cli.gate.find_run", None)
    answer = lab("gate", BASE, CANDIDATE, "--run", "x")
    assert answer.status == 3
    assert "Traceback" in answer.err
    assert "TypeError" in answer.err
