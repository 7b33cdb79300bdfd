"""Real parts for the tests of the toolchain: the installed engine, and a project for it."""

from pathlib import Path

import pytest

from tests.unit.toolchain.pulumi_project import PulumiProject, lay_project
from toolchain.console import Step
from toolchain.layout import Layout, project_layout


@pytest.fixture(scope="session")
def installed() -> Layout:
    return project_layout()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, installed: Layout) -> PulumiProject:
    """A project whose stack each test leaves empty."""
    root = tmp_path_factory.mktemp("pulumi") / "project"
    environment = lay_project("probe", root, root.parent / "home", installed)
    probe = PulumiProject(root, environment)
    probe.must("stack", "init", "probe")
    return probe


@pytest.fixture
def step(tmp_path: Path) -> Step:
    return Step("A step", tmp_path / "log" / "setup.log")
