"""Commands that need root."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from documents.errors import ToolchainError


def as_root(arguments: Sequence[str | Path], *, purpose: str) -> list[str | Path]:
    """The command as root runs it: as it is, or through sudo, which may ask for the password here.

    Args:
        arguments: The command.
        purpose: What it is for, as in "install docker.io"; part of the error.

    Raises:
        ToolchainError: This user isn't root, and may not become root.
    """
    if os.geteuid() == 0:
        return list(arguments)
    if shutil.which("sudo"):
        allowed = subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0
        if not allowed and sys.stdin.isatty():
            allowed = subprocess.run(["sudo", "-v"], check=False).returncode == 0
        if allowed:
            return ["sudo", "-n", *arguments]
    raise ToolchainError(
        f"This user may not {purpose}: it is neither root nor allowed to use sudo. Have an administrator "
        f"run: {' '.join(str(argument) for argument in arguments)}"
    )


def signal_group(group: int, number: signal.Signals) -> None:
    """Sends a signal to a process group that this process started, also where it runs as root by sudo.

    Args:
        group: The group's number. One that has ended by now is left alone.
        number: The signal.
    """
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return
    except PermissionError:
        subprocess.run(["sudo", "-n", "kill", f"-{number.value}", "--", f"-{group}"], capture_output=True, check=False)
