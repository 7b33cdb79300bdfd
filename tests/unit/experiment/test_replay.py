"""The Lua in a real wrk, against a server on loopback that keeps every byte."""

import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import pytest

from analysis.raw.recordings import load_window
from documents.run.protocol import Scenario, Workload
from documents.run.window import WrkResult
from experiment.workloads.command import (
    REPLAY_SCRIPT,
    WHOLE,
    GeneratorPart,
    ReplayPaths,
    generator_threads,
    wrk_command,
)
from experiment.workloads.requests import EXPECTED_STATUS, RequestFile, build_requests
from provision.load.wrk import SERIES_NAME, series_of
from tests.unit.experiment.recording_server import Recorder, recording_server

pytestmark = pytest.mark.alone

SEED = 20260131
WRK_VERSION = "4.1.0"

TIMEOUT_SECONDS = 20
"""Longer than a machine stands still that has others to serve."""

TOKEN = "a.token-of_{}"

GARBAGE_PROBE = """
dofile("{replay}")
local replay_init, replay_done = init, done

-- The replay script replaces the global `request`; this comes between any such function and wrk.
function init(args)
   replay_init(args)
   local inner, calls = request, 0
   request = nil
   local function counted()
      calls = calls + 1
      if calls == 1000 then
         collectgarbage("stop")
         kilobytes_early = collectgarbage("count")
      elseif calls > 1000 then
         kilobytes_late = collectgarbage("count")
         calls_late = calls
      end
      return inner()
   end
   kilobytes_early, kilobytes_late, calls_late = 0, 0, 0
   setmetatable(_G, {{
      __index = function(_, name) return name == "request" and counted or nil end,
      __newindex = function(globals, name, value)
         if name == "request" then inner = value else rawset(globals, name, value) end
      end,
   }})
end

local thread_of
local replay_setup = setup
function setup(thread)
   replay_setup(thread)
   thread_of = thread
end

function done(...)
   replay_done(...)
   print(("probe: %d calls, %f kilobytes"):format(
      thread_of:get("calls_late"), thread_of:get("kilobytes_late") - thread_of:get("kilobytes_early")))
end
"""

BROKEN_STATISTICS = """
dofile("{replay}")
local replay_done = done
local ffi = require("ffi")
function done(summary, latency, requests)
   local stats = ffi.cast("fairground_stats **", latency)[0]
   stats.count = stats.count + 1
   replay_done(summary, latency, requests)
end
"""


@cache
def built(workload: Workload) -> RequestFile:
    return build_requests(workload, SEED)


@dataclass(frozen=True)
class Window:
    """How one wrk ended, and its result if it wrote one."""

    exit_status: int
    stdout: str
    stderr: str
    result: WrkResult | None


@dataclass(frozen=True)
class Wrk:
    """Runs the real wrk in a folder of its own."""

    folder: Path
    paths: ReplayPaths

    def play(
        self,
        port: int,
        workload: Workload,
        *,
        connections: int,
        threads: int = 1,
        seconds: int = 1,
        part: GeneratorPart = WHOLE,
        start_ns: int | None = None,
    ) -> Window:
        scenario = Scenario(name="test", workload=workload, connections=connections, duration_seconds=seconds)
        command = wrk_command(
            scenario,
            self.paths,
            port=port,
            threads=threads,
            duration_seconds=seconds,
            timeout_seconds=TIMEOUT_SECONDS,
            wrk_version=WRK_VERSION,
            part=part,
            start_ns=start_ns,
        )
        ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        output = Path(self.paths.output)
        result = WrkResult.from_json(output.read_bytes(), name="wrk.json") if output.exists() else None
        return Window(ended.returncode, ended.stdout, ended.stderr, result)

    def write_requests(self, workload: Workload) -> None:
        Path(self.paths.requests).write_bytes(built(workload).data)

    def with_series(self) -> "Wrk":
        return replace(self, paths=replace(self.paths, series=str(self.folder / SERIES_NAME)))

    def with_script(self, text: str) -> "Wrk":
        script = self.folder / "probe.lua"
        script.write_text(text.format(replay=REPLAY_SCRIPT))
        return replace(self, paths=replace(self.paths, script=str(script)))


