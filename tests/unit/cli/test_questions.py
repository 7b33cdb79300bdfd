"""A question at a terminal: what ends it without an answer ends the command as Ctrl-C does, and says no more."""

import os
import pty
import sys
from pathlib import Path

import pytest

from cli import main
from tests.ssh.waiting import wait_until
from tests.unit.cli.test_up import describe

INTERRUPT, END_OF_INPUT = b"\x03", b"\x04"

UP = """
import pathlib, sys
import cli.main, cli.up
cli.up.ROOT = pathlib.Path({project!r})
sys.argv = ["lab", "up", "--stack", "no-such-stack"]
cli.main.main()
"""


def answered(project: Path, answer: bytes) -> tuple[int, str]:
    """The exit status, and all that `lab up` shows at a terminal where its question gets this answer."""
    child, terminal = pty.fork()
    if child == 0:
        os.execv(sys.executable, [sys.executable, "-c", UP.format(project=str(project))])  # noqa: S606 - no shell is wanted
    shown = b""
    try:
        while chunk := os.read(terminal, 4096):
            shown += chunk
            if shown.endswith(b"[y/N]: "):
                # A signal between the question and the read would be looked at when that has ended.
                wait_until(lambda: _reads_its_input(child))
                os.write(terminal, answer)
    except OSError:
        # The other side of the terminal is closed.
        pass
    finally:
        os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), shown.decode()


def _reads_its_input(process: int) -> bool:
    """Whether it waits in a system call whose first argument is its standard input. Source: proc_pid_syscall(5)."""
    return Path(f"/proc/{process}/syscall").read_text().split()[1:2] == ["0x0"]


@pytest.mark.parametrize("answer", [INTERRUPT, END_OF_INPUT])
def test_a_question_that_is_broken_off_ends_the_command_as_an_interrupt(tmp_path: Path, answer: bytes):
    describe(tmp_path)
    status, shown = answered(tmp_path, answer)
    assert status == main.EXIT_INTERRUPTED
    assert "Make it? [y/N]: " in shown
    assert "interrupted: " in shown
    assert "Traceback" not in shown
