"""A run that varies APIs: each variant's numbers by its own layout, and what the report says that it is."""

from dataclasses import replace
from pathlib import Path

import pytest

from analysis.compare.conditions import Conditions, differences
from analysis.pages.article import building_table
from analysis.pages.html import render_html
from analysis.pages.markdown import render_markdown
from analysis.pages.run import grade_meaning, in_short, variant_words, watch_table
from analysis.raw.run import read_run
from analysis.report.report import analyse
from documents.report.report import Report
from documents.run.protocol import OpenLoop, Protocol, Variant
from documents.stack.stack import Cores
from experiment.planning.subjects import subjects_of, with_subjects
from tests.unit.experiment.fake_bench import INVENTORY, LAYOUT, PROTOCOL, FakeBench
from tests.unit.experiment.loop_runs import begin

POOL = Variant(name="pool-16", environment={"DB_POOL_SIZE": "16"})
LARGE = Variant(name="large", postgres={"work_mem": "64MB"})
WIDE = Variant(name="wide", cores=Cores(api="0-2", postgres="3", system="5", generator="4"))
SHARING = Variant(name="sharing", cores=Cores(api="0-2", postgres="3", system="5", generator="2"), apis=("go",))
SPLIT = Variant(name="split", cores=Cores(api="0-2", postgres="3", system="3", generator="4"))
AS_DECLARED = Variant(name="as-declared")


def varied(*variants: Variant) -> Protocol:
    return PROTOCOL.model_copy(update={"apis": ("go",), "vary": variants})


def report_of(folder: Path, *variants: Variant, open_loop: OpenLoop | None = None) -> Report:
    protocol = varied(*variants).model_copy(update={"open_loop": open_loop})
    return analyse(read_run(begin(FakeBench(), folder, protocol=protocol)))


def test_each_variant_is_a_subject_of_the_report_with_ranks_and_pairs(tmp_path: Path):
    report = report_of(tmp_path, POOL, LARGE, AS_DECLARED)
    names = ["go-pool-16", "go-large", "go-as-declared"]
    assert [api.name for api in report.apis] == names
    assert {summary.api for summary in report.summaries} == set(names)
    [throughput] = [one for one in report.comparisons if one.measure == "throughput"]
    assert {frozenset((pair.first, pair.second)) for pair in throughput.pairs} == {
        frozenset((first, second)) for first in names for second in names if first != second
    }
    for text in (render_markdown(report), render_html(report)):
        assert all(name in text for name in names)
        assert "go-pool-16 is go with DB_POOL_SIZE=16." in text.replace("\\", "")


def test_variants_are_counted_as_such_and_have_no_facts_about_building(tmp_path: Path):
    alone = report_of(tmp_path / "alone", POOL, LARGE)
    assert in_short(alone).startswith("2 variants, ")
    assert building_table(alone).rows == ()
    assert "Facts about building" not in render_html(alone)
    of_go = POOL.model_copy(update={"apis": ("go",)})
    beside = analyse(read_run(begin(FakeBench(), tmp_path, protocol=varied(of_go).model_copy(update={"apis": ()}))))
    assert " and 1 variant, " in in_short(beside)
    assert "go-pool-16" not in {column.title for column in building_table(beside).columns}


def test_the_words_say_what_each_is(tmp_path: Path):
    report = report_of(tmp_path, POOL, LARGE, WIDE, AS_DECLARED)
    [words] = variant_words(report)
    assert "go-pool-16 is go with DB_POOL_SIZE=16." in words
    assert "go-large is go with PostgreSQL's work_mem at 64MB." in words
    assert "go-wide is go on other CPUs (API 0,1,2, PostgreSQL 3, Redis 5, generator 4, system 5)." in words
    assert "go-as-declared is go as declared." in words
    assert "PostgreSQL was restarted for each cell" in words
    [known] = variant_words(report.model_copy(update={"postgres_settings": {"work_mem": "8MB"}}))
    assert "PostgreSQL's work_mem at 64MB instead of 8MB" in known


