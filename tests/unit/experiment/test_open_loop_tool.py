"""The open loop's own generator, built by Go as its go.mod says and run against real sockets on loopback.

What Go itself finds wrong with it, and whether its own tests are green, is checked by tests/apis/test_checks.py.
"""

import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from analysis.cells.open_loop import read_durations
from analysis.raw.recordings import load_window
from documents.lab.inventory import LOOPBACK
from documents.run.protocol import Scenario, Workload
from documents.run.window import OpenLoopResult
from experiment.voids import window_voids
from experiment.workloads.command import OPEN_LOOP_SOURCE, WHOLE, ReplayPaths, open_loop_command
from experiment.workloads.requests import MIXED_SHARES, build_requests
from toolchain.console import Step
from toolchain.go_toolchain import Go, ensure_go, find_go
from toolchain.layout import Layout

MINIMUM_GO = "1.26.0"
SEED = 20260131


@pytest.fixture(scope="module")
def go(tmp_path_factory: pytest.TempPathFactory) -> Go:
    """The machine's Go; where it has none, the one that the toolchain would fetch."""
    found = find_go(MINIMUM_GO)
    if found is not None:
        return found
    folder = tmp_path_factory.mktemp("go")
    return ensure_go(Step("Go", folder / "log"), Layout(Path(__file__).parents[3], folder))


@pytest.fixture(scope="module")
def program(go: Go, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("open-loop")
    output = folder / "open-loop"
    go.build(Step("open-loop", folder / "log"), OPEN_LOOP_SOURCE, packages=["."], flags=[], output=output)
    return output


@contextmanager
def server(answer: Callable[[BaseHTTPRequestHandler], None]) -> Generator[int]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # In one piece: in two, the second waits up to 40 ms for the first to be acknowledged.
        wbufsize = 65_536

        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", "0")))
            answer(self)
            self.send_response(201 if self.command == "POST" else 200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        do_GET = do_POST = do_PUT = _answer  # noqa: N815 - the base class looks for these names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
            del format, args

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

    with Server(("127.0.0.1", 0), Handler) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield listening.server_address[1]
        listening.shutdown()


def play(
    program: Path,
    folder: Path,
    port: int,
    workload: Workload,
    *,
    rate: int,
    seconds: int,
    connections: int = 20,
    start_ns: int | None = None,
) -> OpenLoopResult:
    requests = build_requests(workload, SEED)
    (folder / "requests").write_bytes(requests.data)
    (folder / "tokens").write_text("".join(f"{user} token-{user}\n" for user in requests.users))
    output = folder / "open-loop.json"
    paths = ReplayPaths(str(program), str(folder / "requests"), str(folder / "tokens"), str(output))
    scenario = Scenario(name="test", workload=workload, connections=connections, duration_seconds=seconds)
    command = open_loop_command(
        scenario,
        paths,
        address=LOOPBACK,
        port=port,
        rate=rate,
        duration_seconds=seconds,
        timeout_seconds=2,
        part=WHOLE,
        start_ns=start_ns,
    )
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    return OpenLoopResult.from_json(output.read_bytes(), name="open-loop.json")


@pytest.mark.alone
def test_it_plays_the_request_file_of_the_closed_loop_and_its_result_is_read(program: Path, tmp_path: Path):
    seen: list[tuple[str, str | None]] = []
    with server(lambda request: seen.append((request.command, request.headers["Authorization"]))) as port:
        before_ns = time.monotonic_ns()
        result = play(program, tmp_path, port, "mixed", rate=100, seconds=2, connections=8)
        after_ns = time.monotonic_ns()
    assert result.requests == result.sent_in_window == len(seen) == 200
    methods = Counter(method for method, _ in seen)
    assert methods == {
        "GET": 2 * sum(MIXED_SHARES[route] for route in ("read-post", "list-posts", "read-user")),
        "POST": 2 * MIXED_SHARES["create-post"],
        "PUT": 2 * MIXED_SHARES["update-post"],
    }, "a hundred requests of the file have exact shares, in any order within a moment"
    assert all((token or "").startswith("Bearer token-") == (method != "GET") for method, token in seen)
    assert window_voids(result, "mixed") == []
    window = load_window(result)
    assert before_ns < window.start_ns < window.end_ns < after_ns
    assert window.end_ns - window.start_ns > 1.98e9
    assert 1 <= result.connections_opened <= 8
    assert read_durations(result.latency, name="x").count == read_durations(result.lateness, name="x").count == 200
    [line] = [line for line in (OPEN_LOOP_SOURCE / "go.mod").read_text().splitlines() if "tsenart/vegeta" in line]
    assert line.split()[-1] == result.vegeta_version


@pytest.mark.alone
@pytest.mark.nightly
def test_it_begins_at_its_start_time_and_no_latency_includes_the_wait(program: Path, tmp_path: Path):
    with server(lambda _request: None) as port:
        wait_ns = 3_000_000_000
        start_ns = time.monotonic_ns() + wait_ns
        result = play(program, tmp_path, port, "read-post", rate=50, seconds=1, start_ns=start_ns)
    assert start_ns <= result.started_ns < start_ns + wait_ns
    assert result.lateness.maximum_us < wait_ns / 1_000


def test_without_its_files_it_says_what_is_missing_and_leaves_nothing(program: Path, tmp_path: Path):
    scenario = Scenario(name="test", workload="mixed", connections=1, duration_seconds=1)
    paths = ReplayPaths(str(program), str(tmp_path / "requests"), str(tmp_path / "tokens"), str(tmp_path / "out.json"))
    command = open_loop_command(
        scenario, paths, address=LOOPBACK, port=1024, rate=1, duration_seconds=1, timeout_seconds=1, part=WHOLE
    )
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 3
    assert "tokens: no such file" in done.stderr
    assert list(tmp_path.iterdir()) == []
