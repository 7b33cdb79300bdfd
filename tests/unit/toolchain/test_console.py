import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from documents.errors import ToolchainError
from toolchain.console import Step, beside, signal_group


def _log(tmp_path: Path) -> str:
    return (tmp_path / "log" / "setup.log").read_text()


def _gone(pid: int) -> bool:
    try:
        return Path("/proc", str(pid), "stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def _await_gone(pid: int) -> None:
    deadline = time.monotonic() + 10
    while not _gone(pid):
        assert time.monotonic() < deadline, f"process {pid} is still there"
        time.sleep(0.05)


def test_output_of_a_command_goes_to_the_log_alone(step: Step, tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    step.run(["sh", "-c", "echo heavy; echo trouble >&2"], remedy="")
    step.done("ready")
    assert "heavy\ntrouble\n" in _log(tmp_path)
    shown = capfd.readouterr().out
    assert "heavy" not in shown
    assert "A step: ready (0 s)" in shown


def test_failed_command_is_one_sentence_with_its_last_words_the_remedy_and_the_log(step: Step, tmp_path: Path):
    with pytest.raises(ToolchainError) as failure:
        step.run(["sh", "-c", "echo first; echo no space left; exit 7"], remedy="Free some.")
    message = str(failure.value)
    assert message.startswith("A step: sh failed with status 7, last saying 'no space left'. Free some.")
    assert str(tmp_path / "log" / "setup.log") in message
    assert "\n" not in message


def test_missing_command_is_named(step: Step):
    with pytest.raises(ToolchainError, match=r"the command no-such-tool isn't on this machine\. Get it"):
        step.run(["no-such-tool"], remedy="Get it.")


def test_command_that_misses_its_deadline_is_ended_with_its_children(step: Step, tmp_path: Path):
    with pytest.raises(ToolchainError, match=r"wasn't done within 1 s and was ended\. Wait"):
        step.run(["sh", "-c", f"sleep 60 & echo $! > {tmp_path}/child; wait"], remedy="Wait.", deadline=1)
    _await_gone(int((tmp_path / "child").read_text()))


@pytest.mark.parametrize("starting_seconds", [0, 1])
def test_interrupt_ends_the_command_with_its_children(tmp_path: Path, starting_seconds: int):
    program = (
        "import subprocess, sys, time; from pathlib import Path; from toolchain.console import Step\n"
        "class Popen(subprocess.Popen):\n"
        "    def __init__(self, *arguments, **options):\n"
        "        super().__init__(*arguments, **options)\n"
        f"        time.sleep({starting_seconds})\n"
        "subprocess.Popen = Popen\n"
        "Step('A step', Path(sys.argv[1]) / 'log').run(\n"
        "    ['sh', '-c', f'sleep 60 & echo $! > {sys.argv[1]}/child.new; mv {sys.argv[1]}/child.new"
        " {sys.argv[1]}/child; wait'], remedy='')\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program, tmp_path], stderr=subprocess.PIPE, text=True)
    child = tmp_path / "child"
    deadline = time.monotonic() + 10
    while not child.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    assert "KeyboardInterrupt" in process.communicate(timeout=15)[1]
    _await_gone(int(child.read_text()))


def test_failure_ends_what_goes_on_beside_it(step: Step, tmp_path: Path):
    def work() -> None:
        step.run(["sh", "-c", f"echo $$ > {tmp_path}/child.new; mv {tmp_path}/child.new {child}; sleep 600"], remedy="")

    def fail() -> None:
        while not child.exists():
            time.sleep(0.05)
        raise ToolchainError("The other step failed.")

    child = tmp_path / "child"
    with pytest.raises(ToolchainError, match="other"), beside(work):
        fail()
    assert _gone(int(child.read_text()))
    step.tick()


def test_failure_beside_the_other_steps_is_raised_after_them(step: Step):
    done: list[str] = []
    with (
        pytest.raises(ToolchainError, match="failed with status 3"),
        beside(lambda: step.run(["sh", "-c", "exit 3"], remedy="")),
    ):
        done.append("the other step")
    assert done


def test_sudo_is_asked_in_the_session_in_which_the_password_was_given(
    step: Step, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "sudo").write_text(f"#!/bin/sh\n[ $(ps -o sess= -p $$) = {os.getsid(0)} ]\n")
    (tmp_path / "sudo").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    step.run(["sudo", "-n", "true"], remedy="")


def test_group_that_runs_as_root_is_ended_by_sudo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "sudo").write_text(f'#!/bin/sh\nprintf "%s " "$@" >{tmp_path}/asked\n')
    (tmp_path / "sudo").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    def refuse(*_: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "killpg", refuse)
    signal_group(4711, signal.SIGTERM)
    assert (tmp_path / "asked").read_text() == "-n kill -15 -- -4711 "