def test_numbers_of_a_cell_go_by_the_layout_of_its_variant(tmp_path: Path):
    report = report_of(tmp_path, POOL, WIDE, open_loop=OpenLoop(scenario="heavy", shares=(0.5,), seconds=2, blocks=1))
    by_api = {cell.api: cell for cell in report.cells}
    assert len(LAYOUT.generator) == 2
    assert by_api["go-wide"].generator_saturation == pytest.approx(2 * by_api["go-pool-16"].generator_saturation)
    assert report.open_loop is not None
    at_rate = {cell.api: cell.generator_saturation for cell in report.open_loop.cells}
    assert at_rate["go-wide"] == pytest.approx(2 * at_rate["go-pool-16"])
    watched = watch_table(report)
    place = [column.title for column in watched.columns].index("Generator's CPUs")
    shown = {row[0].value: row[place].value.count("%") for row in watched.rows}
    assert (shown[by_api["go-pool-16"].cell_id], shown[by_api["go-wide"].cell_id]) == (2, 1)
    run = read_run(next(tmp_path.iterdir()))
    wide = next(cell for cell in run.closed_cells if cell.api == "go-wide")
    files = run.cell_files(wide, run.records[wide.id]).watched
    assert files is not None
    assert files.cores.api == (0, 1, 2)


def test_the_worst_layout_grades_the_host_and_the_caveat_names_whose_it_is(tmp_path: Path):
    assert report_of(tmp_path / "alone", POOL, WIDE).grade == "smaller"
    report = report_of(tmp_path / "shared", POOL, SHARING)
    assert report.grade == "shared"
    [caveat] = [text for text in report.caveats if "shares CPUs" in text]
    assert caveat.startswith("The load generator shares CPUs with what it measures.")
    assert caveat.endswith(" in the cells of go-sharing.")


def test_the_grade_says_that_roles_share_cpus_in_one_variant_alone(tmp_path: Path):
    apart = report_of(tmp_path / "apart", POOL, WIDE)
    assert (apart.grade, apart.cores.shared) == ("smaller", False)
    assert "every role still has CPUs of its own" in grade_meaning(apart)
    split = report_of(tmp_path / "split", POOL, SPLIT)
    assert (split.grade, split.cores.shared) == ("smaller", False)
    assert grade_meaning(split).startswith("The load generator has CPUs of its own, but other roles share theirs.")


def conditions(folder: Path, *variants: Variant) -> Conditions:
    run = read_run(begin(FakeBench(), folder, protocol=varied(*variants)))
    return Conditions(run.manifest.model_copy(update={"run_id": folder.name}), run.host)


def with_variants(run: Conditions, *variants: Variant) -> Conditions:
    """The same run by another protocol."""
    protocol = varied(*variants)
    subjects = subjects_of(INVENTORY, protocol, (), lambda: tuple((cpu,) for cpu in range(6)))
    manifest = run.manifest.model_copy(update={"protocol": protocol, "inventory": with_subjects(INVENTORY, subjects)})
    return replace(run, manifest=manifest)


def test_two_runs_of_a_variant_are_compared_where_what_is_below_it_is_the_same(tmp_path: Path):
    run = conditions(tmp_path, POOL, LARGE, WIDE)
    assert differences(run, run) == ()
    other_pool = POOL.model_copy(update={"environment": {"DB_POOL_SIZE": "24"}})
    assert differences(run, with_variants(run, other_pool, LARGE)) == (), "an environment is what is compared"
    larger = LARGE.model_copy(update={"postgres": {"work_mem": "1GB"}})
    assert differences(run, with_variants(run, larger, WIDE)) == (
        "PostgreSQL setting work_mem of go-large: 64MB and 1GB",
    )
    wider = WIDE.model_copy(update={"cores": Cores(api="0-1", postgres="2-3", system="5", generator="4")})
    assert differences(run, with_variants(run, LARGE, wider)) == (
        "CPUs of api of go-wide: 0,1,2 and 0,1",
        "CPUs of postgres of go-wide: 3 and 2,3",
    )
    assert differences(run, with_variants(run, POOL, WIDE)) == ("PostgreSQL restarted for each cell: yes and no",)