@pytest.fixture
def wrk(tmp_path: Path) -> Wrk:
    assert shutil.which("wrk"), "wrk is not installed: apt-get install wrk"
    paths = ReplayPaths(
        script=str(REPLAY_SCRIPT),
        requests=str(tmp_path / "requests"),
        tokens=str(tmp_path / "tokens"),
        output=str(tmp_path / "wrk.json"),
    )
    (tmp_path / "tokens").write_text("".join(f"{user} {TOKEN.format(user)}\n" for user in range(1, 1_001)))
    return Wrk(tmp_path, paths)


@pytest.fixture
def server() -> Iterator[Recorder]:
    with recording_server() as recorder:
        yield recorder


def on_the_wire(file: RequestFile, port: int) -> list[bytes]:
    """The requests of a file as they must arrive."""
    requests: list[bytes] = []
    position = 0
    while position < len(file.data):
        line_end = file.data.index(b"\n", position)
        head_length, body_length = map(int, file.data[position:line_end].split())
        head = file.data[line_end + 1 : line_end + 1 + head_length].replace(b"{host}", b"127.0.0.1:%d" % port)
        head = re.sub(rb"\{token:(\d+)\}", lambda match: TOKEN.format(match[1].decode()).encode(), head)
        position = line_end + 1 + head_length + body_length + 1
        requests.append(head + file.data[position - 1 - body_length : position - 1])
    return requests


def by_connection(recorder: Recorder) -> list[list[bytes]]:
    """What each connection sent, in its order; wrk's first connection only tries the address and sends nothing."""
    sent: dict[int, list[bytes]] = {}
    for received in recorder.received:
        sent.setdefault(received.connection, []).append(received.data)
    return list(sent.values())


def cycled(requests: list[bytes], length: int) -> list[bytes]:
    return [requests[index % len(requests)] for index in range(length)]


IN_THE_GATE: tuple[Workload, ...] = ("mixed", "read-me", "upload")
"""Workloads of each kind: several routes, tokens, and bodies."""


@pytest.mark.parametrize(
    "workload",
    [
        *IN_THE_GATE,
        *(pytest.param(name, marks=pytest.mark.nightly) for name in EXPECTED_STATUS if name not in IN_THE_GATE),
    ],
)
def test_one_thread_replays_the_file_byte_for_byte_and_wrk_json_records_it(
    wrk: Wrk, server: Recorder, workload: Workload
):
    wrk.write_requests(workload)
    before_ns = time.monotonic_ns()
    window = wrk.play(server.port, workload, connections=1)
    after_ns = time.monotonic_ns()
    assert window.exit_status == 0, window.stderr
    [sent] = by_connection(server)
    assert len(sent) > 200
    assert sent == cycled(on_the_wire(built(workload), server.port), len(sent))
    result = window.result
    assert result is not None
    assert (result.workload, result.threads, result.connections) == (workload, 1, 1)
    assert (result.wrk_version, result.duration_seconds, result.timeout_seconds) == (WRK_VERSION, 1, TIMEOUT_SECONDS)
    assert result.elapsed_us >= 1_000_000
    load = load_window(result)
    assert before_ns < load.start_ns
    assert load.end_ns < after_ns
    # The last one may be under way when the load ends, and a server that was held up reads it whenever it can.
    assert server.received[-2].at * 1e9 < load.end_ns
    assert 0 <= len(sent) - result.requests <= 1, "only what was in flight at the end may be missing"
    assert result.errors.total == 0
    assert sum(count for _, count in result.latency.histogram) == result.latency.count >= result.requests
    assert result.latency.histogram[0][0] == result.latency.minimum_us
    assert result.latency.histogram[-1][0] == result.latency.maximum_us
    expected = None if workload == "mixed" else {str(EXPECTED_STATUS[workload]): result.requests}
    assert result.statuses == expected


