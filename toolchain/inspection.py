"""The state of the toolchain, for `lab doctor`."""

import importlib.metadata
import platform
import shlex
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from documents.errors import ToolchainError
from toolchain import apt, docker_engine, pulumi_tools, python_environment, state
from toolchain.layout import DEFAULT_STACK, Layout, project_layout
from toolchain.versions import VERSIONS

Origin = Literal["official", "built", "debian", "pypi", "machine", "made", "missing"]
"""Where a piece comes from: the vendor, built here from its sources, a system package, PyPI, already on this machine,
or made by the lab for itself."""


@dataclass(frozen=True)
class Finding:
    """One piece of the toolchain.

    Attributes:
        name: what it is.
        path: where it was found; None if it wasn't.
        version: its own version; None if it has none or is missing.
        origin: where it comes from.
        remedy: what to do if something is wrong; None if nothing is.
        required: whether the lab needs it; what only the tests need isn't.
    """

    name: str
    path: Path | None
    version: str | None
    origin: Origin
    remedy: str | None = None
    required: bool = True

    @property
    def good(self) -> bool:
        """Whether nothing has to be done."""
        return self.remedy is None


def inspect(layout: Layout | None = None) -> tuple[Finding, ...]:
    """Inspect every piece, in less than two seconds, and change nothing."""
    checkout = layout or project_layout()
    return (
        Finding("python", Path(sys.executable), platform.python_version(), "machine"),
        _environment(checkout),
        _engine(checkout),
        _language_host(checkout),
        _placed("pulumi language host executor", pulumi_tools.EXECUTOR, checkout),
        _placed("pulumi dynamic provider launcher", pulumi_tools.DYNAMIC_PROVIDER, checkout),
        _docker_plugin(checkout),
        _docker(),
        _state(checkout),
        *(_package(package, remedy="make setup", required=True) for package in (apt.DOCKER_CLIENT, *apt.LAB)),
        *(_package(package, remedy="make test", required=False) for package in apt.TEST),
    )


def _environment(layout: Layout) -> Finding:
    complete = python_environment.complete(layout)
    return Finding(
        "python packages",
        layout.environment if layout.environment.is_dir() else None,
        f"pulumi {importlib.metadata.version('pulumi')}" if complete else None,
        "pypi" if complete else "missing",
        None if complete else "They aren't those of requirements.lock. Run: make setup",
    )


def _engine(layout: Layout) -> Finding:
    command = layout.tools / "pulumi"
    record = pulumi_tools.read_record(layout)
    version = pulumi_tools.engine_version(command) if command.exists() else None
    if record is None or version is None:
        return Finding("pulumi engine", None, None, "missing", "Run: make setup")
    return Finding(
        "pulumi engine",
        command,
        ".".join(map(str, version)),
        record.engine.origin,
        None if pulumi_tools.complete(layout) else "It isn't what versions.toml asks for. Run: make setup",
    )


def _language_host(layout: Layout) -> Finding:
    finding = _placed("pulumi language host", pulumi_tools.LANGUAGE_HOST, layout)
    gone = [] if finding.path is None else [part for part in _run_by_host(finding.path, layout) if not part.exists()]
    return replace(finding, remedy=f"It runs {gone[0]}, which isn't there. Run: make setup") if gone else finding


def _run_by_host(command: Path, layout: Layout) -> list[Path]:
    """The files that the language host starts: those in its text if it is a built one, otherwise the one beside it."""
    script = pulumi_tools.built_language_host(command)
    if script is None:
        return [layout.tools / pulumi_tools.EXECUTOR]
    return [Path(word) for word in shlex.split(script, comments=True) if word.startswith("/")]


def _placed(name: str, file: str, layout: Layout) -> Finding:
    """A piece that is installed with the engine."""
    record = pulumi_tools.read_record(layout)
    command = layout.tools / file
    if record is None or not command.exists():
        return Finding(name, None, None, "missing", "Run: make setup")
    return Finding(name, command, record.engine.version, record.engine.origin)


def _docker_plugin(layout: Layout) -> Finding:
    record = pulumi_tools.read_record(layout)
    if record is None or not layout.docker_plugin.exists():
        return Finding("pulumi docker plugin", None, None, "missing", "Run: make setup")
    stale = record.docker_plugin.version != VERSIONS.docker_plugin
    return Finding(
        "pulumi docker plugin",
        layout.docker_plugin,
        record.docker_plugin.version,
        record.docker_plugin.origin,
        "It isn't what versions.toml asks for. Run: make setup" if stale else None,
    )


def _docker() -> Finding:
    address = docker_engine.address()
    where = Path(address.removeprefix("unix://")) if address.startswith("unix://") else None
    try:
        version = docker_engine.version()
    except ToolchainError as error:
        return Finding("docker engine", where, None, "machine", str(error))
    if version is None:
        remedy = f"None answers at {address}. Run: make setup"
        return Finding("docker engine", None, None, "missing", remedy)
    return Finding("docker engine", where, version, "debian" if "+dfsg" in version else "machine")


def _state(layout: Layout) -> Finding:
    remedy = None
    if not state.stack_file(layout).is_file():
        remedy = f"There is no stack {DEFAULT_STACK} yet. Run: make setup"
    elif not layout.passphrase.is_file():
        remedy = f"{layout.passphrase} is gone, and with it the key to the state's secrets. Put it back."
    elif layout.passphrase.stat().st_mode & 0o077:
        remedy = f"Others can read {layout.passphrase}. Run: chmod 600 {layout.passphrase}"
    there = layout.state.is_dir()
    return Finding("pulumi state", layout.state if there else None, None, "made" if there else "missing", remedy)


def _package(package: apt.Package, *, remedy: str, required: bool) -> Finding:
    path = package.found()
    if path is None:
        return Finding(package.name, None, None, "missing", f"Run: {remedy}. It is for: {package.purpose}", required)
    dpkg_owned = path.is_relative_to("/usr") and not path.is_relative_to("/usr/local")
    return Finding(package.name, path, None, "debian" if dpkg_owned else "machine", None, required)
