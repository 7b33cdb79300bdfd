"""The one-way road: the contracts in pyproject.toml hold, and each room imports the packages that it may."""

import ast
import importlib.metadata
import itertools
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import grimp
import pytest

from lab.hosts.cloud import CLOUDS
from tests.conftest import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
ROOMS: list[str] = PROJECT["tool"]["importlinter"]["root_packages"]

PACKAGES = {
    "analysis": "jinja2 matplotlib numpy ruptures scipy",
    "apis": "argon2 h11 jwt psycopg pydantic redis",
    "benchmarks": "numpy rich scipy",
    "ci": "httpx pydantic yaml",
    "cli": "rich typer",
    "documents": "pydantic pydantic_core yaml",
    "experiment": "httpx numpy pygount tenacity",
    "lab": "cryptography pulumi pulumi_aws pulumi_docker pulumi_hcloud yaml",
    "provision": "cryptography docker paramiko pydantic tenacity",
    "toolchain": "google grpc pulumi",
}
"""What each room imports beside the project and the standard library: the table of docs/architecture.md."""

STANDARD = {
    "analysis": "collections contextlib csv dataclasses functools hashlib html io itertools math pathlib re shlex "
    "typing",
    "documents": "collections datetime inspect ipaddress itertools json re typing",
}
"""All that the rooms that only compute have of the standard library: no host, no network, no clock."""

FILES = "documents.files"
"""The one module of these rooms that writes files."""

COME_WITH = {"google": "pulumi", "grpc": "pulumi", "pydantic_core": "pydantic"}
"""Packages that another one brings."""


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(*ROOMS, include_external_packages=True, cache_dir=None)


def imported(graph: grimp.ImportGraph, room: str) -> set[str]:
    """The top-level names that a room imports."""
    modules = [name for name in graph.modules if name.partition(".")[0] == room and name != FILES]
    return {found.partition(".")[0] for name in modules for found in graph.find_modules_directly_imported_by(name)}


def lint(folder: Path) -> "subprocess.CompletedProcess[str]":
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache", "--config", ROOT / "pyproject.toml"]
    environment = os.environ | {"PYTHONPATH": str(folder)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_no_room_imports_what_its_contracts_forbid():
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout


def test_an_import_against_the_road_breaks_a_contract(tmp_path: Path):
    for room in ROOMS:
        folder = room.replace(".", "/")
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    with (tmp_path / "analysis/report/report.py").open("a") as module:
        module.write("import provision.ssh.connection\n")
    done = lint(tmp_path)
    assert done.returncode == 1
    assert "analysis.report.report -> provision.ssh.connection" in done.stdout


def test_each_room_imports_its_packages_and_no_others(graph: grimp.ImportGraph):
    for room, packages in PACKAGES.items():
        assert imported(graph, room) - sys.stdlib_module_names - PACKAGES.keys() == {*packages.split()}, room


@pytest.mark.parametrize("room", STANDARD)
def test_rooms_that_compute_have_no_host_no_network_and_no_clock(graph: grimp.ImportGraph, room: str):
    assert imported(graph, room) & sys.stdlib_module_names <= {*STANDARD[room].split()}
    forbidden = r"\.(now|utcnow|today)\b" if room == "analysis" else r"\.(now|utcnow|today)\b|\bopen\("
    paths = {*(ROOT / room).rglob("*.py")} - {ROOT / f"{FILES.replace('.', '/')}.py"}
    assert not [path for path in paths if re.search(forbidden, path.read_text())]


def test_what_makes_the_environment_needs_nothing_but_python(graph: grimp.ImportGraph):
    upstream = {name.partition(".")[0] for name in graph.find_upstream_modules("toolchain.bootstrap")}
    assert upstream - sys.stdlib_module_names == {"documents", "toolchain"}


def test_scripts_for_the_host_need_nothing_but_its_python():
    for path in (ROOT / "provision/payload").glob("[a-z]*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert all(is_standard(name) for name in names), path


def is_standard(name: str) -> bool:
    return name.partition(".")[0] in sys.stdlib_module_names


@pytest.mark.parametrize(
    ("program", "unneeded"),
    [
        ("cli.main", ["pulumi", "docker", "pygount"]),
        ("lab.components.lab", [cloud.package.replace("-", "_") for cloud in CLOUDS.values()]),
    ],
)
def test_programs_start_without_what_they_may_not_need(program: str, unneeded: list[str]):
    code = f"import sys, {program}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not {*unneeded} & {*done.stdout.split()}


def test_every_package_that_is_imported_is_declared_and_every_declared_one_is_imported():
    project = PROJECT["project"]
    extras = (lines for name, lines in project["optional-dependencies"].items() if name != "work")
    lines = (*project["dependencies"], *itertools.chain.from_iterable(extras))
    distributions = importlib.metadata.packages_distributions()
    names = {COME_WITH.get(name, name) for packages in PACKAGES.values() for name in packages.split()}
    assert {distributions[name][0].lower().replace("_", "-") for name in names} == {
        re.split(r"[\[<>=~! ;]", line)[0] for line in lines
    }
