"""The project's virtual environment: exactly what requirements.lock lists, and the command `lab` of this checkout."""

import importlib.util
import re
import shlex
import shutil
import sys
from pathlib import Path

from documents.files import replace_file
from toolchain import apt
from toolchain.console import Step
from toolchain.layout import Layout, fingerprint

_NETWORK = (
    "See that the package index can be reached, then run the same command again. Another index is set for pip by "
    "PIP_INDEX_URL and for uv by UV_DEFAULT_INDEX."
)

_COMMAND = """#!/bin/sh
'''exec' {python} -P "$0" "$@"
' '''
import sys

from cli.main import main

sys.exit(main())
"""
"""The command `lab`: a program in sh and in Python, because a `#!` line can't name a Python whose path has spaces."""


def _wanted(layout: Layout) -> str:
    return fingerprint([str(layout.root), sys.version, layout.root / "requirements.lock", _COMMAND])


def _stamp(layout: Layout) -> Path:
    return layout.environment / ".fairground-complete"


def complete(layout: Layout) -> bool:
    """Whether the environment belongs to this lock, this Python and this folder."""
    stamp = _stamp(layout)
    return layout.python.exists() and stamp.is_file() and stamp.read_text() == _wanted(layout)


def create(step: Step, layout: Layout) -> None:
    """Make the environment without its packages.

    One that was interrupted, or is of another lock, isn't kept: packages in it may be incomplete, or no longer listed.

    Raises:
        ToolchainError: this Python can't make one.
    """
    # In a shell that has sourced `env` this may be the environment's own Python, which is about to be removed.
    base = Path(sys.executable).resolve()
    if importlib.util.find_spec("ensurepip") is None:
        apt.install(step, ["python3-venv"], start_services=False)
    if layout.environment.exists():
        shutil.rmtree(layout.environment)
    step.run(
        [base, "-m", "venv", layout.environment],
        remedy="See that this Python can make environments: python3 -m venv.",
    )


def fill(step: Step, layout: Layout) -> None:
    """Install the packages into the environment that `create` made.

    Raises:
        ToolchainError: the packages can't be downloaded, or one has another content than in the lock.
    """
    # pip takes half a minute to unpack hundreds of megabytes, which uv links from its cache; uv itself comes by pip.
    lock = layout.root / "requirements.lock"
    [uv] = re.findall(r"^uv==.*(?:\n .*)*", lock.read_text(), re.MULTILINE)
    lock_of_uv = layout.environment / "uv.lock"
    lock_of_uv.write_text(uv)
    pip = [layout.python, "-m", "pip", "--disable-pip-version-check", "install", "--no-input", "--no-compile"]
    step.run([*pip, "--require-hashes", "-r", lock_of_uv], remedy=_NETWORK)
    install = [layout.environment / "bin/uv", "pip", "install", "--python", layout.python, "--system-certs"]
    step.run([*install, "--require-hashes", "-r", lock], remedy=_NETWORK)
    link(layout)
    replace_file(_stamp(layout), _wanted(layout))


def link(layout: Layout) -> None:
    """Let the environment's Python import from the checkout, in any working folder, and make the command `lab`."""
    (packages,) = layout.environment.glob("lib/python*/site-packages")
    replace_file(packages / "fairground.pth", f"{layout.root}\n")
    replace_file(layout.environment / "bin/lab", _COMMAND.format(python=shlex.quote(str(layout.python))), mode=0o777)
