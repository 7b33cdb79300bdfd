"""The gate: each outcome, what it rests on, and how often it errs."""

import math
from typing import get_args

import numpy as np
import pytest

from analysis.compare.gate import judge_gate
from analysis.pages.gate import gate_table, outcome_line, render_gate_markdown
from analysis.statistics.inference import blocks_to_show_same
from documents.errors import AnalysisError
from documents.report.comparison import Measure
from documents.report.numbers import CellNumbers
from documents.report.report import Gate, Report, VoidAttempt
from documents.run.records import ApiFault, HostFault, LabFault, Void, VoidReason
from tests.conftest import NIGHTLY
from tests.unit.analysis.reports import NOISE, Throughputs, report_of, scattered

STEADY = [1000.0] * 6


def judged(report: Report, *measures: Measure) -> Gate:
    return judge_gate(report, base="go-base", candidate="go-new", judged=measures or ("throughput",))


def gate_of(golden: Report, candidate: list[float], base: list[float] = STEADY) -> Gate:
    return judged(report_of(golden, {"light": {"go-base": base, "go-new": candidate}}))


def test_a_candidate_that_is_slower_is_a_regression(golden_report: Report):
    gate = gate_of(golden_report, scattered(900))
    assert gate.outcome == "regression"
    (reason,) = gate.reasons
    assert reason == ("Throughput under light: go-base faster; 0.900 times that of go-base, interval 0.891 to 0.909.")
    assert outcome_line(gate) == "gate: regression: go-new beside go-base in the run 20260131-120000-quick"


def test_a_candidate_that_is_faster_passes(golden_report: Report):
    gate = gate_of(golden_report, scattered(1100))
    assert (gate.outcome, gate.blocks_needed) == ("passed", None)
    assert gate.reasons[0].startswith("Throughput under light: go-new faster; 1.100 times")
    [said] = gate_of(golden_report, scattered(3000)).reasons
    assert said.startswith("Throughput under light: go-new faster; 3.00 times"), "as on every page"


def test_a_candidate_that_is_shown_the_same_passes_even_if_a_difference_is_significant(golden_report: Report):
    gate = gate_of(golden_report, scattered(985, 0.3))
    pair = gate.findings[0].pair
    assert pair.p_adjusted is not None
    assert pair.p_adjusted < 0.05
    assert gate.outcome == "passed"
    assert gate.reasons[0].startswith("Throughput under light: same;")


def test_a_candidate_of_which_nothing_is_shown_does_not_pass_and_the_needed_blocks_are_reported(golden_report: Report):
    gate = gate_of(golden_report, scattered(990, 6))
    needed = blocks_to_show_same(6 * float(np.std(NOISE, ddof=1)), margin=0.03)
    assert gate.outcome == "cannot-tell"
    assert gate.blocks_needed is not None
    assert gate.blocks_needed.blocks == needed
    said = f"{needed} ({gate.blocks_needed.low} to {gate.blocks_needed.high})"
    assert f"if there is no difference, {said} would show it." in gate.reasons[0]
    assert f"; {said} blocks would let a candidate" in outcome_line(gate)


LOADS: dict[str, tuple[Throughputs, str]] = {
    "one open": (
        {"a": {"go-base": STEADY, "go-new": scattered(1200)}, "b": {"go-base": STEADY, "go-new": scattered(990, 6)}},
        "cannot-tell",
    ),
    "a regression beside a load without cells": (
        {"a": {"go-base": STEADY, "go-new": [math.nan] * 6}, "b": {"go-base": STEADY, "go-new": scattered(800)}},
        "regression",
    ),
    "a load without cells beside an open one": (
        {"a": {"go-base": STEADY, "go-new": [math.nan] * 6}, "b": {"go-base": STEADY, "go-new": scattered(990, 6)}},
        "no-answer",
    ),
}


@pytest.mark.parametrize("loads", LOADS)
def test_the_outcome_is_that_of_all_loads_together(golden_report: Report, loads: str):
    throughputs, expected = LOADS[loads]
    assert judged(report_of(golden_report, throughputs)).outcome == expected


def test_other_apis_of_the_run_count_for_nothing(golden_report: Report):
    """Neither as pairs nor in the family of tests."""
    pair = {"go-base": STEADY, "go-new": scattered(985, 2)}
    alone = judged(report_of(golden_report, {"light": pair}))
    among_others = judged(report_of(golden_report, {"light": {**pair, "rust": scattered(2000), "zig": scattered(1)}}))
    assert alone.findings == among_others.findings
    assert alone.tests == among_others.tests == 1


