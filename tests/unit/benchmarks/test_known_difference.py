"""What the benchmark of a known difference prints, and how it leaves the stack document."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import known_difference
from benchmarks.added_work import Alike, Calibration, Difference, Estimate
from benchmarks.known_difference import Result, render

pytestmark = pytest.mark.nightly


def estimate(ratio: float) -> Estimate:
    return Estimate(ratio=ratio, low=ratio - 0.02, high=ratio + 0.02, blocks=10)


DIFFERENCE = Difference(
    run_id="third",
    throughput=estimate(0.95),
    verdict="better",
    found=True,
    cpu=estimate(0.94),
    twin=estimate(1.0),
    plain_us=40.0,
    slowed_us=42.5,
    api_busy=0.98,
    api_busy_least=0.85,
    bound_cells=(),
    reasons=("The lab's own sentence.",),
)
RESULT = Result(
    alike=(
        Alike(run_id="first", pair=estimate(1.001), verdict="same", twin=estimate(0.999)),
        Alike(run_id="second", pair=estimate(1.05), verdict="better", twin=estimate(1.02)),
    ),
    half_width=0.03,
    calibration=Calibration(run_id="between", rounds=200, plain_us=40.0, slowed_us=50.0),
    wanted_ratio=0.942,
    rounds=50,
    predicted_ratio=0.90,
    difference=DIFFERENCE,
)


def value_of(text: str, row: str) -> str:
    [line] = [line for line in text.splitlines() if line.strip().startswith(row)]
    return line.strip().removeprefix(row).strip()


def test_false_differences_are_reported_like_true_ones():
    text = render(RESULT)
    assert value_of(text, "A/A experiments with a (false) difference") == "1 of 2"
    assert "1.050 (1.030 to 1.070)  a difference, which is false" in text
    assert "1.001 (0.981 to 1.021)  same" in text


def test_the_verdict_is_shown_with_its_numbers():
    text = render(RESULT)
    assert value_of(text, "throughput, slowed / plain") == "0.950 (0.930 to 0.970)  plain faster"
    assert value_of(text, "added share of the slowed build's CPU") == "0.060 (0.040 to 0.080)  worth 2.1 h"
    assert value_of(text, "found") == "yes"
    assert value_of(text, "covered, by the CPU of the same cells") == "yes"
    assert value_of(text, "covered, by the calibration's prediction") == "no"
    assert "The lab's own sentence." not in text


@pytest.mark.parametrize(
    ("changes", "row"),
    [
        ({"cpu": estimate(0.97), "throughput": estimate(0.97)}, "sized"),
        ({"cpu": estimate(0.91), "throughput": estimate(0.91)}, "sized"),
        ({"found": False, "verdict": "cannot-tell"}, "found"),
        ({"cpu": estimate(0.91)}, "covered, by the CPU of the same cells"),
        ({"cpu": estimate(0.99)}, "covered, by the CPU of the same cells"),
        ({"api_busy": 0.85}, "API's CPUs were the limit"),
        ({"bound_cells": ("004-slowed-read-post",)}, "API's CPUs were the limit"),
    ],
)
def test_the_result_holds_only_if_every_part_holds(changes: dict[str, object], row: str):
    assert RESULT.held
    failed = replace(RESULT, difference=replace(DIFFERENCE, **changes))
    assert not failed.held
    assert value_of(render(failed), row) == "no"


def test_the_stack_document_is_put_back_whatever_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    document = tmp_path / "known-difference.yaml"
    before = '    environment:\n      SLOWED_ROUNDS: "200"\n'
    document.write_text(before, encoding="utf-8")
    monkeypatch.setattr(known_difference, "DOCUMENT", document)

    def interrupted() -> None:
        with known_difference.sized(31):
            assert document.read_text(encoding="utf-8") == before.replace("200", "31")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert document.read_text(encoding="utf-8") == before
