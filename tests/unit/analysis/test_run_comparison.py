"""Two runs beside each other: verdicts over unpaired blocks, refusals, and the page that says what it can't tell."""

import math
from collections.abc import Collection
from pathlib import Path

import numpy as np
import pytest
from scipy import stats  # pyright: ignore[reportMissingTypeStubs]

from analysis.compare.runs import compare_folders, compare_runs
from analysis.pages.run_comparison import (
    UNLIKE,
    change_tables,
    comparison_heading,
    render_comparison_html,
    render_comparison_markdown,
    write_comparison,
)
from analysis.statistics.comparison import verdict_text
from analysis.statistics.estimates import TwoNoises
from analysis.statistics.inference import holm
from documents.errors import AnalysisError
from documents.report.report import Report
from documents.report.runs import ComparedResult, RunComparison
from tests.unit.analysis.reports import NOISE, Throughputs, report_of, scattered
from tests.unit.analysis.run_builder import golden_run
from tests.unit.analysis.test_hostile_texts import MARKUP
from tests.unit.analysis.test_pages import Page

FIRST, SECOND = "20260131-120000-quick", "20260201-120000-quick"


def compared(
    golden: Report, first: Throughputs, second: Throughputs, *, changed: Collection[str] = ()
) -> RunComparison:
    """`changed` are the APIs that have another image in the second run; the others are controls."""
    before, after = report_of(golden, first, run_id=FIRST), report_of(golden, second, run_id=SECOND)
    apis = [api.model_copy(update={"image_id": "sha256:new"}) if api.name in changed else api for api in after.apis]
    return compare_runs(before, after.model_copy(update={"apis": tuple(apis)}))


def throughput(comparison: RunComparison) -> tuple[ComparedResult, ...]:
    assert comparison.measures[0].measure == "throughput"
    return comparison.measures[0].changes


def the_change(golden: Report, first: list[float], second: list[float]) -> ComparedResult:
    """Of go over a control that always has the same throughput."""
    runs = [{"light": {"go": of_go, "steady": [1000.0] * len(of_go)}} for of_go in (first, second)]
    change, control = throughput(compared(golden, *runs, changed=("go",)))
    assert (control.api, control.ratio) == ("steady", None)
    return change


def test_the_ratio_is_welchs_over_the_blocks_of_both_runs(golden_report: Report):
    before, after = scattered(1000, 3), scattered(1200, 5, (*NOISE, 0.02, -0.02))
    change = the_change(golden_report, before, after)
    expected = stats.ttest_ind(np.log(after), np.log(before), equal_var=False)
    interval = expected.confidence_interval(0.95)
    assert (change.first_blocks, change.second_blocks) == (6, 8)
    assert change.first == pytest.approx(1000)
    assert (change.change, change.ratio) == pytest.approx((1.2, 1.2))
    assert change.interval_95 is not None
    assert change.interval_95.low == pytest.approx(math.exp(float(interval.low)))
    assert change.interval_95.high == pytest.approx(math.exp(float(interval.high)))
    assert change.p_value == change.p_adjusted == pytest.approx(float(expected.pvalue))
    assert change.degrees_of_freedom == pytest.approx(float(expected.df))
    assert (change.verdict, change.better) == ("better", "second")
    assert verdict_text(change, "throughput") == "second run faster"


def test_blocks_of_two_runs_are_not_paired(golden_report: Report):
    """What blocks of the same number happen to share doesn't narrow the interval."""
    noisy = [value * 1.03 for value in scattered(1000, 5)]
    change = the_change(golden_report, scattered(1000, 5), noisy)
    assert change.verdict == "cannot-tell"


def test_nothing_within_the_margin_is_the_same(golden_report: Report):
    change = the_change(golden_report, scattered(1000, 0.5), scattered(1005, 0.5))
    assert (change.verdict, change.better, change.blocks_to_detect) == ("same", None, None)
    assert verdict_text(change, "throughput") == "same"


def test_cannot_tell_reports_how_many_blocks_of_each_run_would(golden_report: Report):
    change = the_change(golden_report, scattered(1000, 4), scattered(1030, 6))
    assert change.verdict == "cannot-tell"
    assert verdict_text(change, "throughput") == "can't tell"
    noise = float(np.std(NOISE, ddof=1))
    noises = TwoNoises(4 * noise, 6 * noise)
    detect, same = change.blocks_to_detect, change.blocks_to_show_same
    assert detect is not None
    assert same is not None
    assert detect.blocks == noises.blocks_to_detect(math.log(1.03), significance=0.05)
    assert same.blocks == noises.blocks_to_show_same(margin=0.03)
    assert 6 < (same.low or 0) < (same.blocks or 0) < (same.high or 0)