def with_usage(cell: CellNumbers, **numbers: float) -> CellNumbers:
    usage = cell.usage | {"api": cell.usage["api"].model_copy(update=numbers)}
    return cell.model_copy(update={"usage": usage})


def costly(golden: Report) -> Report:
    """A candidate that is as fast and takes a tenth more CPU a request."""
    report = report_of(golden, {"light": {"go-base": STEADY, "go-new": scattered(1000, 0.5)}})
    cells = [with_usage(cell, cpu_cores=1.1 if cell.api == "go-new" else 1.0) for cell in report.cells]
    return report.model_copy(update={"cells": tuple(cells)})


def test_what_is_not_judged_is_reported_only(golden_report: Report):
    gate = judged(costly(golden_report))
    assert gate.outcome == "passed"
    (reported,) = [finding for finding in gate.findings if finding.measure == "requests_per_cpu_second"]
    assert not reported.judged
    assert reported.pair.better == "go-base"
    assert "go-base answers more requests a CPU second" in render_gate_markdown(gate)


def test_a_measure_that_is_asked_for_is_judged(golden_report: Report):
    gate = judged(costly(golden_report), "throughput", "requests_per_cpu_second")
    assert gate.outcome == "regression"
    assert gate.tests == 2
    assert [finding.measure for finding in gate.findings if finding.judged] == ["throughput", "requests_per_cpu_second"]


@pytest.mark.parametrize(("share", "outcome", "better"), [(1.2, "regression", "go-base"), (0.8, "passed", "go-new")])
def test_of_what_is_used_less_is_better(golden_report: Report, share: float, outcome: str, better: str):
    report = report_of(golden_report, {"light": {"go-base": STEADY, "go-new": STEADY}})
    used = {"go-base": scattered(1e8), "go-new": [1e8 * share] * len(STEADY)}
    cells = [with_usage(cell, memory_mean_bytes=used[cell.api][cell.block - 1]) for cell in report.cells]
    gate = judged(report.model_copy(update={"cells": tuple(cells)}), "memory_mean")
    assert gate.outcome == outcome
    (finding,) = [finding for finding in gate.findings if finding.judged]
    assert finding.pair.better == better
    assert f"{better} uses less memory" in gate.reasons[0]


def test_all_that_is_judged_is_one_family(golden_report: Report):
    """A difference that is significant alone isn't, where a second measure is judged beside it."""
    report = report_of(golden_report, {"light": {"go-base": STEADY, "go-new": scattered(1000 * math.exp(-0.031), 2.8)}})
    alone, together = judged(report), judged(report, "throughput", "memory_mean")
    (first, second) = (gate.findings[0].pair for gate in (alone, together))
    assert first.p_value is not None
    assert 0.025 < first.p_value < 0.05
    assert (alone.outcome, second.p_adjusted) == ("regression", pytest.approx(2 * first.p_value))
    assert (together.outcome, second.better) == ("cannot-tell", None)
    assert second.blocks_to_detect is not None
    assert second.blocks_to_show_same is not None
    assert (second.blocks_to_detect.blocks or 0) > 6
    assert second.ratio is not None
    assert second.ratio.noise is not None
    # Both must be shown at once: each may fail in half of the 20 of 100.
    assert together.blocks_needed is not None
    assert together.blocks_needed.blocks == blocks_to_show_same(second.ratio.noise, margin=0.03, power=0.9)
    assert (together.blocks_needed.blocks or 0) > (second.blocks_to_show_same.blocks or 0)


def failed(*reasons: VoidReason, api: str = "go-new", cell: int = 7, attempt: int = 1) -> VoidAttempt:
    return VoidAttempt(
        cell_id=f"{cell:03d}-{api}-light",
        attempt=attempt,
        block=1,
        api=api,
        scenario="light",
        voids=tuple(Void(reason=reason, message="3 errors.") for reason in reasons),
    )


def judged_with(golden: Report, *attempts: VoidAttempt, throughput: float = 1200) -> Gate:
    """A candidate of such throughput, 1,000 being the base's, and these void attempts; all cells are valid at last."""
    report = report_of(golden, {"light": {"go-base": STEADY, "go-new": scattered(throughput, 0.3)}})
    return judged(report.model_copy(update={"void_attempts": attempts}))


@pytest.mark.parametrize("reason", get_args(ApiFault))
def test_a_candidate_that_failed_where_its_base_did_not_is_a_regression(golden_report: Report, reason: VoidReason):
    """Even if a later attempt was valid, and all of these are faster."""
    gate = judged_with(golden_report, failed(reason))
    assert gate.outcome == "regression"
    assert gate.reasons == (f"go-new failed in the cell 007-go-new-light: 3 errors ({reason}).",)


