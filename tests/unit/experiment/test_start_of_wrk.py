"""The start of one wrk passes through seven functions, from the cell down to the host's `Popen`."""

import ast
import json
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path

import pytest

from documents.run.protocol import Cell
from experiment.bench import generators, host_folder, remote
from experiment.bench.bench import Beside, Measured
from experiment.bench.remote import RemoteBench
from experiment.running import cell
from provision import payload
from provision.containers.cgroups import Cgroup
from provision.load import recording
from provision.ssh import Completed
from provision.ssh.execution import Feed
from tests.conftest import ROOT
from tests.unit.experiment.fake_bench import INVENTORY, PROTOCOL, SECRETS
from tests.unit.experiment.loop_runs import ignore
from tests.unit.experiment.test_tuning_bench import CGROUP, JOB
from tests.unit.provision.local_host import LocalHost


def functions() -> list[str]:
    """The functions of the rooms on this thread's stack, the outermost first."""
    found: list[str] = []
    for frame in traceback.extract_stack():
        path = Path(frame.filename)
        rooms = path.is_relative_to(ROOT) and path.relative_to(ROOT).parts[0] in {"experiment", "provision"}
        if rooms and not frame.name.startswith("<"):
            found.append(frame.name)
    return found


def starts_job(text: bytes | str | Feed | None) -> bool:
    """Whether a command's input is the program of jobs, called to start one."""
    return isinstance(text, str) and "print(json.dumps(start(" in text


class Host(LocalHost):
    """A host that starts no job, and says that it has; `passed` are the functions down to it, `called` on it."""

    def __init__(self) -> None:
        super().__init__()
        self.passed: list[str] = []

    def run(
        self,
        command: str | Sequence[str],
        *,
        deadline_seconds: float,
        input: bytes | str | Feed | None = None,  # noqa: A002 - as in `Connection.run`
        check: bool = True,
    ) -> Completed:
        del command, deadline_seconds, check
        if starts_job(input):
            self.passed += [*functions(), "run"]
            return Completed(JOB.to_json(), "", 0)
        status = {"outcome": "ended", "exit_status": 0, "started_ns": 0, "ended_ns": 1}
        return Completed(json.dumps({"state": "ended", "status": status, "supervisor_id": 1}), "", 0)


def functions_that_call(name: str, source: Path) -> list[str]:
    """The functions of a module in which a function of this name is called."""
    module = ast.parse(source.read_text(encoding="utf-8"))
    return [
        function.name
        for function in module.body
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == name
    ]


def test_the_start_of_one_wrk_passes_through_seven_functions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def cgroup(*_: object) -> Cgroup:
        return CGROUP

    def nothing(*_: object, **__: object) -> tuple[()]:
        return ()

    def collect(_bench: RemoteBench, _folder: Path) -> Measured:
        return Measured()

    monkeypatch.setattr(remote.control, "cgroup", cgroup)
    monkeypatch.setattr(generators.wrk, "generator_cgroup", cgroup)
    monkeypatch.setattr(recording, "spin", nothing)
    monkeypatch.setattr(LocalHost, "push", nothing)
    monkeypatch.setattr(host_folder, "HOME", str(tmp_path))
    monkeypatch.setattr(RemoteBench, "collect", collect)
    host, begin = Host(), Beside.begin

    def begin_and_note(beside: Beside, act: Callable[[], object]) -> Future[object]:
        if not host.passed:
            host.passed += [*functions(), "begin"]
        return begin(beside, act)

    monkeypatch.setattr(Beside, "begin", begin_and_note)
    bench = RemoteBench(host, INVENTORY, SECRETS)
    bench.install([])
    host.passed.clear()
    attempt = cell._Attempt(  # pyright: ignore[reportPrivateUsage] - what `measure_cell` goes through
        bench,
        Cell(number=1, block=1, api="go", scenario=PROTOCOL.scenarios[0]),
        cell.RunContext(inventory=INVENTORY, secrets=SECRETS, protocol=PROTOCOL, token_users={}, wrk_version="4.1.0"),
        tmp_path,
        ignore,
        number=1,
    )
    attempt.put_under_load()
    on_the_host = functions_that_call("Popen", payload.PROGRAMS / "job.py")
    assert [*host.passed, *on_the_host] == ["put_under_load", "measure", "begin", "start", "call", "run", "start"]