def test_holm_corrects_for_all_apis_and_loads_of_a_measure(golden_report: Report):
    calm = {"go": scattered(1000, 4), "rust": scattered(1000, 4), "steady": [1000.0] * len(NOISE)}
    faster = calm | {"rust": scattered(1000 * math.exp(0.06), 4)}
    comparison = compared(
        golden_report,
        {"light": calm, "medium": calm, "heavy": calm},
        {"light": faster, "medium": calm, "heavy": calm},
        changed=("go", "rust"),
    )
    changes = [change for change in throughput(comparison) if change.api != "steady"]
    assert comparison.measures[0].tests == len(changes) == 6
    p_values = np.array([change.p_value for change in changes], dtype=np.float64)
    assert [change.p_adjusted for change in changes] == pytest.approx(holm(p_values).tolist())
    (alone,) = [change for change in changes if (change.scenario, change.api) == ("light", "rust")]
    assert alone.p_value is not None
    assert alone.p_value < 0.05
    assert alone.verdict == "cannot-tell"
    assert the_change(golden_report, calm["rust"], faster["rust"]).verdict == "better"


def test_a_load_without_two_blocks_has_no_verdict_and_stays_in_the_family(golden_report: Report):
    steady = {"steady": [1000.0] * len(NOISE)}
    comparison = compared(
        golden_report,
        {"light": {"go": scattered(1000), **steady}, "heavy": {"go": [1000.0, math.nan], **steady}},
        {"light": {"go": scattered(1300), **steady}, "heavy": {"go": scattered(1000), **steady}},
        changed=("go",),
    )
    light, _, heavy, _ = throughput(comparison)
    assert light.p_value is not None
    assert light.p_adjusted == pytest.approx(2 * light.p_value)
    assert (heavy.verdict, heavy.ratio, heavy.p_value, heavy.first_noise) == ("cannot-tell", None, None, None)
    assert heavy.reason == (
        "The first run has 1 block with valid cells of go and steady under heavy, the second 6 blocks; a comparison "
        "needs 2 of each."
    )


def test_of_two_margins_the_smaller_one_holds(golden_report: Report):
    run = report_of(golden_report, {"light": {"go": scattered(1000), "rust": scattered(1000)}})
    wide = run.model_copy(update={"margin": 0.1})
    assert [compare_runs(*runs).margin for runs in ((run, wide), (wide, run), (wide, wide))] == [0.03, 0.03, 0.1]
    narrow = run.model_copy(update={"margin": 0.025})
    assert "the 90% interval lies within 2.5%." in change_tables(compare_runs(run, narrow))[0].note


def test_an_interval_beyond_all_numbers_has_ends_that_a_document_can_hold(golden_report: Report):
    change = the_change(golden_report, [1e-150, 1e150], [1e150, 1e-150])
    assert change.interval_95 is not None
    assert math.isfinite(change.interval_95.high)
    assert change.interval_95.low > 0


def test_what_only_one_run_has_is_said(golden_report: Report):
    comparison = compared(
        golden_report,
        {"light": {"go": scattered(1), "zig": scattered(1)}, "heavy": {"go": scattered(1)}},
        {"light": {"go": scattered(1), "rust": scattered(1)}},
    )
    assert [(change.api, change.scenario) for change in throughput(comparison)] == [("go", "light")]
    *said, confounded = comparison.notes
    assert confounded.endswith("“lab gate” does.")
    assert said == [
        f"Only {FIRST} has the API zig, so it isn't compared.",
        f"Only {FIRST} has the load heavy, so it isn't compared.",
        f"Only {SECOND} has the API rust, so it isn't compared.",
        *(
            f"The host of {run} has 2 cores and 4 GiB for the lab and is graded “shared”, {golden_report.control}; its "
            "report explains the effect on the numbers."
            for run in (FIRST, SECOND)
        ),
    ]


def both_runs(golden: Report, *, factor: float, changed: Collection[str] = ("go",), zig: float = 1.0) -> RunComparison:
    """Go, Rust and Zig; in the second run all are faster by a factor, and Zig by another one as well."""
    first = {"go": scattered(1000, 0.2), "rust": scattered(3000, -0.2), "zig": scattered(2000, 0.1)}
    second = {api: [value * factor for value in values] for api, values in first.items()}
    second["zig"] = [value * zig for value in second["zig"]]
    return compared(golden, {"light": first}, {"light": second}, changed=changed)


def test_what_changed_for_all_apis_alike_is_no_verdict(golden_report: Report):
    comparison = both_runs(golden_report, factor=1.3)
    assert comparison.controls == ("rust", "zig")
    for change in throughput(comparison):
        assert change.change == pytest.approx(1.3)
        assert change.ratio == pytest.approx(1.0)
        assert change.verdict == "same"
    assert "cancels over the controls, which have the same build in both runs: rust and zig." in comparison.notes[-1]


def test_controls_are_judged_against_each_other(golden_report: Report):
    go, rust, zig = throughput(both_runs(golden_report, factor=1.0, zig=1.21))
    assert go.ratio == pytest.approx(1 / 1.1), "over the geometric mean of both"
    assert rust.ratio == pytest.approx(1 / 1.21)
    assert zig.ratio == pytest.approx(1.21)


