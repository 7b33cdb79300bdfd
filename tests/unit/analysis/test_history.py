"""Runs over time: groups of comparable runs, changes over the controls, and the page."""

import json
import re
from pathlib import Path

import pytest

from analysis.compare.history import read_history
from analysis.compare.runs import compare_folders
from analysis.pages.history import (
    BARS,
    history_tables,
    render_history_html,
    sparkline,
    why_apart,
)
from analysis.raw.run import read_run
from analysis.report.report import analyse
from documents.report.runs import History, HistorySeries
from tests.unit.analysis.history_builder import change, change_inventory, run_of_day
from tests.unit.analysis.pair_run import BASE, CANDIDATE

STEADY = (500.0, 505.0, 495.0, 500.0)


def series_of(history: History, api: str, *, group: int = 0) -> HistorySeries:
    [found] = [series for series in history.groups[group].series if series.api == api]
    return found


def test_points_are_those_of_the_reports_in_the_order_of_time(tmp_path: Path):
    runs = [run_of_day(tmp_path, day, (400.0 + day,) * 4) for day in (3, 1, 2)]
    history = read_history(runs)
    assert history.left_out == ()
    [group] = history.groups
    assert [run.run_id[:8] for run in group.runs] == ["20260101", "20260102", "20260103"]
    assert group.differences == ()
    points = series_of(history, CANDIDATE).points
    for point, run in zip(points, sorted(runs), strict=True):
        [measured] = [one.measured for one in analyse(read_run(run)).summaries if one.api == CANDIDATE]
        assert measured is not None
        assert (point.throughput, point.p99_us, point.blocks) == (measured.throughput, measured.raw.p99_us, 4)
    assert points[0].change is None
    assert points[1].change == pytest.approx(402 / 401, rel=1e-4)


def test_a_change_is_judged_over_the_apis_with_the_same_build(tmp_path: Path):
    runs = [run_of_day(tmp_path, day, STEADY, base=base) for day, base in ((1, 500.0), (2, 500.0), (3, 600.0))]
    history = read_history(runs)
    first, second, third = series_of(history, BASE).points
    assert (first.change, first.ratio, first.verdict) == (None, None, None)
    assert second.verdict == "cannot-tell"
    assert (third.change, third.ratio) == pytest.approx((1.2, 1.2), rel=1e-4)
    assert third.verdict == "better"
    [result] = [
        result
        for result in compare_folders(runs[1], runs[2]).measures[0].changes
        if (result.api, result.scenario) == (BASE, "light")
    ]
    assert (third.ratio, third.interval, third.verdict) == (result.ratio, result.interval, result.verdict)


def test_what_changed_for_all_apis_alike_is_no_change(tmp_path: Path):
    faster = tuple(1.2 * value for value in STEADY)
    runs = [run_of_day(tmp_path, 1, STEADY), run_of_day(tmp_path, 2, faster, base=600.0)]
    for api in (BASE, CANDIDATE):
        point = series_of(read_history(runs), api).points[1]
        assert point.change == pytest.approx(1.2, rel=1e-4)
        assert point.ratio == pytest.approx(1.0, rel=1e-4)
        assert point.verdict == "cannot-tell"


def test_without_a_control_a_change_has_no_verdict(tmp_path: Path):
    runs = [run_of_day(tmp_path, day, STEADY, base=base) for day, base in ((1, 500.0), (2, 900.0))]
    apis = json.loads((runs[0] / "manifest.json").read_text())["inventory"]["apis"]
    change_inventory(runs[1], apis=[api | {"image_id": "sha256:new"} for api in apis])
    history = read_history(runs)
    point = series_of(history, BASE).points[1]
    assert (point.ratio, point.interval, point.verdict) == (None, None, None)
    assert point.change == pytest.approx(1.8, rel=1e-4)
    assert history_tables(history)[0].rows[0][-1].detail == "1 change not judged"


