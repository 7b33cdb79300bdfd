"""wrk as a detached job: its result, its failures, its own cgroup and CPUs."""

import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from documents.errors import HostError
from documents.lab.host import CoreLayout
from provision.containers.cgroups import Cgroup
from provision.load import jobs, wrk
from provision.ssh.connection import Connection
from tests.ports import free_port

LAYOUT = CoreLayout(api=(0,), postgres=(0,), redis=(0,), generator=(1,), system=(0,), shared=True)

SCRIPT = """
function done(summary, latency, requests)
   local file = io.open("wrk.json", "w")
   file:write(string.format('{"version":2,"wrk_version":"4.1.0","workload":"read-post","threads":1,"connections":2,'
      .. '"timeout_seconds":2,"duration_seconds":1,"elapsed_us":%d,"ended_ns":5000000000,'
      .. '"requests":%d,"bytes":%d,"errors":{"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d},'
      .. '"latency":{"count":0,"minimum_us":0,"maximum_us":0,'
      .. '"histogram":[]},"statuses":null}', summary.duration, summary.requests, summary.bytes,
      summary.errors.connect, summary.errors.read, summary.errors.write, summary.errors.status,
      summary.errors.timeout))
   file:close()
end
"""


class Hello(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
        del format, args


@pytest.fixture
def port() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Hello) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.fixture
def job_directory(tmp_path: Path) -> Path:
    """The job's folder, with what the experiment puts there before the load."""
    directory = tmp_path / "job"
    directory.mkdir()
    (directory / "replay.lua").write_text(SCRIPT)
    (directory / "tokens").write_text("a token")
    return directory


def command(port: int, seconds: int = 1) -> list[str]:
    return ["wrk", "-t1", "-c2", f"-d{seconds}s", "-s", "replay.lua", f"http://127.0.0.1:{port}/"]


def test_the_result_and_the_text_are_fetched_and_nothing_else(
    connection: Connection, cgroup: Cgroup, port: int, job_directory: Path, tmp_path: Path
):
    before = Path(cgroup.cpu_file).read_text()
    job = jobs.start(
        connection, str(job_directory), command(port), cpus=LAYOUT.generator, cgroup=cgroup, deadline_seconds=20
    )
    threads = [int(path.name) for path in Path(f"/proc/{job.process_id}/task").iterdir()]
    assert {frozenset(os.sched_getaffinity(thread)) for thread in threads} == {frozenset(LAYOUT.generator)}
    folder = tmp_path / "cell"
    folder.mkdir()
    result = wrk.finish(connection, job, folder)
    assert result.requests > 0
    assert result.errors.total == 0
    assert 1e9 < result.ended_ns - result.started_ns < 4e9
    assert sorted(path.name for path in folder.iterdir()) == ["wrk.json", "wrk.txt"]
    assert "Requests/sec:" in (folder / "wrk.txt").read_text()
    after = Path(cgroup.cpu_file).read_text()
    assert before != after, "its CPU time is accounted for in its own cgroup"


def test_an_api_that_is_not_there_is_a_failure_with_wrks_own_words(
    connection: Connection, cgroup: Cgroup, job_directory: Path, tmp_path: Path
):
    job = jobs.start(
        connection, str(job_directory), command(free_port()), cpus=LAYOUT.generator, cgroup=cgroup, deadline_seconds=20
    )
    with pytest.raises(HostError, match=r"wrk on .* unable to connect"):
        wrk.finish(connection, job, tmp_path)
    assert not (tmp_path / "wrk.json").exists()


def test_the_generators_cgroup_lies_beside_the_containers_and_accounts(connection: Connection, cgroup: Cgroup):
    inner = cgroup.model_copy(
        update={"directories": {name: f"{path}/container" for name, path in cgroup.directories.items()}}
    )
    made = wrk.generator_cgroup(connection, inner)
    try:
        assert made.directories["memory"] == f"{cgroup.directories['memory']}/generator"
        assert Path(made.memory_file).exists()
        assert wrk.generator_cgroup(connection, inner) == made, "making it again changes nothing"
    finally:
        for directory in set(made.directories.values()):
            Path(directory).rmdir()
