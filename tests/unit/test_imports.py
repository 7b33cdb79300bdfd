"""The one-way road: which room may import which, read from the source without running it; and what no file may name."""

import ast
import importlib.metadata
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Room:
    """What a room may import beside itself and the standard library, packages of the project by their prefix."""

    project: frozenset[str] = frozenset()
    others: frozenset[str] = frozenset()


def _room(project: str = "", others: str = "") -> Room:
    return Room(frozenset(project.split()), frozenset(others.split()))


ROOMS = {
    "__main__": _room("documents.errors lab", "pulumi"),
    "documents": _room("", "pydantic pydantic_core yaml"),
    "lab": _room(
        "apis.contract.seed documents provision", "cryptography pulumi pulumi_aws pulumi_docker pulumi_hcloud yaml"
    ),
    "provision": _room("documents", "cryptography docker paramiko pydantic tenacity"),
    "experiment": _room(
        "analysis apis.contract.checks apis.contract.seed apis.contract.tokens documents provision",
        "httpx numpy pygount tenacity",
    ),
    "analysis": _room("documents", "jinja2 matplotlib numpy ruptures scipy"),
    "apis": _room("documents", "argon2 httpx jwt psycopg pydantic redis tenacity"),
    "cli": _room("analysis apis.contract.checks documents experiment lab provision toolchain", "rich typer"),
    "ci": _room("documents", "httpx pydantic yaml"),
    "toolchain": _room("documents.errors", "google grpc pulumi"),
    "benchmarks": _room("analysis cli documents experiment lab provision", "numpy rich scipy"),
}
"""The table of docs/architecture.md."""

PURE_MODULES = {
    "documents": "datetime ipaddress itertools json re typing",
    "analysis": "collections contextlib csv dataclasses hashlib html io itertools math pathlib re shlex typing",
}
"""Rooms that only compute, with all that they have of the standard library: no host, no network, no clock.

What `analysis` reads are the files of a run, through `pathlib`.
"""

CLOCK = {"now", "utcnow", "today"}

ON_THE_HOST = ("provision/host", "experiment/host")
"""Scripts that run on the host, with nothing but its Python."""

PROGRAM = "provision/host/knobs"
"""Modules that run there as one program."""

IMPLEMENTATION = "src"
"""The folder of an implementation's sources: one in Python imports what its image has, and no room knows it."""

PULUMI = {"pulumi", "pulumi_aws", "pulumi_docker", "pulumi_hcloud"}

EXTRAS = {"pulumi_aws": Path("lab/hosts/aws.py"), "pulumi_hcloud": Path("lab/hosts/hetzner.py")}
"""Packages that not every environment has, each with the one module that imports it."""

COME_WITH = {"google": "pulumi", "grpc": "pulumi", "pydantic_core": "pydantic"}
"""Packages that another one brings and builds upon."""


@dataclass(frozen=True)
class Import:
    """One name that a file imports, in full: ``provision.connection.connect``."""

    path: Path
    line: int
    name: str

    @property
    def top(self) -> str:
        return self.name.partition(".")[0]

    def is_of(self, prefix: str) -> bool:
        return self.name == prefix or self.name.startswith(f"{prefix}.")

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line} imports {self.name}"


@cache
def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def sources(room: str) -> list[Path]:
    single = ROOT / f"{room}.py"
    if single.is_file():
        return [single]
    found = sorted((ROOT / room).rglob("*.py"))
    return [path for path in found if IMPLEMENTATION not in path.relative_to(ROOT).parts]


def imports(path: Path, *, deferred: bool = True) -> Iterator[Import]:
    """What a file imports; without what is deferred, only what is there as soon as the file itself is imported."""
    unseen: list[ast.AST] = [parse(path)]
    while unseen:
        node = unseen.pop()
        if deferred or not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            unseen += reversed([*ast.iter_child_nodes(node)])
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(path, node.lineno, alias.name)
        elif isinstance(node, ast.ImportFrom):
            prefix = f"{'.' * node.level}{node.module or ''}"
            for alias in node.names:
                yield Import(path, node.lineno, f"{prefix}.{alias.name}")


def imports_of(room: str) -> Iterator[Import]:
    for path in sources(room):
        yield from imports(path)


def named(found: list[Import]) -> str:
    return "\n".join(map(str, found))


def module_path(name: str) -> Path | None:
    """The file of a module of the project, or of the module that a name is in."""
    while name:
        for path in (ROOT / f"{name.replace('.', '/')}.py", ROOT / name.replace(".", "/") / "__init__.py"):
            if path.is_file():
                return path
        name = name.rpartition(".")[0]
    return None


