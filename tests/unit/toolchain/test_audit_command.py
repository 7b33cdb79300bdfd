"""`make audit` itself, with the data that this machine can have, but without Go.

Over all modules govulncheck takes as long as many tests together; `test_audit.py` has what is made of its answers.
"""

import os
import re
import subprocess
from pathlib import Path

import pytest

from toolchain.audit import GO_MODULES, KOTLIN_LOCK, NOT_AUDITED, PYTHON_LOCKS, RUST_LOCK, VULNERABLE
from toolchain.layout import Layout

NOTHING_KNOWN = "no known vulnerability"


@pytest.fixture
def without_go(tmp_path: Path) -> dict[str, str]:
    """An environment whose Go is too old for anything."""
    command = tmp_path / "go"
    command.write_text("#!/bin/sh\necho go1.10\n")
    command.chmod(0o755)
    return os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}


@pytest.mark.nightly
def test_every_lock_has_its_lines_and_the_error_is_that_of_the_worst(installed: Layout, without_go: dict[str, str]):
    done = subprocess.run(
        ["make", "audit"], cwd=installed.root, env=without_go, capture_output=True, text=True, check=False
    )
    go_locks = {f"{module}/go.sum" for module in GO_MODULES}
    printed = {
        lock: [line.removeprefix(f"{lock}: ") for line in done.stdout.splitlines() if line.startswith(f"{lock}: ")]
        for lock in (*PYTHON_LOCKS, *go_locks, RUST_LOCK, KOTLIN_LOCK)
    }
    assert all(printed.values()), done.stdout + done.stderr
    too_old = re.compile(r"NOT AUDITED: there is no Go 1\.\S+ or newer")
    assert all(len(printed[lock]) == 1 and too_old.fullmatch(printed[lock][0]) for lock in go_locks)
    for lines in printed.values():
        assert lines == [NOTHING_KNOWN] or all(re.match("VULNERABLE: |NOT AUDITED: ", line) for line in lines)
    is_known = any(line.startswith("VULNERABLE") for lines in printed.values() for line in lines)
    assert done.stderr.strip().endswith(f"Error {VULNERABLE if is_known else NOT_AUDITED}")
    assert done.returncode == 2