def test_several_wrks_replay_each_request_once_between_them(wrk: Wrk, server: Recorder):
    wrk.write_requests("upload")
    requests = on_the_wire(built("upload"), server.port)
    for number in range(2):
        wrk.play(server.port, "upload", connections=2, threads=2, part=GeneratorPart(number, of=2))
        Path(wrk.paths.output).unlink()
    sent = by_connection(server)
    assert len(sent) == 4
    places = sorted(requests.index(of_one[0]) for of_one in sent)
    assert places == [0, 1, 2, 3], "each thread begins with another one"
    for of_one in sent:
        own = requests[requests.index(of_one[0]) :: 4]
        assert of_one == cycled(own, len(of_one))


def test_the_load_begins_at_its_start_time_with_its_whole_length(wrk: Wrk, server: Recorder):
    wrk.write_requests("read-post")
    wait_ns = 3_000_000_000
    start_ns = time.monotonic_ns() + wait_ns
    result = wrk.play(server.port, "read-post", connections=4, threads=4, start_ns=start_ns).result
    assert result is not None
    window = load_window(result)
    assert start_ns - 1_000_000 <= window.start_ns < start_ns + wait_ns
    assert 1_000_000 <= result.elapsed_us < wait_ns // 1_000, "nothing of the wait is in the window"
    early = [received for received in server.received if received.at * 1e9 < start_ns and received.data]
    assert early == []


@pytest.mark.nightly
def test_no_thread_sends_before_all_are_ready(wrk: Wrk, server: Recorder):
    """The 23 MB of update-post take each thread some 60 ms to build; none of that may be counted as load."""
    wrk.write_requests("update-post")
    wrk.play(server.port, "update-post", connections=2, threads=2)
    starts = {received.connection: received.at for received in reversed(server.received)}
    assert len(starts) == 2
    earlier, later = sorted(starts.values())
    assert later - earlier < 0.02


@pytest.mark.parametrize(("connections", "cpus"), [(10, 4), pytest.param(500, 2, marks=pytest.mark.nightly)])
def test_all_connections_are_opened(wrk: Wrk, server: Recorder, connections: int, cpus: int):
    wrk.write_requests("read-user")
    wrk.play(server.port, "read-user", connections=connections, threads=generator_threads(connections, cpus))
    assert len(by_connection(server)) == connections


@pytest.mark.parametrize("counted", [False, True], ids=["load", "warm-up"])
def test_a_request_leaves_no_garbage(wrk: Wrk, server: Recorder, counted: bool):
    wrk.write_requests("mixed")
    probed = (wrk.with_series() if counted else wrk).with_script(GARBAGE_PROBE)
    window = probed.play(server.port, "mixed", connections=10, seconds=2)
    assert any(wrk.folder.glob(f"{SERIES_NAME}.*")) is counted
    match = re.search(r"probe: (\d+) calls, ([\d.-]+) kilobytes", window.stdout)
    assert match, window.stdout + window.stderr
    # It looks from the thousandth call on.
    calls = int(match[1]) - 1_000
    assert calls > 1_000
    assert 1024 * float(match[2]) / calls < 4, "one object a request would be 16 bytes or more"


def told_series(wrk: Wrk, threads: int) -> tuple[int, ...]:
    return series_of("".join(path.read_text() for path in wrk.folder.glob(f"{SERIES_NAME}.*")), threads)


def test_a_warm_up_records_the_requests_of_each_whole_second(wrk: Wrk, server: Recorder):
    wrk.write_requests("read-user")
    begun = time.monotonic()
    window = wrk.with_series().play(server.port, "read-user", connections=2, threads=2, seconds=3)
    assert window.result is not None
    series = told_series(wrk, 2)
    # Each thread has one connection, and the next request when the last one is answered. Its seconds begin at its first
    # request: after wrk was started, and before that request arrived.
    arrivals: dict[int, list[float]] = {}
    for received in server.received:
        arrivals.setdefault(received.connection, []).append(received.at)
    assert len(arrivals) == 2
    for seconds in range(1, len(series) + 1):
        least = sum(at < begun + seconds for ats in arrivals.values() for at in ats)
        most = sum(at < ats[0] + seconds for ats in arrivals.values() for at in ats)
        assert least <= sum(series[:seconds]) <= most + len(arrivals)
    # Of two requests that arrive after a second's end, the later one was sent after it, and shows it.
    over = [sum(sum(at > ats[0] + end for at in ats) >= 2 for end in (1, 2, 3)) for ats in arrivals.values()]
    assert min(over) <= len(series)
    assert sum(series) <= window.result.requests + len(arrivals)


