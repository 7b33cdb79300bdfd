"""A question at a terminal: what ends it without an answer ends the command as Ctrl-C does, and says no more."""

import os
import pty
import re
import sys
from pathlib import Path

import pytest

from cli import main
from tests.ssh.waiting import wait_until
from tests.unit.cli.test_up import DOCUMENT

INTERRUPT, END_OF_INPUT = b"\x03", b"\x04"

UP = """
import pathlib, sys
import cli.main, cli.up
cli.up.ROOT = pathlib.Path({project!r})
sys.argv = ["lab", "up", "--stack", "no-such-stack", *{options!r}]
cli.main.main()
"""


def answered(project: Path, answer: bytes, *options: str) -> tuple[int, str]:
    """The exit status, and all that `lab up` shows at a terminal where its question gets this answer."""
    child, terminal = pty.fork()
    if child == 0:
        os.execv(sys.executable, [sys.executable, "-c", UP.format(project=str(project), options=options)])  # noqa: S606 - no shell is wanted
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


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "stacks").mkdir()
    (tmp_path / "api").mkdir()
    (tmp_path / "api" / "Dockerfile").touch()
    (tmp_path / "stacks" / "no-such-stack.yaml").write_text(DOCUMENT.format(expires="2999-01-01T00:00:00Z"))
    return tmp_path


@pytest.mark.parametrize("answer", [INTERRUPT, END_OF_INPUT])
def test_a_question_that_is_broken_off_ends_the_command_as_an_interrupt(project: Path, answer: bytes):
    status, shown = answered(project, answer)
    assert status == main.EXIT_INTERRUPTED
    assert "Make it? [y/N]: " in shown
    assert "interrupted: " in shown
    assert "Traceback" not in shown


def test_a_no_is_told_in_a_sentence(project: Path):
    status, shown = answered(project, b"n\n")
    assert status == main.EXIT_FAILED
    assert re.sub(r"\x1b\[[0-9;]*m", "", shown).endswith(
        "error: The cost wasn't confirmed, so nothing was made or changed.\r\n"
    )


def test_whoever_wants_json_is_asked_nothing(project: Path):
    status, shown = answered(project, b"y\n", "--json")
    assert status == main.EXIT_FAILED
    assert "there is nobody here to confirm it" in shown
    assert "[y/N]" not in shown
