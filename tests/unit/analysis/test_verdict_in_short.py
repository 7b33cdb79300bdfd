"""The verdict that a page begins with: a sentence for each load, and ranks with ties as ranges."""

from pathlib import Path

import pytest

from analysis.pages.run import heading
from analysis.pages.verdicts import load_verdicts
from analysis.raw.run import read_run
from analysis.report.report import analyse
from analysis.statistics.comparison import compare_all
from documents.report.report import Report
from tests.unit.analysis.reports import Throughputs, report_of, scattered
from tests.unit.analysis.run_builder import COMPARED_THROUGHPUTS, compared_run

DASH = "\N{EN DASH}"

LOUD = (0.3, -0.25, 0.1, -0.3, 0.2, -0.05)
"""Noise in which no difference can be found."""


def compared(golden: Report, throughputs: Throughputs) -> Report:
    report = report_of(golden, throughputs)
    comparisons = compare_all(
        report.cells,
        apis=[api.name for api in report.apis],
        scenarios=[scenario.name for scenario in report.scenarios],
        margin=0.03,
        bound_by_postgres=frozenset(),
    )
    return report.model_copy(update={"comparisons": comparisons})


def sentences(report: Report) -> list[str]:
    return [verdict.sentence for verdict in load_verdicts(report)]


def ranks(report: Report) -> list[tuple[str, str]]:
    return [(row[0].value, row[1].value) for row in load_verdicts(report)[0].table.rows]


def test_one_that_is_faster_than_all_is_named_and_so_is_the_slowest(golden_report: Report):
    report = compared(
        golden_report, {"light": {"go": scattered(500), "rust": scattered(900, -1), "zig": scattered(700, 0.5)}}
    )
    assert sentences(report) == ["rust is the fastest. go is the slowest."]
    assert ranks(report) == [("rust", "1"), ("zig", "2"), ("go", "3")]


def test_what_a_run_cannot_tell_is_not_called_the_same(golden_report: Report):
    unclear = {"go": scattered(800), "rust": scattered(810, 1, LOUD)}
    assert sentences(compared(golden_report, {"light": unclear})) == [
        "The run can't tell which is the fastest: any of go and rust may be."
    ]
    with_a_slow_one = {**unclear, "kotlin": scattered(90, 1, LOUD), "zig": scattered(820, 1, LOUD[::-1])}
    assert sentences(compared(golden_report, {"light": with_a_slow_one})) == [
        "go, rust or zig is the fastest; the run can't tell which. kotlin is the slowest."
    ]


def test_where_two_may_be_the_slowest_none_is_called_so(golden_report: Report):
    report = compared(
        golden_report, {"light": {"go": scattered(80), "rust": scattered(900, -1), "zig": scattered(81, 1, LOUD)}}
    )
    assert sentences(report) == ["rust is the fastest."]
    assert ranks(report) == [("rust", "1"), ("go", f"2{DASH}3"), ("zig", f"2{DASH}3")]


def test_what_is_known_under_one_load_is_not_said_of_another(golden_report: Report):
    unclear = {"go": scattered(800), "rust": scattered(810, 1, LOUD)}
    report = compared(golden_report, {"light": unclear, "heavy": {"go": scattered(800), "rust": scattered(801, -1)}})
    assert sentences(report) == [
        "The run can't tell which is the fastest: any of go and rust may be.",
        "go and rust are the fastest, and the same within 3%.",
    ]


def test_many_names_are_not_read_out(golden_report: Report):
    many = {f"api-{letter}": scattered(800, 1, LOUD[place:] + LOUD[:place]) for place, letter in enumerate("abcdef")}
    report = compared(golden_report, {"light": many})
    assert sentences(report) == ["The run can't tell which is the fastest."]
    with_a_slow_one = compared(golden_report, {"light": {**many, "kotlin": scattered(9, 1, LOUD[::-1])}})
    assert sentences(with_a_slow_one) == ["One of 6 is the fastest; the run can't tell which. kotlin is the slowest."]
    assert heading(report) == "6 APIs under light load"


@pytest.mark.parametrize(
    ("throughputs", "said"),
    [(COMPARED_THROUGHPUTS, "Nothing can be ranked."), ({"go": 5000.0}, "There is nothing to rank.")],
    ids=["one-block", "one-api"],
)
def test_where_nothing_can_be_compared_there_is_no_rank(tmp_path: Path, throughputs: dict[str, float], said: str):
    report = analyse(read_run(compared_run(tmp_path / "run", throughputs=throughputs, blocks=1)))
    assert set(sentences(report)) == {said}
    assert ranks(report) == [(api, DASH) for api in throughputs]
