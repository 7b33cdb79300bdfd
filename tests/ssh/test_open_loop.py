"""The open loop's generator as a detached job: its result is fetched, and its failures are reported."""

from pathlib import Path

import pytest

from documents.errors import DocumentError, HostError
from documents.lab.inventory import Inventory
from documents.run.window import OpenLoopResult
from provision.images.context import hash_build_context
from provision.load import jobs, open_loop
from provision.load.jobs import Job
from provision.ssh.connection import Connection
from tests.unit.documents.samples import EXAMPLES
from tests.unit.provision.local_host import LocalHost

[RESULT] = [example for example in EXAMPLES if isinstance(example, OpenLoopResult)]


def start(connection: Connection, directory: Path, script: str) -> Job:
    directory.mkdir()
    return jobs.start(connection, str(directory), ["sh", "-c", script], deadline_seconds=20)


def test_the_result_is_fetched_and_nothing_else(connection: Connection, tmp_path: Path):
    (tmp_path / "written.json").write_text(RESULT.to_json())
    script = f"cp {tmp_path}/written.json open-loop.json; echo a token >tokens"
    job = start(connection, tmp_path / "job", script)
    folder = tmp_path / "cell"
    folder.mkdir()
    assert open_loop.finish(connection, job, folder) == RESULT
    assert [path.name for path in folder.iterdir()] == ["open-loop.json"]


@pytest.mark.parametrize(
    ("script", "error", "told"),
    [
        ("echo 'open-loop: no such file' >&2; exit 3", HostError, "ended with the status 3: .*no such file"),
        ("echo nothing >&2", HostError, "wrote no result: .*nothing"),
        ("echo '{}' >open-loop.json", DocumentError, "open-loop.json is not a valid OpenLoopResult"),
    ],
)
def test_a_failure_is_reported_in_the_programs_own_words(
    connection: Connection, tmp_path: Path, script: str, error: type[Exception], told: str
):
    job = start(connection, tmp_path / "job", script)
    with pytest.raises(error, match=told):
        open_loop.finish(connection, job, tmp_path)


def test_a_program_that_is_there_is_not_built_again(
    connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    source = tmp_path / "source"
    source.mkdir()
    (source / "main.go").write_text("package main\n")
    monkeypatch.setattr(open_loop, "FOLDER", str(tmp_path / "programs"))
    path = tmp_path / "programs" / hash_build_context(source)
    path.parent.mkdir()
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    inventory = next(example for example in EXAMPLES if isinstance(example, Inventory))
    assert open_loop.install(connection, inventory, source) == str(path)
    # Another source is another program; there is no base here to build it from.
    (source / "main.go").write_text("package main // changed\n")
    with pytest.raises(HostError):
        open_loop.install(connection, inventory, source)


def test_the_program_is_carried_over_whole_and_only_where_it_is_not_yet(
    connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder, program = tmp_path / "load-host", b"#!/bin/sh\necho carried\n"
    monkeypatch.setattr(open_loop, "FOLDER", str(folder))
    pulled: list[str] = []

    class BuiltOn(LocalHost):
        def pull(self, remote: str, local: Path) -> str:
            pulled.append(remote)
            local.write_bytes(program)
            return ""

    path = str(folder / "program")
    for _ in range(2):
        open_loop.carry_over(BuiltOn(), connection, path)
    assert pulled == [path]
    assert connection.run([path], deadline_seconds=10).stdout == "carried\n"
    assert folder.stat().st_mode & 0o777 == 0o700