def test_without_a_control_there_are_numbers_and_no_verdict(golden_report: Report):
    comparison = both_runs(golden_report, factor=1.3, changed=("go", "rust", "zig"))
    assert comparison.controls == ()
    assert comparison.measures[0].tests == 0
    for change in throughput(comparison):
        assert change.change == pytest.approx(1.3)
        assert (change.ratio, change.interval_95, change.p_value, change.verdict) == (None, None, None, "cannot-tell")
        assert change.reason == f"No other API has the same build in both runs, so {change.api} can't be judged."
    assert "So there is no verdict." in comparison.notes[-1]
    assert "there is no verdict" in change_tables(comparison)[0].note
    assert "faster" not in render_comparison_markdown(comparison)


def test_another_environment_is_another_build(golden_report: Report):
    run = report_of(golden_report, {"light": {"go": scattered(1000), "rust": scattered(1000)}})
    go, rust = run.apis
    second = run.model_copy(update={"apis": (go, rust.model_copy(update={"environment": {"POOL": "64"}}))})
    assert compare_runs(run, second).controls == ("go",)


def test_a_block_without_a_cell_of_a_control_gives_no_ratio(golden_report: Report):
    lacking = [math.nan, *scattered(1000)[1:]]
    first = {"light": {"go": scattered(1000), "rust": lacking}}
    go, _ = throughput(compared(golden_report, first, {"light": {"go": scattered(1000), "rust": scattered(1000)}}))
    assert (go.first_blocks, go.degrees_of_freedom) == (6, 9), "five blocks and six, without any noise"


@pytest.mark.parametrize(("first", "second", "lacks"), [("go", "rust", "API"), ("go", "go", "load")])
def test_runs_without_anything_in_common_are_refused(golden_report: Report, first: str, second: str, lacks: str):
    with pytest.raises(AnalysisError, match=f"have no {lacks} of the same name"):
        compared(golden_report, {"light": {first: scattered(1)}}, {"heavy": {second: scattered(1)}})


def two_runs(folder: Path, *changes: tuple[str, str]) -> tuple[Path, Path]:
    """Two golden runs; in the second one's documents, texts are replaced."""
    first, second = golden_run(folder / "first"), golden_run(folder / "second")
    for name in ("manifest.json", "host.json"):
        text = (second / name).read_text()
        for old, new in ((FIRST, SECOND), *changes):
            text = text.replace(old, new)
        (second / name).write_text(text)
    return first, second


def test_runs_under_the_same_conditions_are_compared_and_their_gaps_reported(tmp_path: Path):
    first, second = two_runs(tmp_path)
    comparison = compare_folders(first, second)
    assert comparison.differences == ()
    assert comparison_heading(comparison) == f"go and rust in {SECOND} and {FIRST}"
    assert {change.change for change in throughput(comparison)} == {1.0}
    assert f"{FIRST} isn't finished: 1 of its cells is still to be measured." in comparison.notes
    assert f"{SECOND} has 1 void cell; its report says why." in comparison.notes
    assert {subject.changed for subject in comparison.subjects} == {()}


def test_the_page_is_written_beside_the_second_run_and_marked(tmp_path: Path):
    first, second = two_runs(tmp_path, ('"1GB"', '"128MB"'))
    page = write_comparison(compare_folders(first, second, anyway=True), second)
    assert page == second / "compared" / f"{FIRST}.html"
    html, markdown = page.read_text(), page.with_suffix(".md").read_text()
    assert f"<title>{UNLIKE}: go and rust" in html
    assert f'<span class="badge shared">{UNLIKE}</span>' in html
    assert markdown.startswith(f"# {UNLIKE}: go and rust")
    for text in (Page(html).text, markdown.replace("\\", "")):
        assert "PostgreSQL setting shared_buffers: 1GB and 128MB" in text
        assert "What changed for all APIs alike cancels" in text
    saved = RunComparison.from_json(page.with_suffix(".json").read_bytes(), name="the comparison")
    assert saved.differences == ("PostgreSQL setting shared_buffers: 1GB and 128MB",)
    # What is in a run's folder beside its own files doesn't trouble its report.
    compare_folders(first, second, anyway=True)


def test_what_comes_from_a_run_is_text_on_the_page_and_nothing_else(tmp_path: Path):
    comparison = compare_folders(*two_runs(tmp_path))
    run = comparison.first.model_copy(update={"run_id": MARKUP, "git_commit": MARKUP})
    hostile = comparison.model_copy(update={"first": run, "differences": (MARKUP,), "notes": (MARKUP,)})
    page = Page(render_comparison_html(hostile))
    assert not {"script", "img"} & set(page.tags)
    assert page.text.count("alert(1)") >= 4
    assert not [line for line in render_comparison_markdown(hostile).splitlines() if line.startswith("# b")]
