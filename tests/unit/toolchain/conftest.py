"""Real parts for the tests of the toolchain: the installed engine, and a project of its own for each test."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.toolchain.pulumi_project import PulumiProject
from toolchain import files
from toolchain.console import Step
from toolchain.layout import Layout, project_layout


@pytest.fixture(scope="session")
def installed() -> Layout:
    return project_layout()


@pytest.fixture
def project(tmp_path: Path, installed: Layout) -> Iterator[PulumiProject]:
    root = tmp_path / "project"
    home = tmp_path / "home"
    (root / "state").mkdir(parents=True)
    (root / "passphrase").write_text("correct horse")
    (root / "Pulumi.yaml").write_text(
        "name: probe\nruntime:\n  name: python\n  options:\n"
        f"    virtualenv: {os.path.relpath(installed.environment, root)}\n"
    )
    # Whatever is installed in the environment, the engine looks for its plugin.
    files.place(installed.docker_plugin, home / installed.docker_plugin.relative_to(installed.pulumi_home))
    environment = os.environ | installed.pulumi_environment()
    environment |= {
        "PULUMI_HOME": str(home),
        "PULUMI_BACKEND_URL": f"file://{root}/state?metadata=skip",
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(root / "passphrase"),
    }
    environment.pop("PULUMI_CONFIG_PASSPHRASE", None)
    probe = PulumiProject(root, environment)
    probe.must("stack", "init", "probe")
    yield probe
    if probe.run("stack", "ls").returncode == 0:
        probe.run("destroy", "--yes", "--skip-preview")


@pytest.fixture
def step(tmp_path: Path) -> Step:
    return Step("A step", tmp_path / "log" / "setup.log")
