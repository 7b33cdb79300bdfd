"""The `lab` command as a user starts it: a process of its own, without a terminal."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from toolchain.layout import project_layout

ROOT = project_layout().root
LAB = ROOT / ".venv" / "bin" / "lab"

SUBCOMMANDS = (
    "doctor",
    "up",
    "verify",
    "tune",
    "run",
    "report",
    "compare",
    "gate",
    "runs",
    "history",
    "facts",
    "logs",
    "api check",
    "down",
)


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
    """Run one command to its end."""
    done = subprocess.run(
        [LAB, *arguments],
        cwd=cwd,
        env={**os.environ, "COLUMNS": "100", **(environment or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return Answer(arguments, done.returncode, done.stdout, done.stderr)


def labs(commands: Sequence[Sequence[str]]) -> list[Answer]:
    """Run several commands, as many at once as there are CPUs; the answers are in the commands' order."""

    def run(arguments: Sequence[str]) -> Answer:
        return lab(*arguments)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(run, commands))