def test_failures_are_counted_by_cell(golden_report: Report):
    first, again = failed("wrk-errors"), failed("not-ready", attempt=2)
    gate = judged_with(golden_report, first, again, failed("vegeta-errors", "rate-missed", cell=9), throughput=800)
    assert gate.outcome == "regression"
    slower, failures = gate.reasons
    assert slower.startswith("Throughput under light: go-base faster")
    assert failures == "go-new failed in 2 cells under light, first in 007-go-new-light: 3 errors (wrk-errors)."


def test_where_both_failed_there_is_no_answer(golden_report: Report):
    both = failed("wrk-errors"), failed("stuck-requests", api="go-base", cell=8)
    gate = judged_with(golden_report, *both)
    assert gate.outcome == "no-answer"
    assert [reason.split(":")[0] for reason in gate.reasons] == [
        "go-new failed in the cell 007-go-new-light",
        "go-base failed in the cell 008-go-base-light",
    ]
    assert judged_with(golden_report, *both, throughput=800).outcome == "regression"


@pytest.mark.parametrize("throughput", [1000, 1200])
def test_a_base_that_failed_lets_a_candidate_pass(golden_report: Report, throughput: float):
    assert judged_with(golden_report, failed("wrk-errors", api="go-base"), throughput=throughput).outcome == "passed"


@pytest.mark.parametrize("reason", get_args(HostFault) + get_args(LabFault))
def test_what_the_host_or_the_lab_did_is_no_failure(golden_report: Report, reason: VoidReason):
    assert judged_with(golden_report, failed(reason)).outcome == "passed"


def test_an_error_while_the_host_was_disturbed_is_no_failure(golden_report: Report):
    assert judged_with(golden_report, failed("wrk-errors", "steal")).outcome == "passed"
    assert judged_with(golden_report, failed("wrk-errors", "sampler-failed")).outcome == "regression"


def test_a_run_whose_open_loop_is_not_finished_gives_no_answer(golden_report: Report, full_report: Report):
    report = report_of(golden_report, {"light": {"go-base": STEADY, "go-new": scattered(1200)}})
    assert full_report.open_loop is not None
    lacking = full_report.open_loop.summaries[0].model_copy(update={"api": "go-new", "unfinished_cells": 2})
    summaries = (lacking, lacking.model_copy(update={"api": "rust"}))
    open_loop = full_report.open_loop.model_copy(update={"summaries": summaries})
    gate = judged(report.model_copy(update={"open_loop": open_loop}))
    assert gate.outcome == "no-answer"
    assert "2 of the two builds' cells are still to be measured" in gate.reasons[0]


@pytest.mark.parametrize(
    ("cells", "said"), [(1, "1 of the two builds' cells is"), (4, "4 of the two builds' cells are")]
)
def test_a_run_that_is_not_finished_gives_no_answer_but_a_regression(golden_report: Report, cells: int, said: str):
    summary = golden_report.summaries[0].model_copy(update={"api": "go-new", "unfinished_cells": cells})
    for throughput, outcome in ((1200, "no-answer"), (800, "regression")):
        report = report_of(golden_report, {"light": {"go-base": STEADY, "go-new": scattered(throughput)}})
        gate = judged(report.model_copy(update={"summaries": (summary, summary.model_copy(update={"api": "rust"}))}))
        assert gate.outcome == outcome
        if outcome == "no-answer":
            assert f"isn't finished: {said} still to be measured" in gate.reasons[0]


def test_the_same_build_twice_is_reported(golden_report: Report):
    report = report_of(golden_report, {"light": {"go-base": STEADY, "go-new": scattered(1000)}})
    assert judged(report).caveats == ()
    one = report.apis[0]
    twice = report.model_copy(update={"apis": tuple(one.model_copy(update={"name": api.name}) for api in report.apis)})
    assert "the same image with the same environment" in judged(twice).caveats[0]
    assert "the same image with the same environment" in render_gate_markdown(judged(twice))


def test_same_that_postgres_made_says_so_but_not_of_cpu_and_memory(golden_report: Report):
    """These are the API's own, whatever PostgreSQL does: so the gate says what the run's report says."""
    report = report_of(golden_report, {"light": {"go-base": STEADY, "go-new": scattered(1000, 0.5)}})
    cells = tuple(cell.model_copy(update={"bound_by": ("postgres",)}) for cell in report.cells)
    gate = judged(report.model_copy(update={"cells": cells}), "throughput", "memory_mean")
    assert gate.reasons[0].startswith("Throughput under light: same, bound by PostgreSQL;")
    assert gate.reasons[1].startswith("Memory of the API under light: same;")