def test_a_second_without_answers_is_reported_as_a_zero(wrk: Wrk):
    asked = 0

    def pausing(_first_line: bytes) -> int:
        nonlocal asked
        asked += 1
        if asked == 500:
            time.sleep(2.5)
        return 200

    wrk.write_requests("read-user")
    with recording_server(pausing) as server:
        wrk.with_series().play(server.port, "read-user", connections=1, seconds=5)
    assert 0 in told_series(wrk, 1)


def test_statuses_are_counted_and_wrk_counts_errors_from_400_on(wrk: Wrk):
    def answer(first_line: bytes) -> int:
        return {b"1": 404, b"2": 302}.get(first_line.split()[1][-1:], 200)

    wrk.write_requests("read-user")
    with recording_server(answer) as server:
        window = wrk.play(server.port, "read-user", connections=4, threads=2)
    result = window.result
    assert result is not None
    assert result.statuses is not None
    assert set(result.statuses) == {"200", "302", "404"}
    assert sum(result.statuses.values()) == result.requests
    assert result.errors.status == result.statuses["404"]


def test_a_hung_server_gives_a_result_without_requests(wrk: Wrk):
    wrk.write_requests("read-user")
    with recording_server(lambda _: None) as server:
        window = wrk.play(server.port, "read-user", connections=4)
    assert window.exit_status == 0
    assert window.result is not None
    assert window.result.requests == 0
    assert window.result.latency.histogram == ()


def test_a_refused_connection_leaves_no_result(wrk: Wrk, server: Recorder):
    wrk.write_requests("read-user")
    unused = server.port
    with recording_server() as other:
        unused = other.port
    window = wrk.play(unused, "read-user", connections=4)
    assert window.exit_status != 0
    assert window.result is None
    assert "Connection refused" in window.stdout + window.stderr


def test_a_histogram_that_disagrees_with_the_count_is_refused(wrk: Wrk, server: Recorder):
    wrk.write_requests("read-user")
    window = wrk.with_script(BROKEN_STATISTICS).play(server.port, "read-user", connections=4)
    assert window.exit_status == 3
    assert window.result is None
    assert "but wrk counts" in window.stderr


def test_a_token_that_is_missing_is_reported_before_any_request(wrk: Wrk, server: Recorder):
    wrk.write_requests("read-me")
    (wrk.folder / "tokens").write_text("1 only-one\n")
    window = wrk.play(server.port, "read-me", connections=4)
    assert window.exit_status == 3
    assert re.search(r"there is no token for user \d+", window.stderr)
    assert not server.received


@pytest.mark.parametrize(("kept", "message"), [(-5, "is cut off or damaged"), (0, "has fewer requests")])
def test_a_request_file_that_is_cut_off_is_refused(wrk: Wrk, server: Recorder, kept: int, message: str):
    (wrk.folder / "requests").write_bytes(built("read-user").data[:kept])
    window = wrk.play(server.port, "read-user", connections=4)
    assert window.exit_status == 3
    assert message in window.stderr
    assert not server.received


@pytest.mark.parametrize("member", ["output", "series"])
def test_what_cannot_be_written_is_reported(wrk: Wrk, server: Recorder, member: str):
    wrk.write_requests("read-user")
    elsewhere = replace(wrk, paths=replace(wrk.paths, **{member: str(wrk.folder / "missing" / "file")}))
    window = elsewhere.play(server.port, "read-user", connections=4)
    assert window.exit_status == 3
    assert "cannot write" in window.stderr


def test_no_token_is_in_the_result_the_output_or_the_command(wrk: Wrk, server: Recorder):
    wrk.write_requests("read-me")
    window = wrk.play(server.port, "read-me", connections=4)
    assert any(b"token-of" in received.data for received in server.received)
    assert "token-of" not in (wrk.folder / "wrk.json").read_text() + window.stdout + window.stderr
