"""How much work is added, and what is said of it."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from analysis.gate import judge_gate
from analysis.report import analyse
from analysis.statistics.intervals import over_blocks, t_quantile
from benchmarks.added_work import (
    HALF_WIDTHS,
    Alike,
    Calibration,
    Difference,
    Estimate,
    cpu_us_per_request,
    judge_alike,
    judge_difference,
    size_rounds,
    twin_half_width,
    wanted_ratio,
    with_rounds,
)
from documents.cell_numbers import CellNumbers
from documents.errors import AnalysisError, DocumentError
from documents.gate import Gate
from documents.report import Report
from documents.stack import Stack
from tests.unit.analysis.run_builder import golden_run
from toolchain.layout import project_layout

ROOT = project_layout().root
DOCUMENT = (ROOT / "stacks/known-difference.yaml").read_text(encoding="utf-8")
NOISE = (0.011, -0.008, 0.004, -0.013, 0.009, -0.003)
"""What six blocks add to the log of the second API's throughput; their mean is 0."""
CALIBRATION = Calibration(run_id="calibration", rounds=200, plain_us=40.0, slowed_us=50.0)


@pytest.fixture(scope="module")
def golden(tmp_path_factory: pytest.TempPathFactory) -> Report:
    return analyse(golden_run(tmp_path_factory.mktemp("golden") / "run"))


def estimate(ratio: float, half_width: float, blocks: int = 10) -> Estimate:
    return Estimate(ratio=ratio, low=ratio * math.exp(-half_width), high=ratio * math.exp(half_width), blocks=blocks)


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


def test_the_wanted_difference_is_two_half_widths_on_the_log_scale():
    assert wanted_ratio(0.05) == pytest.approx(math.exp(-0.1))
    assert wanted_ratio(0.3) == pytest.approx(math.exp(-0.6))


def test_on_a_quiet_host_it_is_four_per_cent_all_the_same():
    assert wanted_ratio(0.001) == wanted_ratio(0.0) == 0.96


def test_on_a_host_that_tells_nothing_the_slowed_api_still_answers_half_as_often():
    assert wanted_ratio(0.346) > 0.5
    assert wanted_ratio(0.347) == wanted_ratio(3.45) == 0.5


def test_the_half_width_of_several_twins_is_the_root_of_their_mean_square():
    def alike(half_width: float) -> Alike:
        return Alike(run_id="x", pair=estimate(1.0, 0.5), verdict="same", twin=estimate(1.01, half_width))

    assert twin_half_width([alike(0.02)]) == pytest.approx(0.02)
    assert twin_half_width([alike(0.01), alike(0.07)]) == pytest.approx(0.05)


def test_rounds_are_the_fewest_that_bring_the_throughput_down():
    assert CALIBRATION.us_per_round == 0.05
    rounds = size_rounds(0.9, CALIBRATION)
    assert CALIBRATION.predicted_ratio(rounds) <= 0.9 < CALIBRATION.predicted_ratio(rounds - 1)
    # 40 µs / 0.9 are 4.44 µs more, of which each round has 0.05.
    assert rounds == 89


def test_no_rounds_predict_no_difference():
    assert CALIBRATION.predicted_ratio(0) == 1.0
    assert CALIBRATION.predicted_ratio(200) == pytest.approx(0.8)


@pytest.mark.parametrize("slowed_us", [40.0, 39.0])
def test_rounds_without_a_price_are_refused(slowed_us: float):
    free = Calibration(run_id="the-run", rounds=200, plain_us=40.0, slowed_us=slowed_us)
    with pytest.raises(AnalysisError, match=r"run the-run a request cost 40\.00 µs .* no round has a price"):
        size_rounds(0.9, free)


def test_more_rounds_than_the_api_takes_are_refused():
    cheap = Calibration(run_id="the-run", rounds=200, plain_us=40.0, slowed_us=40.001)
    with pytest.raises(AnalysisError, match=r"takes 3,428,572 rounds a request, and the API takes 1,000,000"):
        size_rounds(0.7, cheap)


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


@pytest.mark.parametrize(
    ("text", "count"), [("apis: []\n", 0), ('    SLOWED_ROUNDS: "1"\n    SLOWED_ROUNDS: "2"\n', 2)]
)
def test_a_document_that_does_not_give_the_rounds_once_is_refused(text: str, count: int):
    with pytest.raises(DocumentError, match=f"gives SLOWED_ROUNDS {count} times"):
        with_rounds(text, 31)


def test_the_stack_has_one_build_twice_and_a_slowed_one_beside_it():
    plain, again, slowed = Stack.from_yaml(DOCUMENT, name="the stack").apis
    assert plain.model_copy(update={"name": "again", "port": again.port}) == again
    assert (plain.name, plain.target, plain.environment) == ("plain", None, {})
    assert (slowed.name, slowed.source, slowed.target) == ("slowed", plain.source, "slowed")
    assert int(slowed.environment["SLOWED_ROUNDS"]) > 0


# What is said


def test_an_experiment_in_which_nothing_differs_is_told_as_it_comes_out(golden: Report):
    alike = judge_alike(gate_of(report_of(golden, "again", 40.0), "again"), blocks=6)
    assert (alike.verdict, alike.pair.blocks, alike.twin.blocks) == ("same", 6, 6)
    half_width = t_quantile(0.975, 5) * float(np.std(NOISE, ddof=1)) / math.sqrt(6)
    assert alike.pair.half_width == pytest.approx(half_width)
    assert (alike.pair.ratio, alike.twin.ratio) == (pytest.approx(1.0), pytest.approx(1.0))
    assert judge_alike(gate_of(report_of(golden, "again", 48.0), "again"), blocks=6).verdict == "better"


def test_a_twin_of_too_few_blocks_says_nothing_of_the_host(golden: Report):
    gate = gate_of(report_of(golden, "again", 40.0), "again")
    assert judge_alike(gate, blocks=12).twin.blocks == 6
    with pytest.raises(AnalysisError, match="only 6 of 13 blocks have both cells of their twin"):
        judge_alike(gate, blocks=13)


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


def test_a_slowed_build_that_is_faster_is_not_what_was_to_be_found(golden: Report):
    found = difference_of(report_of(golden, "slowed", 32.0))
    assert (found.verdict, found.found) == ("better", False)


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


def test_a_service_that_was_a_limit_as_well_is_named(golden: Report):
    def bound(cell: CellNumbers) -> CellNumbers:
        return cell.model_copy(update={"bound_by": ("redis",)}) if cell.block == 2 and cell.api == "slowed" else cell

    found = difference_of(report_of(golden, "slowed", 50.0, change=bound))
    assert (found.api_was_limit, found.bound_cells) == (False, ("002-slowed-False",))


def test_one_block_is_refused_with_the_reason(golden: Report):
    report = report_of(golden, "slowed", 50.0, noise=NOISE[:1])
    with pytest.raises(AnalysisError, match=r"shows no interval\. One block alone has valid cells of both"):
        difference_of(report)


def test_the_cpu_of_a_request_is_the_geometric_mean_over_the_cells_of_one_api(golden: Report):
    report = report_of(golden, "slowed", 50.0, noise=(math.log(2), -math.log(2)))
    assert cpu_us_per_request(report.cells, "slowed") == pytest.approx(50.0)
    assert cpu_us_per_request(report.cells, "plain") == pytest.approx(40.0)
    with pytest.raises(AnalysisError, match="No cell of again is valid"):
        cpu_us_per_request(report.cells, "again")
