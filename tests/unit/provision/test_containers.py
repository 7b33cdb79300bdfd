"""The commands that Docker is given, and what is done when runc's own process ends before it has read what to run.

That can't be had on demand from a real engine: the text is what one said. Commands in real containers are run by
`tests/ssh/test_services.py`.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from documents.errors import DeadlineExceededError, HostError, RemoteCommandError
from provision.containers import control, folder_owner
from provision.ssh import Completed, Connection
from provision.system.engine import remove_records
from tests.unit.provision.local_host import LocalHost

ENTRY_FAILED = (
    "`docker exec postgres true` on the host ended with the status 128: OCI runtime exec failed: exec failed: unable "
    "to start container process: waiting for init preliminary setup: read init-p: connection reset by peer: unknown"
)
DONE = Completed(stdout="done", stderr="", exit_status=0)


class Answers(Connection):
    """A connection whose commands end as given, one after the other."""

    def __init__(self, *ends: Completed | HostError) -> None:
        self.ends = list(ends)
        self.commands: list[str | Sequence[str]] = []

    def run(self, command: str | Sequence[str], **_: object) -> Completed:
        self.commands.append(command)
        end = self.ends.pop(0)
        if isinstance(end, HostError):
            raise end
        return end


def test_command_that_never_began_is_run_again(caplog: pytest.LogCaptureFixture):
    connection = Answers(RemoteCommandError(ENTRY_FAILED), DONE)
    assert control.execute(connection, "postgres", ["true"], deadline_seconds=5) == DONE
    assert connection.commands == [["docker", "exec", "postgres", "true"]] * 2
    assert "init preliminary setup" in caplog.text


@pytest.mark.parametrize(
    "text",
    [
        "`docker exec postgres true` on the host ended with the status 1: it wrote nothing.",
        "OCI runtime exec failed: exec failed: unable to start container process: exec: no such file or directory",
        "the command itself said: waiting for init preliminary setup",
    ],
)
def test_command_that_may_have_begun_is_not(text: str):
    connection = Answers(RemoteCommandError(text))
    with pytest.raises(RemoteCommandError) as raised:
        control.execute(connection, "postgres", ["true"], deadline_seconds=5)
    assert str(raised.value) == text
    assert len(connection.commands) == 1


def test_a_container_has_the_time_to_stop_that_was_declared_for_it():
    connection = Answers(DONE)
    control.stop(connection, "fairground-api-go")
    assert connection.commands == [["docker", "stop", "fairground-api-go"]]


def test_a_container_of_a_single_use_has_the_time_of_any_other_to_be_created():
    deadlines: list[object] = []

    class Timed(Answers):
        def run(self, command: str | Sequence[str], **options: object) -> Completed:
            deadlines.append(options["deadline_seconds"])
            return super().run(command)

    connection = Timed(DONE, DONE, DONE)
    assert control.run_once(connection, "image", ["true"], stack="local", cpus=[0], deadline_seconds=5) == DONE
    # To create it, to run it with the time to remove it, and to remove it where it was left.
    assert deadlines == [60, 35, 60]


def test_a_result_stays_where_the_container_is_not_removed_in_time():
    connection = Answers(DONE, DONE, DeadlineExceededError("`docker rm` on the host wasn't done within 60 s."))
    assert control.run_once(connection, "image", ["true"], stack="local", cpus=[0], deadline_seconds=5) == DONE


def be_docker(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have this script be found as Docker's client."""
    (folder / "docker").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def test_an_engine_that_creates_no_container_is_an_error_and_no_fault_of_the_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    be_docker(tmp_path, f'echo "$@" >>{tmp_path}/arguments; echo "no space left" >&2; exit 1', monkeypatch)
    with pytest.raises(HostError, match="no space left"):
        folder_owner(LocalHost(), "local", "sha256:1", "/uploads")
    # If it is left behind, its label is all that it can be found by.
    assert (tmp_path / "arguments").read_text() == "create --label=org.fairground.stack=local sha256:1 nothing\n"


def test_a_build_cache_that_cannot_be_listed_is_not_taken_for_an_empty_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    be_docker(tmp_path, "exit 1", monkeypatch)
    with pytest.raises(HostError, match="can't be listed"):
        remove_records(LocalHost(), but=())
