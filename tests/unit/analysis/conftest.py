"""Run folders, made once."""

from pathlib import Path

import pytest

from analysis.pages.html import render_html
from analysis.raw.run import read_run
from analysis.report.report import analyse
from documents.report.report import Report
from tests.unit.analysis.claims_builder import BASIC
from tests.unit.analysis.run_builder import COMPARED_THROUGHPUTS, compared_run, golden_run, repeated_run
from tests.unit.analysis.test_open_loop import add_open_loop
from tests.unit.analysis.test_warm_ups import allow_seconds, write_warm_up


@pytest.fixture
def golden_directory(tmp_path: Path) -> Path:
    """The folder of a golden run, which the test may change."""
    return golden_run(tmp_path / "run")


@pytest.fixture(scope="session")
def golden_report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """The report of the golden run."""
    return analyse(read_run(golden_run(tmp_path_factory.mktemp("golden") / "run")))


@pytest.fixture
def repeated_directory(tmp_path: Path) -> Path:
    """The folder of a run with void attempts, which the test may change."""
    return repeated_run(tmp_path / "run")


@pytest.fixture(scope="session")
def repeated_report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """The report of the run with void attempts."""
    return analyse(read_run(repeated_run(tmp_path_factory.mktemp("repeated") / "run")))


@pytest.fixture(scope="session")
def compared_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run with the twin and three APIs of known throughput; which no test may change."""
    return compared_run(tmp_path_factory.mktemp("compared") / "run", throughputs=COMPARED_THROUGHPUTS)


@pytest.fixture(scope="session")
def compared_report(compared_directory: Path) -> Report:
    """The report of that run."""
    return analyse(read_run(compared_directory))


@pytest.fixture(scope="session")
def full_report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """Of a run with void and unfinished cells, a short block, an open loop, warm-ups, knobs and facts."""
    directory = golden_run(tmp_path_factory.mktemp("full") / "run")
    allow_seconds(directory, 30)
    write_warm_up(directory, 1, "steady", 12.5)
    write_warm_up(directory, 7, "never-steady", 30.0)
    add_open_loop(directory)
    return analyse(read_run(directory)).model_copy(update={"building": (BASIC,)})


@pytest.fixture(scope="session")
def full_page(full_report: Report) -> str:
    """The full report as a page; drawing its plots takes seconds."""
    return render_html(full_report)


@pytest.fixture(scope="session")
def compared_page(compared_report: Report) -> str:
    """The report of the run with the twin as a page."""
    return render_html(compared_report)
