"""The project's virtual environment: exactly what requirements.lock lists, and the command `lab` of this checkout."""

import importlib.util
import shlex
import shutil
import sys
from pathlib import Path

from documents.files import replace_file
from toolchain import apt
from toolchain.console import Step
from toolchain.layout import Layout, fingerprint

_NETWORK = "See that the package index can be reached, then run the same command again: it continues where it stopped."

_COMMAND = """#!/bin/sh
'''exec' {python} -P "$0" "$@"
' '''
import sys

from cli.main import main

sys.exit(main())
"""
"""The command `lab`: a program in sh and in Python, because a `#!` line can't name a Python whose path has spaces."""


def _wanted_packages(layout: Layout) -> str:
    return fingerprint([str(layout.root), sys.version, layout.root / "requirements.lock"])


def _wanted(layout: Layout) -> str:
    return fingerprint([_wanted_packages(layout), _COMMAND])


def _stamp(layout: Layout, name: str) -> Path:
    return layout.environment / f".fairground-{name}"


def _says(stamp: Path, wanted: str) -> bool:
    return stamp.is_file() and stamp.read_text() == wanted


def complete(layout: Layout) -> bool:
    """Whether the environment belongs to this lock, this Python and this folder."""
    return layout.python.exists() and _says(_stamp(layout, "complete"), _wanted(layout))


def create(step: Step, layout: Layout) -> None:
    """Makes the environment without its packages, or keeps one for the same lock that was interrupted.

    A changed lock makes a new one, so that no package stays that the lock no longer lists.

    Raises:
        ToolchainError: This Python can't make one.
    """
    wanted = _wanted_packages(layout)
    # In a shell that has sourced `env` this may be the environment's own Python, which is about to be removed.
    base = Path(sys.executable).resolve()
    if importlib.util.find_spec("ensurepip") is None:
        apt.install(step, ["python3-venv"], start_services=False)
    if not _says(_stamp(layout, "begun"), wanted):
        if layout.environment.exists():
            shutil.rmtree(layout.environment)
        step.run(
            [base, "-m", "venv", layout.environment],
            remedy="See that this Python can make environments: python3 -m venv.",
        )
        replace_file(_stamp(layout, "begun"), wanted)


def fill(step: Step, layout: Layout) -> None:
    """Installs the packages into the environment that `create` made.

    Raises:
        ToolchainError: The packages can't be downloaded, or one has another content than in the lock.
    """
    _drop_half_installed(layout)
    # Python compiles what it imports, and it never imports most of the clouds' packages.
    pip = [layout.python, "-m", "pip", "--disable-pip-version-check", "install", "--no-input", "--no-compile"]
    step.run([*pip, "--require-hashes", "-r", layout.root / "requirements.lock"], remedy=_NETWORK)
    link(layout)
    replace_file(_stamp(layout, "complete"), _wanted(layout))


def link(layout: Layout) -> None:
    """Lets the environment's Python import from the checkout, in any working folder, and makes the command `lab`."""
    (packages,) = layout.environment.glob("lib/python*/site-packages")
    replace_file(packages / "fairground.pth", f"{layout.root}\n")
    replace_file(layout.environment / "bin/lab", _COMMAND.format(python=shlex.quote(str(layout.python))), mode=0o777)


def _drop_half_installed(layout: Layout) -> None:
    """Remove the metadata of a package that a killed pip hadn't completely installed; pip itself would fail on it.

    The record of a package is the last file that pip writes of it (pip/_internal/operations/install/wheel.py).
    """
    for described in layout.environment.glob("lib/python*/site-packages/*.dist-info"):
        if not (described / "RECORD").is_file():
            shutil.rmtree(described)