def test_runs_under_other_conditions_are_a_group_of_their_own_that_says_why(tmp_path: Path):
    runs = [run_of_day(tmp_path, day, STEADY) for day in (1, 2, 3)]
    inventory = json.loads((runs[0] / "manifest.json").read_text())["inventory"]
    postgres = inventory["postgres"] | {"settings": {"work_mem": "64MB"}}
    change_inventory(runs[1], postgres=postgres)
    history = read_history(runs)
    assert [[run.run_id[:8] for run in group.runs] for group in history.groups] == [
        ["20260101", "20260103"],
        ["20260102"],
    ]
    assert any("work_mem" in difference for difference in history.groups[1].differences)
    assert "work_mem" in why_apart(history.groups[1])
    assert why_apart(history.groups[0]) == ""
    points = series_of(history, BASE).points
    assert len(points) == 2, "a change skips what can't be compared"


def test_another_image_of_an_api_is_the_subject_and_stays_in_the_group(tmp_path: Path):
    runs = [run_of_day(tmp_path, day, STEADY) for day in (1, 2)]
    apis = json.loads((runs[0] / "manifest.json").read_text())["inventory"]["apis"]
    change_inventory(runs[1], apis=[api | {"image_id": "sha256:new"} for api in apis])
    [group] = read_history(runs).groups
    assert [point.image_id for point in group.series[0].points] == [apis[0]["image_id"], "sha256:new"]


def test_runs_that_can_not_be_drawn_are_reported_with_the_reason(tmp_path: Path):
    good, broken, open_end, lacking = (run_of_day(tmp_path, day, STEADY) for day in (1, 2, 3, 4))
    (broken / "plan.json").write_text("{}")
    change(open_end, "host.json", after=None)
    (next(lacking.glob("cells/*")) / "cell.json").unlink()
    history = read_history([good, broken, open_end, lacking])
    assert [run.run_id for group in history.groups for run in group.runs] == [good.name]
    reasons = {run.run_id: run.why for run in history.left_out}
    assert "plan.json is not a valid Plan" in reasons[broken.name]
    assert "isn't finished" in reasons[open_end.name]
    assert "isn't finished" in reasons[lacking.name]
    assert f"{open_end.name}: It isn&#39;t finished." in render_history_html(history)


@pytest.mark.parametrize(
    ("values", "bars"),
    [((1.0,), "▄"), ((5.0, 5.0), "▄▄"), ((0.0, 7.0, 3.5), "▁█▅"), (tuple(map(float, range(8))), BARS)],
)
def test_a_sparkline_goes_from_the_least_to_the_greatest(values: tuple[float, ...], bars: str):
    assert sparkline(values) == bars


def test_the_page_is_whole_without_script_or_network_and_its_plots_are_in_words(tmp_path: Path):
    runs = [run_of_day(tmp_path, day, STEADY, base=base) for day, base in ((1, 500.0), (2, 900.0))]
    text = render_history_html(read_history(runs))
    assert text == render_history_html(read_history(runs)), "the same runs give the same bytes"
    assert "<script" not in text
    assert not re.search(r'(src|href)="https?:', text)
    plots = dict(re.findall(r"<title id=[^>]+>([^<]+)</title><desc id=[^>]+>([^<]+)</desc>", text))
    assert [*plots] == ["Throughput over runs at light, group 1", "p99 latency over runs at light (raw), group 1"]
    assert "go-base 500, 900 requests/s" in plots["Throughput over runs at light, group 1"]
    assert "prefers-color-scheme" in text
    assert "var(--series-0)" in text
    assert ">faster<" in text
    ids = re.findall(r' id="([^"]+)"', text)
    assert len(set(ids)) == len(ids)


def test_what_comes_from_a_run_is_escaped(tmp_path: Path):
    run = run_of_day(tmp_path, 1, STEADY)
    change(run, "manifest.json", git_commit="<b>x</b>")
    text = render_history_html(read_history([run]))
    assert "<b>x" not in text
    assert "&lt;b&gt;x" in text
