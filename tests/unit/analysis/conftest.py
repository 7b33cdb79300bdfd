"""Run folders, made once."""

from pathlib import Path

import pytest

from analysis.report import analyse
from documents.report import Report
from tests.unit.analysis.run_builder import COMPARED_THROUGHPUTS, compared_run, golden_run, repeated_run


@pytest.fixture
def golden_directory(tmp_path: Path) -> Path:
    """A golden run's folder of one's own, to be changed at will."""
    return golden_run(tmp_path / "run")


@pytest.fixture(scope="session")
def golden_report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """The report of the golden run."""
    return analyse(golden_run(tmp_path_factory.mktemp("golden") / "run"))


@pytest.fixture
def repeated_directory(tmp_path: Path) -> Path:
    """The folder of a run with void attempts, to be changed at will."""
    return repeated_run(tmp_path / "run")


@pytest.fixture(scope="session")
def repeated_report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """The report of the run with void attempts."""
    return analyse(repeated_run(tmp_path_factory.mktemp("repeated") / "run"))


@pytest.fixture(scope="session")
def compared_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run with the twin and three APIs of known throughput; not to be changed."""
    return compared_run(tmp_path_factory.mktemp("compared") / "run", throughputs=COMPARED_THROUGHPUTS)


@pytest.fixture(scope="session")
def compared_report(compared_directory: Path) -> Report:
    """The report of that run."""
    return analyse(compared_directory)
