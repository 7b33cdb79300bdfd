"""Verdicts in words, and what a report without comparisons says instead."""

import math
from pathlib import Path

import pytest

from analysis.pages.html import render_html
from analysis.pages.markdown import render_markdown
from analysis.pages.plots import verdict_plots
from analysis.pages.run import in_short
from analysis.pages.verdicts import other_table, twin_words, verdict_tables, verdict_words
from analysis.raw.run import read_run
from analysis.report.report import analyse
from documents.report.comparison import (
    BlocksNeeded,
    Comparison,
    Interval,
    Measure,
    PairComparison,
    Ratio,
    TwinComparison,
)
from documents.report.report import Report
from tests.unit.analysis.run_builder import COMPARED_THROUGHPUTS, compared_run
from tests.unit.analysis.test_saturation import ALL_ON_ONE, watched


def ratio(value: float, low: float, high: float) -> Ratio:
    """The 90% interval is narrower, by what a tenth of blocks makes of it."""
    log_half = 0.81 * math.log(high / low) / 2
    narrow = Interval(low=value * math.exp(-log_half), high=value * math.exp(log_half))
    return Ratio(value=value, interval_95=Interval(low=low, high=high), interval_90=narrow, noise=0.02)


def a_pair(**changes: object) -> PairComparison:
    usual: dict[str, object] = {
        "scenario": "light",
        "first": "rust",
        "second": "go",
        "blocks": 10,
        "ratio": ratio(1.12, 1.09, 1.15),
        "p_value": 0.001,
        "p_adjusted": 0.01,
        "p_equivalence": 0.9,
        "verdict": "better",
        "better": "rust",
        "bound_by_postgres": False,
        "reason": None,
        "blocks_to_detect": None,
        "blocks_to_show_same": None,
    }
    pair = usual | changes
    found = pair["ratio"]
    shown = found.interval_95 if isinstance(found, Ratio) else None
    return PairComparison.model_validate(pair | {"interval": shown})


def words(measure: Measure, **changes: object) -> str:
    pair = a_pair(**changes)
    return verdict_words(
        pair,
        Comparison(
            measure=measure,
            margin=0.03,
            significance=0.05,
            power=0.8,
            tests=18,
            pairs=(pair,),
            rankings=(),
            twins=(),
        ),
    )


SAME: dict[str, object] = {"verdict": "same", "better": None, "ratio": ratio(1.004, 0.99, 1.02)}
CANNOT_TELL: dict[str, object] = {"verdict": "cannot-tell", "better": None}
LESS: dict[str, object] = {"ratio": ratio(0.8, 0.7, 0.9)}


def needed(blocks: int | None) -> BlocksNeeded:
    """With a range from half to twice as many."""
    return BlocksNeeded(
        blocks=blocks, low=blocks and blocks // 2, high=blocks and (2 * blocks if blocks < 500 else None)
    )


def open_with(value: float, detect: int | None, same: int | None) -> dict[str, object]:
    blocks = {"blocks_to_detect": needed(detect), "blocks_to_show_same": needed(same)}
    return CANNOT_TELL | blocks | {"ratio": ratio(value, 0.95, 1.2)}


@pytest.mark.parametrize(
    ("measure", "changes", "said"),
    [
        ("throughput", {}, "rust is faster than go by 12% (9 to 15%)"),
        (
            "throughput",
            {"ratio": ratio(1.042, 1.031, 1.053)},
            "rust is faster than go by 4.2% (3.1 to 5.3%)",
        ),
        (
            "throughput",
            {"ratio": ratio(1.042, 1.029, 1.055)},
            "rust is faster than go, maybe by less than 3%: 4.2% (2.9 to 5.5%)",
        ),
        ("throughput", {"ratio": ratio(2.5, 2.25, 2.75)}, "rust is faster than go by a factor of 2.50 (2.25 to 2.75)"),
        ("p99", LESS, "rust has a lower p99 than go by 20% (10 to 30%)"),
        ("p99_corrected", LESS, "rust has a lower corrected p99 than go by 20% (10 to 30%)"),
        ("cpu_cores", LESS, "rust uses less CPU than go by 20% (10 to 30%)"),
        ("memory_mean", LESS, "rust uses less memory than go by 20% (10 to 30%)"),
        (
            "requests_per_cpu_second",
            {},
            "rust answers more requests a CPU second than go by 12% (9 to 15%)",
        ),
        ("throughput", SAME, "same within 3%"),
        (
            "throughput",
            SAME | {"verdict": "cannot-tell", "failed": ("go",)},
            "can't tell: go failed in some cells, which the ratio leaves out",
        ),
        ("throughput", SAME | {"bound_by_postgres": True}, "same, bound by PostgreSQL"),
        (
            "throughput",
            open_with(1.05, 24, 300),
            "can't tell: some 24 (12 to 48) blocks would, if the difference is as large as it looks",
        ),
        (
            "throughput",
            open_with(1.05, 600, 24),
            "can't tell: some 600 (300 to more than 1,000) blocks would, if the difference is as large as it looks",
        ),
        (
            "throughput",
            open_with(1.01, 400, 24),
            "can't tell: some 24 (12 to 48) blocks would, if there is no difference",
        ),
        (
            "throughput",
            open_with(1.01, 24, None),
            "can't tell: more than 1,000 blocks would be needed, if there is no difference",
        ),
        (
            "throughput",
            open_with(1.02, 400, 9),
            (
                "can't tell: too near the margin of 3%; some 400 (200 to 800) blocks would, if the difference is as "
                "large as it looks"
            ),
        ),
        ("throughput", CANNOT_TELL | {"ratio": None, "reason": "One block alone."}, "can't tell: one block alone"),
    ],
)
def test_a_verdict_in_words(measure: Measure, changes: dict[str, object], said: str):
    assert words(measure, **changes) == said