def reached_from(start: Path, *, deferred: bool = True) -> set[Path]:
    """The file, and all files of the project that it imports, or imports as soon as it is imported itself."""
    reached: set[Path] = set()
    unseen = [start]
    while unseen:
        path = unseen.pop()
        if path in reached:
            continue
        reached.add(path)
        packages = (ROOT / folder / "__init__.py" for folder in path.relative_to(ROOT).parents)
        unseen += [package for package in packages if package.is_file()]
        for item in imports(path, deferred=deferred):
            if item.top in ROOMS and (found := module_path(item.name)) is not None:
                unseen.append(found)
    return reached


def test_every_folder_with_code_is_a_room_of_the_table():
    folders = {path.parts[0] for path in project_files() if path.suffix == ".py" and len(path.parts) > 1}
    alone = {path.stem for path in project_files() if path.suffix == ".py" and len(path.parts) == 1}
    assert folders | alone == set(ROOMS) | {"tests"}


@pytest.mark.parametrize("room", ROOMS)
def test_room_imports_what_the_table_allows_and_nothing_else(room: str):
    allowed = {room, *ROOMS[room].project, *ROOMS[room].others}
    standard = sys.stdlib_module_names
    found = [
        item
        for item in imports_of(room)
        if item.top not in standard and not any(item.is_of(prefix) for prefix in allowed)
    ]
    assert not found, named(found)


@pytest.mark.parametrize("room", ROOMS)
def test_table_allows_nothing_that_the_room_does_not_use(room: str):
    used = list(imports_of(room))
    idle = {
        prefix for prefix in ROOMS[room].project | ROOMS[room].others if not any(item.is_of(prefix) for item in used)
    }
    assert not idle


@pytest.mark.parametrize("room", [*ROOMS, "tests"])
def test_modules_are_imported_by_their_full_name_and_in_plain_sight(room: str):
    relative = [item for item in imports_of(room) if item.name.startswith(".")]
    assert not relative, named(relative)
    if room == "tests":
        return
    hidden = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sources(room)
        for node in ast.walk(parse(path))
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("__import__", "import_module"))
    ]
    assert not hidden


@pytest.mark.parametrize("room", PURE_MODULES)
def test_room_that_only_computes_has_no_host_no_network_and_no_clock(room: str):
    allowed = PURE_MODULES[room].split()
    found = [item for item in imports_of(room) if item.top in sys.stdlib_module_names and item.top not in allowed]
    assert not found, named(found)
    clocks = [
        f"{path.relative_to(ROOT)}:{node.lineno} asks {ast.unparse(node)}"
        for path in sources(room)
        for node in ast.walk(parse(path))
        if isinstance(node, ast.Attribute) and node.attr in CLOCK
    ]
    assert not clocks


def test_documents_open_no_file():
    opened = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sources("documents")
        for node in ast.walk(parse(path))
        if isinstance(node, ast.Name) and node.id == "open"
    ]
    assert not opened


def test_lab_reaches_a_host_only_from_its_dynamic_resources_and_its_lifecycle():
    for path in sources("lab"):
        reaching = [item for item in imports(path) if item.is_of("provision")]
        if all(item.is_of("provision.build_context") for item in reaching):
            continue
        bases = {
            ast.unparse(base) for node in ast.walk(parse(path)) if isinstance(node, ast.ClassDef) for base in node.bases
        }
        assert "ResourceProvider" in bases or path.is_relative_to(ROOT / "lab/lifecycle"), path


def test_pulumi_is_imported_by_the_declaration_and_its_language_host_alone():
    importers = {
        path.relative_to(ROOT)
        for room in ROOMS
        for path in sources(room)
        if any(item.top in PULUMI for item in imports(path))
    }
    others = {path for path in importers if path.parts[0] != "lab"}
    assert others == {Path("__main__.py"), Path("toolchain/language_host.py")}


def test_lab_command_starts_without_pulumi():
    reached = reached_from(ROOT / "cli/main.py", deferred=False)
    assert ROOT / "lab/lifecycle/engine.py" in reached
    heavy = {*PULUMI, "docker", "pygount"}
    found = [item for path in reached for item in imports(path, deferred=False) if item.top in heavy]
    assert not found, named(found)


