"""Facts about building in the report: taken in by image, beside the article's claims, and said to be missing."""

from pathlib import Path

import pytest

from analysis.article import LINES, STACKS
from analysis.facts import facts_file_name, find_facts, summarise_facts
from analysis.pages.article import article_table
from analysis.pages.building import building_table, facts_table
from analysis.pages.html import render_html
from analysis.pages.markdown import render_markdown
from analysis.pages.terminal import terminal_tables
from analysis.report import analyse
from documents.errors import DocumentError
from documents.facts import Facts
from documents.inventory import ApiService
from documents.report import Report
from documents.run import HostRecord, Manifest
from tests.unit.documents.samples import FACTS, IDENTITY


def apis_of(run: Path) -> dict[str, ApiService]:
    manifest = Manifest.from_json((run / "manifest.json").read_bytes(), name="manifest.json")
    return {api.name: api for api in manifest.inventory.apis}


def host_of(run: Path) -> HostRecord:
    return HostRecord.from_json((run / "host.json").read_bytes(), name="host.json")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "facts"
    made.mkdir()
    return made


@pytest.fixture
def go_facts(golden_directory: Path, folder: Path) -> Facts:
    """Facts of the golden run's Go image, measured on its host, in the folder."""
    api = apis_of(golden_directory)["go"]
    facts = FACTS.model_copy(
        update={"image_id": api.image_id, "environment": {}, "host": host_of(golden_directory).before}
    )
    (folder / facts_file_name(api)).write_text(facts.to_json())
    return facts


def test_facts_are_found_by_image_and_environment(golden_directory: Path, folder: Path, go_facts: Facts):
    apis = apis_of(golden_directory)
    assert find_facts(folder, apis["go"]) == go_facts
    assert find_facts(folder, apis["rust"]) is None
    assert find_facts(folder, apis["go"].model_copy(update={"environment": {"GOGC": "400"}})) is None
    assert find_facts(folder, apis["go"].model_copy(update={"image_id": "sha256:another"})) is None
    assert find_facts(folder / "nowhere", apis["go"]) is None


def test_a_damaged_document_is_named(golden_directory: Path, folder: Path, go_facts: Facts):
    path = folder / facts_file_name(apis_of(golden_directory)["go"])
    path.write_text(go_facts.to_json().replace('"code_lines": 1668', '"code_lines": "many"'))
    with pytest.raises(DocumentError, match=rf"{path.name} is not a valid Facts document: code_lines"):
        analyse(golden_directory, folder)


def test_a_summary_has_median_and_range():
    facts = summarise_facts(FACTS, IDENTITY)
    assert facts.clean_build_seconds.model_dump() == {"median": 40.0, "least": 39.5, "most": 41.25, "count": 3}
    assert facts.first_answer_seconds.median == pytest.approx(0.03)
    assert facts.engine_seconds.most == 0.5
    assert facts.rest_memory_bytes.median == 8_500_000
    assert (facts.dependencies, facts.build_cpus, facts.same_host) == (2, 8, True)
    assert not summarise_facts(FACTS, IDENTITY.model_copy(update={"kernel": "another"})).same_host


def shown(report: Report, *, brief: bool = False) -> dict[str, list[str]]:
    table = building_table(report, brief=brief)
    return {row[0].value: [cell.value for cell in row[1:]] for row in table.rows}


@pytest.mark.usefixtures("go_facts")
def test_the_facts_stand_beside_the_claims_on_every_page(golden_directory: Path, folder: Path):
    report = analyse(golden_directory, folder)
    rows = shown(report)
    assert [column.title for column in building_table(report).columns] == ["Fact", "go", "rust", "The article"]
    assert rows["Binary, MB"] == ["24.4", "\N{EN DASH}", "Zig's static binary is under 1 MB."]
    assert rows["Clean build, s"][0] == "40.0"
    assert rows["Incremental build, s"][2] == "Rust compiles slowly; Go compiles nearly at once."
    assert rows["Start to first right answer, ms"][:2] == ["30.0", "\N{EN DASH}"]
    assert rows["Dependencies"][0] == "2"
    assert rows["Memory at rest, MB"] == ["8.50", "\N{EN DASH}", "\N{EN DASH}"]
    for page in (render_html(report), render_markdown(report)):
        for said in (
            "Not measured: rust; “lab facts” measures",
            "39.5 to 41.2",
            "1,207 of tests",
            "1,668",
            "on 8 CPUs",
        ):
            assert said in page
        for line in LINES:
            assert line.says.replace("'", "&#39;") in page or line.says in page
    terminal = {table.title: table for table in terminal_tables(report)}["Facts about building"]
    details = {row[0].value: row[0].detail for row in terminal.rows}
    assert details["Binary, MB"] == "article: Zig's static binary is under 1 MB."
    assert details["Image, MB"] == ""
    assert "Not measured: rust" in terminal.note
    assert "Memory at rest: anonymous memory 5 s after that answer" in terminal.note


def test_without_any_facts_the_claims_stand_there_and_the_command_is_named(golden_report: Report, golden_page: str):
    rows = shown(golden_report)
    assert {value for row in rows.values() for value in row[:2]} == {"\N{EN DASH}"}
    assert building_table(golden_report).note.startswith("Not measured: go and rust; “lab facts” measures")
    assert "Rust compiles slowly" in golden_page


@pytest.mark.usefixtures("go_facts")
def test_facts_of_another_host_are_said_to_be(golden_directory: Path, folder: Path):
    path = folder / facts_file_name(apis_of(golden_directory)["go"])
    other = Facts.from_json(path.read_bytes(), name=path.name).model_copy(update={"host": IDENTITY})
    path.write_text(other.to_json())
    report = analyse(golden_directory, folder)
    assert "Measured on another host than the run: go." in building_table(report).note


def test_a_single_repetition_has_no_range():
    once = FACTS.model_copy(
        update={"building": FACTS.building.model_copy(update={"clean_seconds": (40.0,), "incremental_seconds": (3.0,)})}
    )
    table = facts_table([("go", summarise_facts(once, IDENTITY))], LINES, brief=True)
    cells = {row[0].value: row[1] for row in table.rows}
    assert (cells["Clean build, s"].value, cells["Clean build, s"].detail) == ("40.0", "")


def test_the_article_s_table_has_all_its_rows_with_this_run_s_below(golden_report: Report):
    table = article_table(golden_report)
    rows = [[cell.value for cell in row] for row in table.rows]
    assert [row[:2] for row in rows] == [[name, whose] for name in STACKS for whose in ("article", "this run")]
    assert rows[0][2:] == ["55,000", "48,000", "40,000", "30.0", "9.00"]
    assert rows[1][2:4] == ["500", "500"]
    assert rows[3][2:] == ["\N{EN DASH}"] * 5
    assert rows[4][2:] == ["45,000", "38,000", "32,000", "140", "12.0"]
    assert rows[6][2:] == ["28,900", "24,100", "19,800", "180", "89.2"]


def test_a_run_without_the_article_s_loads_has_no_table_of_it(golden_report: Report):
    report = golden_report.model_copy(update={"article": ()})
    assert article_table(report).rows == ()
    assert "The article's table" not in {table.title for table in terminal_tables(report)}
    assert "The article's table" not in render_markdown(report)