def without_memory(report: Report) -> Report:
    """An API whose memory reads 0 in its last cell."""
    *cells, last = report.cells
    usage = last.usage | {"api": last.usage["api"].model_copy(update={"memory_mean_bytes": 0.0})}
    return report.model_copy(update={"cells": (*cells, last.model_copy(update={"usage": usage}))})


def test_a_measure_without_a_ratio_leaves_the_others_and_is_no_verdict_where_it_is_judged(golden_report: Report):
    report = without_memory(report_of(golden_report, {"light": {"go-base": STEADY, "go-new": scattered(900)}}))
    gate = judged(report)
    assert gate.outcome == "regression"
    measures = {finding.measure for finding in gate.findings}
    assert "cpu_cores" in measures
    assert not {"memory_mean", "requests_per_second_per_mb"} & measures
    with pytest.raises(AnalysisError, match=r"The memory of the API has no ratio there"):
        judged(report, "memory_mean")


def test_the_margin_is_that_of_the_run(golden_report: Report):
    report = report_of(golden_report, {"light": {"go-base": STEADY, "go-new": scattered(950)}})
    assert judged(report).outcome == "regression"
    gate = judged(report.model_copy(update={"margin": 0.1}))
    assert (gate.outcome, gate.margin) == ("passed", 0.1)


def test_a_margin_is_written_with_all_its_digits(golden_report: Report):
    report = report_of(golden_report, {"light": {"go-base": STEADY, "go-new": scattered(950)}})
    gate = judged(report.model_copy(update={"margin": 0.025}))
    assert "the 90% interval lies within 2.5%." in gate_table(gate).note


def test_the_summary_has_the_outcome_its_reasons_and_every_measure(golden_report: Report):
    gate = gate_of(golden_report, scattered(900))
    markdown = render_gate_markdown(gate).replace("\\", "")
    assert markdown.startswith("## Gate: regression: go-new beside go-base")
    assert f"- {gate.reasons[0]}" in markdown
    table = gate_table(gate)
    assert table.rows[0][0].value == "Throughput"
    assert {row[0].detail for row in table.rows} == {"", "reported"}
    assert {len(row) for row in table.rows} == {len(table.columns)}


EXPERIMENTS = 1000 if NIGHTLY else 300
"""As many give the same shares each time, because their seed is fixed; a bound allows for two standard deviations."""


def shares(golden: Report, ratio: float, noise: float, *, loads: int, blocks: int = 10) -> dict[str, float]:
    """How often each outcome comes, by the code that judges a run: cells scatter by `noise`/√2."""
    random = np.random.default_rng(20260131)
    outcomes: list[str] = []
    for _ in range(EXPERIMENTS):
        throughputs = {
            f"load-{load}": {
                api: (level * np.exp(random.normal(0, noise / math.sqrt(2), blocks))).tolist()
                for api, level in (("go-base", 1000.0), ("go-new", 1000.0 * ratio))
            }
            for load in range(loads)
        }
        outcomes.append(judged(report_of(golden, throughputs)).outcome)
    return {outcome: outcomes.count(outcome) / EXPERIMENTS for outcome in set(outcomes)}


@pytest.mark.nightly
def test_a_candidate_that_is_no_different_is_a_regression_in_2_or_3_of_100(golden_report: Report):
    """The family errs in 5 of 100 at most, and as often for the candidate as against it."""
    found = shares(golden_report, 1.0, 0.05, loads=3)
    assert 0.01 <= found["regression"] <= 0.045


def test_reported_blocks_let_a_candidate_without_a_difference_pass(golden_report: Report):
    """In 80 of 100 at least, under three loads at once."""
    loads = {f"load-{load}": {"go-base": STEADY, "go-new": scattered(990, 2.5)} for load in range(3)}
    gate = judged(report_of(golden_report, loads))
    ratio = gate.findings[0].pair.ratio
    assert ratio is not None
    assert ratio.noise is not None
    assert (gate.outcome, gate.tests) == ("cannot-tell", 3)
    assert gate.blocks_needed is not None
    assert gate.blocks_needed.blocks is not None
    assert shares(golden_report, 1.0, ratio.noise, loads=3, blocks=gate.blocks_needed.blocks)["passed"] >= 0.75


def test_a_candidate_that_is_slower_by_the_margin_passes_in_5_of_100(golden_report: Report):
    found = shares(golden_report, 1 / 1.03, 0.015, loads=1)
    assert 0.025 <= found["passed"] <= 0.075


def test_a_candidate_that_is_slower_by_a_tenth_is_found(golden_report: Report):
    found = shares(golden_report, 0.9, 0.05, loads=1)
    assert found["regression"] > 0.95
    assert "passed" not in found
