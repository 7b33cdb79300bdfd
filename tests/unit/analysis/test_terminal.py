"""What a terminal ends with after a run: one screen."""

from pathlib import Path

import pytest

from analysis.formatting import MISSING
from analysis.pages.table import Column, Table, TableCell, without_empty
from analysis.pages.terminal import MOST_CAVEATS, MOST_ROWS, headline, screen, terminal_tables
from analysis.raw.run import read_run
from analysis.report.report import analyse
from documents.report.report import Report
from tests.unit.analysis.run_builder import GOLDEN_SCENARIOS, compared_run, write_run

COLUMNS = 80


@pytest.fixture(scope="module", params=["full_report", "golden_report", "repeated_report", "compared_report"])
def report(request: pytest.FixtureRequest) -> Report:
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Report)
    return found


def test_each_caveat_has_a_first_sentence_of_one_line_that_names_no_cell(report: Report):
    cells = [cell.cell_id for cell in report.cells]
    for caveat in report.caveats:
        said = headline(caveat)
        assert caveat.startswith(said.removesuffix("."))
        assert len(f"- {said}") <= COLUMNS, said
        assert not [cell for cell in cells if cell in said]


def test_a_screen_has_the_verdict_under_each_load_and_numbers_of_each_api(report: Report):
    shown = screen(report)
    assert [load.partition(",")[0] for load, _ in shown.verdicts] == [scenario.name for scenario in report.scenarios]
    for table in shown.tables:
        assert {row[0].value for row in table.rows} == {api.name for api in report.apis}
    widths = [len(" ".join(column.heading for column in table.columns)) for table in shown.tables]
    assert widths == sorted(widths, reverse=True)


def test_of_many_apis_the_first_are_shown_and_the_others_counted(tmp_path: Path):
    throughputs = {f"api-{number:02d}": 1000.0 + 50 * number for number in range(MOST_ROWS + 3)}
    report = analyse(read_run(compared_run(tmp_path / "run", throughputs=throughputs, blocks=2, twin=False)))
    rows = screen(report).tables[0].rows
    assert len(rows) == MOST_ROWS + 1
    assert rows[-1][0].value == "and 3 more"
    assert {cell.value for cell in rows[-1][1:]} == {""}


def test_of_many_caveats_the_first_are_shown_and_the_others_counted(golden_report: Report):
    caveats = tuple(f"Caveat {number}. Its details." for number in range(MOST_CAVEATS + 3))
    shown = screen(golden_report.model_copy(update={"caveats": caveats})).caveats
    assert shown == (*(f"Caveat {number}." for number in range(MOST_CAVEATS)), "and 3 more")
    assert "more" not in screen(golden_report.model_copy(update={"caveats": caveats[:MOST_CAVEATS]})).caveats[-1]


def test_a_run_without_a_valid_cell_has_a_verdict_and_no_table(tmp_path: Path):
    write_run(tmp_path / "run", apis=("go", "rust"), scenarios=GOLDEN_SCENARIOS, blocks=2)
    shown = screen(analyse(read_run(tmp_path / "run")))
    assert {verdict for _, verdict in shown.verdicts} == {"Nothing can be ranked."}
    assert shown.tables == ()


def test_rows_and_columns_without_a_value_are_left_out():
    cells = [["go", "1", MISSING], ["zig", "", MISSING], ["rust", "2", ""]]
    table = Table(
        title="",
        note="",
        columns=tuple(map(Column, ("API", "first", "second"))),
        rows=tuple(tuple(map(TableCell, row)) for row in cells),
    )
    kept = without_empty(table)
    assert [column.title for column in kept.columns] == ["API", "first"]
    assert [[cell.value for cell in row] for row in kept.rows] == [["go", "1"], ["rust", "2"]]


def test_facts_that_were_not_measured_are_one_line(compared_report: Report):
    *_, facts = terminal_tables(compared_report)
    assert facts.rows == ()
    assert facts.note == "Not measured: rust, zig and go; “lab facts” measures what is missing."
