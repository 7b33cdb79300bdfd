"""Facts about building in the report: found by image, and named if they are missing."""

from pathlib import Path

import pytest

from analysis.pages.article import building_table
from analysis.raw.run import read_run
from analysis.report.report import analyse, facts_file_name, find_facts, summarise_facts
from documents.errors import DocumentError
from documents.lab.inventory import ApiService
from documents.run.facts import Facts
from documents.run.records import HostRecord, Manifest
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
        analyse(read_run(golden_directory), folder)


def test_a_summary_has_median_and_range():
    facts = summarise_facts(FACTS, IDENTITY)
    assert facts.clean_build_seconds.model_dump() == {"median": 40.0, "least": 39.5, "most": 41.25, "count": 3}
    assert facts.first_answer_seconds.median == pytest.approx(0.03)
    assert facts.engine_seconds.most == 0.5
    assert facts.rest_memory_bytes.median == 8_500_000
    assert (facts.dependencies, facts.build_cpus, facts.same_host) == (2, 8, True)
    assert not summarise_facts(FACTS, IDENTITY.model_copy(update={"kernel": "another"})).same_host


@pytest.mark.usefixtures("go_facts")
def test_facts_of_another_host_are_said_to_be(golden_directory: Path, folder: Path):
    path = folder / facts_file_name(apis_of(golden_directory)["go"])
    other = Facts.from_json(path.read_bytes(), name=path.name).model_copy(update={"host": IDENTITY})
    path.write_text(other.to_json())
    report = analyse(read_run(golden_directory), folder)
    assert "Measured on another host than the run: go." in building_table(report).note
