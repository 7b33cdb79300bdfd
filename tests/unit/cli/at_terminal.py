"""A command at a terminal of its own, a pseudo-terminal of 80 columns and 24 rows: what it shows there."""

import fcntl
import os
import pty
import struct
import termios
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

CHOSEN = frozenset(
    {"COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "GITHUB_ACTIONS"}
)
"""What of the environment says how a terminal is written to; a test says it itself."""


@dataclass(frozen=True)
class Shown:
    """What a command wrote to its terminal, its errors among it, and how it ended."""

    status: int
    text: str


def resize(terminal: int, *, columns: int, rows: int = 24) -> None:
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def start_at_terminal(arguments: Sequence[str | Path], environment: Mapping[str, str], *, cwd: Path) -> tuple[int, int]:
    """Start a program; returns its process and the other end of its terminal."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(cwd)
        resize(1, columns=80)
        kept = {name: value for name, value in os.environ.items() if name not in CHOSEN}
        os.execve(arguments[0], [str(argument) for argument in arguments], {**kept, "TERM": "xterm", **environment})  # noqa: S606 - no shell is wanted
    return child, terminal


def shown_at_terminal(arguments: Sequence[str | Path], environment: Mapping[str, str], *, cwd: Path) -> Shown:
    """Run a program to its end."""
    child, terminal = start_at_terminal(arguments, environment, cwd=cwd)
    shown = b""
    try:
        while chunk := os.read(terminal, 65536):
            shown += chunk
    except OSError:
        # The other side of the terminal is closed.
        pass
    finally:
        os.close(terminal)
    return Shown(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), shown.decode())
