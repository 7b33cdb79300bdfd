"""The `lab` command without a terminal: in this process, or as a user starts it, in one of its own."""

import io
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import pytest

from cli.main import HELP, main
from tests.conftest import LAB, ROOT

SUBCOMMANDS = tuple("api check" if name == "api" else name for name in HELP)


@dataclass(frozen=True)
class Answer:
    """What one call printed and how it ended."""

    arguments: tuple[str, ...]
    status: int
    out: str
    err: str

    def sentence(self) -> str:
        """What went wrong, in one line on standard error and nothing else anywhere."""
        assert self.out == "", self
        assert self.err.startswith("error: "), self
        (line,) = self.err.splitlines()
        assert "Traceback" not in line
        return line.removeprefix("error: ")


def lab(*arguments: str, cwd: Path = ROOT, environment: Mapping[str, str] | None = None) -> Answer:
    """Run one command to its end in this process, which spares a second of imports each time."""
    out, err = io.StringIO(), io.StringIO()
    handler = signal.getsignal(signal.SIGTERM)
    try:
        with (
            patch.dict(os.environ, {"COLUMNS": "100", **(environment or {})}),
            patch.object(sys, "argv", ["lab", *arguments]),
            # Else the help would name it by the tests' own command.
            patch.object(sys.modules["__main__"], "__package__", None),
            patch.object(sys, "stdin", io.StringIO()),
            chdir(cwd),
            redirect_stdout(out),
            redirect_stderr(err),
            pytest.raises(SystemExit) as end,
        ):
            main()
    finally:
        signal.signal(signal.SIGTERM, handler)
    assert isinstance(end.value.code, int)
    return Answer(arguments, end.value.code, out.getvalue(), err.getvalue())


def labs(commands: Sequence[Sequence[str]]) -> list[Answer]:
    """Run several commands in this process, one after the other."""
    return [lab(*arguments) for arguments in commands]


def lab_process(*arguments: str, environment: Mapping[str, str] | None = None) -> Answer:
    """Run one command to its end in a process of its own."""
    done = subprocess.run(
        [LAB, *arguments],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "100", **(environment or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return Answer(arguments, done.returncode, done.stdout, done.stderr)
