"""Real parts for the tests of the toolchain: the installed engine, and a project of its own for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.toolchain.pulumi_project import PulumiProject, lay_project
from toolchain.console import Step
from toolchain.layout import Layout, project_layout


@pytest.fixture(scope="session")
def installed() -> Layout:
    return project_layout()


@pytest.fixture
def project(tmp_path: Path, installed: Layout) -> Iterator[PulumiProject]:
    root = tmp_path / "project"
    environment = lay_project("probe", root, tmp_path / "home", installed)
    probe = PulumiProject(root, environment)
    probe.must("stack", "init", "probe")
    yield probe
    if probe.run("stack", "ls").returncode == 0:
        probe.run("destroy", "--yes", "--skip-preview")


@pytest.fixture
def step(tmp_path: Path) -> Step:
    return Step("A step", tmp_path / "log" / "setup.log")
