"""Pulumi as a user has it who does without `lab`: in a shell with `. ./env`."""

import subprocess

from cli.context import open_engine
from tests.conftest import ROOT


def pulumi(stack: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a plain `pulumi` command on a stack of this checkout."""
    return subprocess.run(
        ["pulumi", *arguments, "--stack", stack, "--non-interactive", "--color", "never"],
        cwd=ROOT,
        env=dict(open_engine(stack).environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
