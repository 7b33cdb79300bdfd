"""How much work is added, and what is said of it."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from analysis.compare.gate import judge_gate
from analysis.raw.run import read_run
from analysis.report.report import analyse
from analysis.statistics.inference import over_blocks, t_quantile
from benchmarks.added_work import (
    HALF_WIDTHS,
    Calibration,
    Difference,
    judge_alike,
    judge_difference,
    size_rounds,
    with_rounds,
)
from documents.errors import AnalysisError
from documents.report.numbers import CellNumbers
from documents.report.report import Gate, Report
from documents.stack.stack import Stack
from tests.conftest import ROOT
from tests.unit.analysis.reports import NOISE
from tests.unit.analysis.run_builder import golden_run

pytestmark = pytest.mark.nightly

DOCUMENT = (ROOT / "stacks/known-difference.yaml").read_text(encoding="utf-8")
CALIBRATION = Calibration(run_id="calibration", rounds=200, plain_us=40.0, slowed_us=50.0)


@pytest.fixture(scope="module")
def golden(tmp_path_factory: pytest.TempPathFactory) -> Report:
    return analyse(read_run(golden_run(tmp_path_factory.mktemp("golden") / "run")))


def report_of(
    golden: Report,
    second: str,
    second_us: float,
    *,
    busy: float = 1.0,
    second_busy: float = 1.0,
    noise: Sequence[float] = NOISE,
    change: Callable[[CellNumbers], CellNumbers] = lambda cell: cell,
) -> Report:
    """A run of `plain`, at 40 µs of CPU a request, beside another; each block's twin is `plain`, and exactly alike.

    The noise is the host's: a slower block costs more CPU for each request as well. `busy` and `second_busy` are how
    much of its one CPU each used.
    """

    def cell(block: int, api: str, us: float, cores: float, *, twin: bool = False) -> CellNumbers:
        like = golden.cells[0]
        usage = dict(like.usage) | {"api": like.usage["api"].model_copy(update={"cpu_cores": cores})}
        return change(
            like.model_copy(
                update={
                    "cell_id": f"{block:03d}-{api}-{twin}",
                    "block": block,
                    "api": api,
                    "scenario": "read-post",
                    "twin": twin,
                    "throughput": cores / us * 1e6,
                    "usage": usage,
                }
            )
        )

    cells = [
        made
        for block, factor in enumerate(noise, start=1)
        for made in (
            cell(block, "plain", 40.0, busy),
            cell(block, second, second_us * math.exp(-factor), second_busy),
            cell(block, "plain", 40.0, busy, twin=True),
        )
    ]
    return golden.model_copy(
        update={
            "run_id": "20260131-120000-known-difference",
            "apis": tuple(
                golden.apis[0].model_copy(update={"name": name, "image_id": f"sha256:{name}"})
                for name in ("plain", second)
            ),
            "scenarios": (golden.scenarios[0].model_copy(update={"name": "read-post"}),),
            "caveats": (),
            "summaries": (),
            "cells": tuple(cells),
            "void_cells": (),
            "unfinished_cells": (),
        }
    )


def gate_of(report: Report, candidate: str) -> Gate:
    return judge_gate(report, base="plain", candidate=candidate)


def difference_of(report: Report, *, api_cpus: int = 1) -> Difference:
    return judge_difference(gate_of(report, "slowed"), report.cells, api_cpus=api_cpus)


# How much


def test_rounds_are_the_fewest_that_bring_the_throughput_down():
    assert CALIBRATION.us_per_round == 0.05
    rounds = size_rounds(0.9, CALIBRATION)
    assert CALIBRATION.predicted_ratio(rounds) <= 0.9 < CALIBRATION.predicted_ratio(rounds - 1)
    # 40 µs / 0.9 are 4.44 µs more, of which each round has 0.05.
    assert rounds == 89


@pytest.mark.parametrize("slowed_us", [40.0, 39.0])
def test_rounds_whose_cost_is_not_measurable_are_refused(slowed_us: float):
    free = Calibration(run_id="the-run", rounds=200, plain_us=40.0, slowed_us=slowed_us)
    with pytest.raises(AnalysisError, match=r"run the-run a request cost 40\.00 µs .* too small to be measured"):
        size_rounds(0.9, free)


def test_ten_blocks_find_two_half_widths_in_96_of_100_experiments():
    random = np.random.default_rng(20260131)
    experiments = (20_000, 10)
    # A twin's ratio is of two cells. In that of two builds one of them counts by the mean of two, and one by a single.
    twins = over_blocks(random.normal(0, math.sqrt(2), experiments))
    pairs = over_blocks(random.normal(0, math.sqrt(1.5), experiments))
    found = pairs.mean + HALF_WIDTHS * twins.half_width(0.95) > pairs.half_width(0.95)
    assert np.mean(found) == pytest.approx(0.96, abs=0.005)


# The stack document


def test_the_document_gets_other_rounds_and_stays_as_it_is():
    changed = with_rounds(DOCUMENT, 31)
    before, after = (Stack.from_yaml(text, name="the stack") for text in (DOCUMENT, changed))
    assert [api.environment for api in after.apis] == [{}, {}, {"SLOWED_ROUNDS": "31"}]
    assert after.model_copy(update={"apis": before.apis}) == before
    assert [line for line in changed.splitlines() if line not in DOCUMENT.splitlines()] == ['      SLOWED_ROUNDS: "31"']


# What is said


def test_an_experiment_without_a_difference_is_reported_unedited(golden: Report):
    alike = judge_alike(gate_of(report_of(golden, "again", 40.0), "again"), blocks=6)
    assert (alike.verdict, alike.pair.blocks, alike.twin.blocks) == ("same", 6, 6)
    half_width = t_quantile(0.975, 5) * float(np.std(NOISE, ddof=1)) / math.sqrt(6)
    assert alike.pair.half_width == pytest.approx(half_width)
    assert (alike.pair.ratio, alike.twin.ratio) == (pytest.approx(1.0), pytest.approx(1.0))
    assert judge_alike(gate_of(report_of(golden, "again", 48.0), "again"), blocks=6).verdict == "better"


def test_the_added_share_is_found_and_covered_where_the_api_is_the_limit(golden: Report):
    found = difference_of(report_of(golden, "slowed", 50.0))
    assert (found.found, found.covered, found.api_was_limit) == (True, True, True)
    assert found.throughput.ratio == pytest.approx(0.8)
    assert 1 - found.cpu.ratio == pytest.approx(0.2)
    assert (found.plain_us, found.slowed_us) == (pytest.approx(40.0), pytest.approx(50.0))


def test_a_throughput_that_fell_less_than_its_cpu_says_is_not_covered(golden: Report):
    # The plain build leaves a tenth of its CPU unused: something else limits it, and hides half of the work.
    found = difference_of(report_of(golden, "slowed", 50.0, busy=0.9))
    assert found.found
    assert found.throughput.ratio == pytest.approx(0.8 / 0.9)
    assert found.cpu.ratio == pytest.approx(0.8)
    assert not found.covered


def test_a_difference_that_noise_hides_is_not_found(golden: Report):
    found = difference_of(report_of(golden, "slowed", 41.0, noise=[5 * value for value in NOISE]))
    assert (found.verdict, found.found, found.covered) == ("cannot-tell", False, True)
    assert found.reasons[0].startswith("Throughput under read-post: can't tell; 0.97")


def test_cpus_that_are_not_busy_in_most_cells_were_no_limit(golden: Report):
    assert difference_of(report_of(golden, "slowed", 50.0, second_busy=0.9)).api_was_limit
    idle = difference_of(report_of(golden, "slowed", 50.0, second_busy=0.89))
    assert (idle.api_was_limit, idle.api_busy, idle.api_busy_least) == (False, *[pytest.approx(0.89)] * 2)

    def idle_in_two_blocks(cell: CellNumbers) -> CellNumbers:
        usage = dict(cell.usage) | {"api": cell.usage["api"].model_copy(update={"cpu_cores": 0.5})}
        return cell.model_copy(update={"usage": usage}) if cell.block <= 2 else cell

    seldom = difference_of(report_of(golden, "slowed", 50.0, change=idle_in_two_blocks))
    assert (seldom.api_was_limit, seldom.api_busy, seldom.api_busy_least) == (True, 1.0, 0.5)
    assert not difference_of(report_of(golden, "slowed", 50.0), api_cpus=2).api_was_limit
