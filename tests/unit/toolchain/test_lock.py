"""`make lock`, in a copy of what it reads, with the index that this machine has."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from toolchain.layout import Layout

READ = ("Makefile", "pyproject.toml", "requirements.lock")


@pytest.fixture
def copy(tmp_path: Path, installed: Layout) -> Path:
    for name in READ:
        shutil.copy(installed.root / name, tmp_path)
    return tmp_path


def make_lock(folder: Path, installed: Layout) -> str:
    """Run it without the installation before it, which would be one of that folder; returns the lock."""
    done = subprocess.run(
        ["make", "--old-file=setup", f"BIN={installed.python.parent}", "lock"],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return (folder / "requirements.lock").read_text()


def locked(text: str) -> set[str]:
    """The packages with versions and markers, without hashes: an index may get another file of the same version."""
    return {line.removesuffix(" \\") for line in text.splitlines() if re.match(r"\w", line)}


def test_the_lock_is_what_make_lock_makes_of_what_is_asked_for(copy: Path, installed: Layout):
    before = (copy / "requirements.lock").read_text()
    after = make_lock(copy, installed)
    assert locked(after) == locked(before)
    assert len(locked(after)) > 50
    assert "://" not in after.replace("# via", "")
    assert all("--hash=sha256:" in entry for entry in re.split(r"^(?=\w)", after, flags=re.MULTILINE)[1:])