@pytest.mark.parametrize("measure", ["throughput", "p99"])
def test_the_words_are_the_same_whichever_api_is_named_first(measure: Measure):
    there = ratio(1.12, 1.09, 1.15) if measure == "throughput" else ratio(0.8, 0.7, 0.9)
    assert there.interval_95 is not None
    back = ratio(1 / there.value, 1 / there.interval_95.high, 1 / there.interval_95.low)
    assert words(measure, ratio=back, first="go", second="rust") == words(measure, ratio=there)


def test_the_twin_says_how_often_the_same_can_be_shown():
    twin = TwinComparison(
        scenario="light",
        blocks=10,
        ratio=ratio(1.001, 1 / 1.02, 1.02),
        power_to_show_same=0.44,
        excludes_one=False,
        reason=None,
    )
    assert twin_words(twin) == "equal APIs are shown to be the same in 44% of such runs"
    sure = twin.model_copy(update={"power_to_show_same": 0.9999})
    assert twin_words(sure) == "equal APIs are shown to be the same in more than 99% of such runs"
    few = twin.model_copy(update={"blocks": 4, "power_to_show_same": 0.0})
    assert twin_words(few) == "too few blocks to show that two APIs are the same: that takes 5"
    doubted = twin.model_copy(update={"excludes_one": True})
    assert "the later cell differs from the earlier one" in twin_words(doubted)


# A run's tables


def values(report: Report) -> dict[str, list[list[str]]]:
    return {table.title: [[cell.value for cell in row] for row in table.rows] for table in verdict_tables(report)}


def test_a_run_that_compares_nothing_has_no_verdicts_but_a_reason(tmp_path: Path):
    report = analyse(read_run(compared_run(tmp_path / "run", throughputs=COMPARED_THROUGHPUTS, blocks=1)))
    assert list(values(report)) == ["The A/A twin"]
    assert verdict_plots(report).plots == ()
    why = "Nothing can be compared: the run has one block."
    assert why in render_html(report)
    assert why in render_markdown(report)
    assert any(caveat.startswith(why) for caveat in report.caveats), "which the terminal shows below the tables"


def test_one_api_alone_has_its_twin_and_no_pair(tmp_path: Path):
    report = analyse(read_run(compared_run(tmp_path / "run", throughputs={"go": 5000.0}, blocks=3)))
    assert list(values(report)) == ["The A/A twin"]
    assert not any(caveat.startswith("Nothing can be compared") for caveat in report.caveats)


def test_a_run_without_a_twin_has_verdicts_and_no_twin(tmp_path: Path):
    run = compared_run(tmp_path / "run", throughputs=COMPARED_THROUGHPUTS, blocks=3, twin=False)
    assert "The A/A twin" not in values(analyse(read_run(run)))
    assert "Throughput, pair by pair" in values(analyse(read_run(run)))


@pytest.fixture
def compared_report(tmp_path: Path) -> Report:
    return analyse(read_run(compared_run(tmp_path / "run", throughputs=COMPARED_THROUGHPUTS, blocks=3)))


def under_load(report: Report, *, bound: dict[str, tuple[str, ...]], **busy: dict[int, float]) -> Report:
    """The report with these services as the limit of an API's cells, and with this use of CPUs by load."""
    return report.model_copy(
        update={
            "cells": tuple(
                cell.model_copy(
                    update={
                        "bound_by": bound.get(cell.api, ()),
                        "watch": watched(busy[cell.scenario]).watch if cell.scenario in busy else None,
                    }
                )
                for cell in report.cells
            )
        }
    )


def test_ranks_are_by_throughput_alone(compared_report: Report):
    for comparison in compared_report.comparisons:
        assert bool(comparison.rankings) == (comparison.measure == "throughput")


def test_latency_of_a_load_that_used_up_its_cpus_has_no_verdict(compared_report: Report):
    def said(report: Report) -> dict[str, list[bool]]:
        table = other_table(report)
        loads = dict.fromkeys(row[0].value for row in table.rows)
        return {
            load: [
                all(row[index].detail.endswith("queued") for row in table.rows if row[0].value == load)
                for index in range(table.named_by, len(table.columns))
            ]
            for load in loads
        }

    light, heavy = (load.name for load in compared_report.scenarios)
    busy = under_load(compared_report, bound={}, **{light: {0: 0.5, 1: 0.8}, heavy: {0: 0.5, 1: 1.0}})
    assert said(busy) == {light: [False] * 7, heavy: [True] * 3 + [False] * 4}
    assert said(compared_report) == {light: [False] * 7, heavy: [False] * 7}


def test_the_first_line_names_postgres_and_shared_cpus_as_the_limit(compared_report: Report):
    assert in_short(compared_report).endswith("valid.")
    every = tuple(COMPARED_THROUGHPUTS)
    loads = " and ".join(load.name for load in compared_report.scenarios)
    of_all = under_load(compared_report, bound=dict.fromkeys(every, ("postgres",)))
    assert in_short(of_all).endswith(f"valid. PostgreSQL was the limit of all APIs under {loads}.")
    of_one = under_load(compared_report, bound={every[0]: ("redis",)})
    assert in_short(of_one).endswith(f"valid. Redis was the limit of {every[0]} under {loads}.")
    full = {load.name: {0: 1.0, 1: 1.0} for load in compared_report.scenarios}
    on_one = under_load(compared_report.model_copy(update={"cores": ALL_ON_ONE}), bound={}, **full)
    assert in_short(on_one).endswith(
        "The API shared its CPUs with PostgreSQL, Redis and the generator, and together they used them up."
    )
    assert in_short(on_one) in render_html(on_one)