def test_what_makes_the_environment_needs_nothing_but_python():
    reached = reached_from(ROOT / "toolchain/bootstrap.py")
    assert len(reached) > 5
    found = [
        item
        for path in reached
        for item in imports(path)
        if item.top not in sys.stdlib_module_names
        and not item.is_of("toolchain")
        and not item.is_of("documents.errors")
    ]
    assert not found, named(found)


def test_scripts_for_the_host_need_nothing_but_its_python():
    scripts = [path for folder in ON_THE_HOST for path in sources(folder)]
    assert len(scripts) > 3
    found = [
        item
        for path in scripts
        for item in imports(path)
        # A program of several modules is laid there whole, and finds its own.
        if item.top not in sys.stdlib_module_names
        and not (path.is_relative_to(ROOT / PROGRAM) and item.is_of(PROGRAM.replace("/", ".")))
    ]
    assert not found, named(found)


def test_only_the_component_of_a_cloud_imports_its_package_and_nothing_imports_that_unasked():
    for package, component in EXTRAS.items():
        importers = {
            path.relative_to(ROOT)
            for room in ROOMS
            for path in sources(room)
            if any(item.top == package for item in imports(path))
        }
        assert importers == {component}
        assert ROOT / component not in reached_from(ROOT / "__main__.py", deferred=False)


def test_no_room_but_the_tests_knows_the_fifth_implementation():
    found = [
        f"{path}:{number}"
        for path in project_files()
        if path.parts[0] not in {"tests", "docs"}
        for number, line in lines_of(path)
        if "tests/fifth" in line or re.search(r"(?i)starlette|asyncpg|uvicorn", line)
    ]
    assert not found


def test_every_package_that_is_imported_is_declared_and_every_declared_one_is_imported():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    declared = {
        re.split(r"[\[<>=~! ;]", line)[0] for line in (*project["dependencies"], *extras["aws"], *extras["hetzner"])
    }
    distributions = importlib.metadata.packages_distributions()
    imported = {
        distributions[COME_WITH.get(item.top, item.top)][0].lower().replace("_", "-")
        for room in ROOMS
        for item in imports_of(room)
        if item.top not in sys.stdlib_module_names and item.top not in ROOMS
    }
    assert imported == declared


@cache
def project_files() -> tuple[Path, ...]:
    """The files of the project, tracked or about to be; relative to its root."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return tuple(Path(name) for name in sorted(listing.split("\0")) if name and (ROOT / name).is_file())


# Put together, so that this file doesn't name them itself.
WORKPLACE = "../" + "shared"
REGISTRIES = tuple(
    f"{host}.{domain}"
    for domain, hosts in {
        "org": "pypi files.pythonhosted proxy.golang sum.golang repo.maven.apache repo1.maven deb.debian ftp.debian",
        "io": "index.crates static.crates registry-1.docker index.docker ghcr quay",
        "com": "archive.ubuntu archive.canonical registry.npmjs registry.hub.docker repo.maven",
    }.items()
    for host in hosts.split()
)
HOME = re.compile(r"(?<![\w.}$-])/" + r"root(?![\w-])")
CHECKOUT = re.compile(r"(?<![\w.}$-])/" + r"work(?![\w-])")
IN_A_CONTAINER = re.compile(r"(^|/)(checks\.)?Dockerfile$|^lab/(images|hosts)/|^tests/(ssh|e2e)/")
"""Files that speak of the file system of a container, where root's home is no one's of this machine."""


def lines_of(path: Path) -> Iterator[tuple[int, str]]:
    content = (ROOT / path).read_bytes()
    if b"\0" not in content:
        yield from enumerate(content.decode("utf-8", "replace").splitlines(), start=1)


def test_no_file_names_the_folder_that_the_project_was_made_beside():
    found = [f"{path}:{number}" for path in project_files() for number, line in lines_of(path) if WORKPLACE in line]
    assert not found


def test_no_file_names_a_package_registry():
    found = [
        f"{path}:{number}: {host}"
        for path in project_files()
        for number, line in lines_of(path)
        for host in REGISTRIES
        if re.search(rf"(?<![\w-]){re.escape(host)}(?![\w-])", line)
    ]
    assert not found


def test_no_file_names_a_path_of_this_machine():
    found = [
        f"{path}:{number}: {line.strip()}"
        for path in project_files()
        for number, line in lines_of(path)
        if CHECKOUT.search(line)
        or (HOME.search(line) and not IN_A_CONTAINER.search(str(path)))
        # A checkout that lies as near to the root as /src would be found in every other path.
        or (len(ROOT.parts) > 2 and f"{ROOT}/" in line)
    ]
    assert not found, "\n".join(found)
