"""Runs over time: groups of comparable runs, changes that A/A explains, and the page."""

import json
import math
import re
from pathlib import Path

import pytest

from analysis.compare.history import read_history
from analysis.pages.history import (
    BARS,
    history_tables,
    render_history_html,
    sparkline,
    why_apart,
)
from analysis.raw.run import read_run
from analysis.report.report import analyse
from analysis.statistics.estimates import RunNoise, explained_change
from analysis.statistics.inference import t_quantile
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


def test_a_change_is_outside_where_the_twins_of_both_runs_do_not_explain_it(tmp_path: Path):
    # The base is the twin in half of the blocks, the candidate in the others.
    runs = [run_of_day(tmp_path, day, STEADY, base=base) for day, base in ((1, 500.0), (2, 500.0), (3, 600.0))]
    history = read_history(runs)
    points = series_of(history, BASE).points
    assert [point.outside for point in points] == [None, False, True]
    assert points[2].change == pytest.approx(1.2, rel=1e-4)
    # Its own cells, too, are equal to the last bit, so any change is more than its twins show.
    assert points[2].noise == pytest.approx(1.0)


def test_what_scatters_in_the_twins_explains_a_change(tmp_path: Path):
    def found(
        folder: Path, twins: tuple[float, ...], *, bases: tuple[float, ...] = (500.0, 550.0)
    ) -> tuple[list[bool | None], float | None, float]:
        runs = [run_of_day(folder, day, STEADY, base=base, twins=twins) for day, base in enumerate(bases, start=1)]
        points = series_of(read_history(runs), BASE).points
        noises = [noise_of(run) for run in runs]
        return [point.outside for point in points], points[1].noise, explained_change(*noises)

    outside, noise, expected = found(tmp_path / "quiet", (1.01, 0.99, 1.01, 0.99))
    assert outside == [None, True]
    assert noise == pytest.approx(expected)
    assert 1 < expected < 1.1
    outside, _, _ = found(tmp_path / "fallen", (1.01, 0.99, 1.01, 0.99), bases=(550.0, 500.0))
    assert outside == [None, True]
    outside, noise, expected = found(tmp_path / "noisy", (1.2, 0.8, 1.2, 0.8))
    assert outside == [None, False]
    assert noise == pytest.approx(expected)
    assert expected > 1.1


def noise_of(run: Path) -> RunNoise:
    [comparison] = [one for one in analyse(read_run(run)).comparisons if one.measure == "throughput"]
    [twin] = comparison.twins
    assert twin.ratio is not None
    assert twin.ratio.noise is not None
    return RunNoise(twin.ratio.noise, twin.blocks, 4)


def test_the_change_that_is_explained_is_that_of_the_formula():
    first, second = RunNoise(0.1, 5, 10), RunNoise(0.2, 9, 4)
    # Variances of a mean: 0.01/2/10 and 0.04/2/4.
    a, b = 0.0005, 0.005
    freedom = (a + b) ** 2 / (a**2 / 4 + b**2 / 8)
    expected = math.exp(t_quantile(0.975, freedom) * math.sqrt(a + b))
    assert explained_change(first, second) == pytest.approx(expected)
    assert explained_change(RunNoise(0.0, 2, 2), RunNoise(0.0, 2, 2)) == 1.0


def test_too_few_twins_explain_no_change(tmp_path: Path):
    runs = [run_of_day(tmp_path, day, (500.0,), base=base) for day, base in ((1, 500.0), (2, 900.0))]
    history = read_history(runs)
    point = series_of(history, BASE).points[1]
    assert (point.noise, point.outside) == (None, None)
    assert point.change == pytest.approx(1.8, rel=1e-4)
    assert "too few twins" in history_tables(history)[0].rows[0][-1].detail


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
    assert "beyond A/A" in text
    ids = re.findall(r' id="([^"]+)"', text)
    assert len(set(ids)) == len(ids)


def test_what_comes_from_a_run_is_escaped(tmp_path: Path):
    run = run_of_day(tmp_path, 1, STEADY)
    change(run, "manifest.json", git_commit="<b>x</b>")
    text = render_history_html(read_history([run]))
    assert "<b>x" not in text
    assert "&lt;b&gt;x" in text
