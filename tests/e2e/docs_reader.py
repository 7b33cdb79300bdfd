"""A reader who runs commands of the docs, one after the other in one shell, on a small lab of the tests."""

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import ROOT
from tests.docs_steps import Step
from tests.e2e.lab_run import ATTEMPTS_MOST

PROTOCOL = f"""
version: 1
name: {{subcommand}}
blocks: {{blocks}}
warm_up_seconds: 1
attempts: {ATTEMPTS_MOST}
timeout_seconds: 20
twin: false
apis: [{{base}}, {{candidate}}]
scenarios:
  - {{{{name: light, workload: mixed, connections: 10, duration_seconds: 1}}}}
"""

BLOCKS = {"run": 1, "gate": 2}
"""As few as a subcommand can do with."""

SHELL = r"""
lab() {{ {bin}/lab "$@"; }}
python() {{ {bin}/python "$@"; }}
make() {{ command make BIN={bin} {make} "$@"; }}
git() {{ command git "${{@/#origin\/main/HEAD}}"; }}
"""
"""What the reader's shell calls by these names. A clone for a test needn't have the branch of its origin."""


@dataclass(frozen=True)
class Walk:
    """What each command ended with, and what it printed."""

    statuses: Mapping[Step, int]
    output: Mapping[Step, str]


class Reader:
    """A folder for all that the reader makes, and the lab.

    Args:
        folder: an empty one.
        stack: the lab.
        base: an API of it, which is what is compared with, and what is verified.
        candidate: another one, of the same build.
    """

    def __init__(self, folder: Path, stack: str, *, base: str, candidate: str) -> None:
        self.folder = folder
        self._bin = folder / "bin"
        for name in ("bin", "protocols", "runs", "facts", "steps"):
            (folder / name).mkdir()
        for subcommand, blocks in BLOCKS.items():
            text = PROTOCOL.format(subcommand=subcommand, blocks=blocks, base=base, candidate=candidate)
            (folder / "protocols" / f"{subcommand}.yaml").write_text(text)
        self._command("lab", "tests.e2e.docs_lab", stack, str(folder), base, candidate)
        self._command("python", "tests.e2e.docs_python", stack, str(folder), str(self._bin / "lab"))

    def _command(self, name: str, *words: str) -> None:
        path = self._bin / name
        path.write_text(f'#!/bin/sh\nexec {shlex.join([sys.executable, "-m", *words])} "$@"\n')
        path.chmod(0o755)

    def follow(
        self, steps: Sequence[Step], *, make: str = "", environment: Mapping[str, str] | None = None, seconds: float
    ) -> Walk:
        """Run commands, all of them, whatever one ends with.

        What one sets in the shell, as `. ./env` does, is there for the next one.

        Args:
            steps: the commands.
            make: what is set for every target of make.
            environment: what the shell has beyond this process's own.
            seconds: how long all may take.
        """
        script = [SHELL.format(bin=shlex.quote(str(self._bin)), make=make)]
        for number, step in enumerate(steps):
            place = shlex.quote(str(self.folder / "steps" / f"{number}"))
            command = step.command.replace(".venv/bin/", f"{self._bin}/")
            # A script may end its shell.
            run = f"(\n{command}\n)" if step.is_script else f"{{\n{command}\n}}"
            script.append(f"{run} >{place}.out 2>&1 </dev/null; echo $? >{place}.status")
        shell = subprocess.run(
            ["bash", "-c", "\n".join(script)],
            cwd=ROOT,
            env=os.environ | (environment or {}),
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        assert shell.stderr == ""
        read = {step: self.folder / "steps" / f"{number}" for number, step in enumerate(steps)}
        return Walk(
            {step: int(place.with_suffix(".status").read_text()) for step, place in read.items()},
            {step: place.with_suffix(".out").read_text() for step, place in read.items()},
        )
