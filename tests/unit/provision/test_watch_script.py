"""The script that watches a host, on this very machine: connections, and what it makes of the kernel's files."""

import os
import runpy
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

SCRIPT = Path(__file__).parents[3] / "provision" / "payload" / "watch.py"
watch: dict[str, Any] = runpy.run_path(str(SCRIPT))


def test_connections_are_counted_and_those_that_get_no_answer_are_reported():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(5)]
        accepted = [server.accept()[0] for _ in range(3)]
        for side in (accepted[0], clients[3]):
            side.sendall(b"x")
        time.sleep(1.2)
        accepted[1].sendall(b"x")
        try:
            count, silent = watch["connections_to"](port)
            assert watch["established"](port) == 5
        finally:
            for side in (*clients, *accepted):
                side.close()
    assert count == 5
    assert silent is not None
    assert len(silent) == 4, "the server sent something on one of five in the last second; two it never accepted"
    assert all(1_000 <= silence < 30_000 for silence in silent)


def test_a_connection_over_the_other_family_counts_as_well():
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            assert watch["connections_to"](port)[0] == 1
            assert watch["established"](port) == 1


def test_without_the_kernels_list_connections_are_counted_and_silence_is_not_guessed(monkeypatch: pytest.MonkeyPatch):
    def barred(_port: int) -> None:
        raise PermissionError

    monkeypatch.setitem(watch["connections_to"].__globals__, "ask_kernel", barred)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            assert watch["connections_to"](port) == (1, None)


def test_the_supervisor_of_a_load_is_no_thread_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "cgroup.procs").write_text(f"{os.getppid()}\n{os.getpid()}\n")
    files = {
        f"/proc/{os.getppid()}/comm": "lab-job\n",
        f"/proc/{os.getpid()}/comm": "wrk\n",
    }

    def answer(path: str) -> str:
        return files[path] if path in files else Path(path).read_text()

    monkeypatch.setitem(watch["scheduled"].__globals__, "read", answer)
    ran, waited, threads = watch["scheduled"](str(tmp_path))
    assert ran > 0
    assert waited >= 0
    assert threads == len(list(Path("/proc/self/task").iterdir()))


STAT = """\
cpu  34560 56953 24939 42975 1125 0 559 407 0 0
cpu0 15108 28155 11266 25821 139 0 59 211 0 0
cpu1 19451 28797 13673 17154 985 0 499 195 7 0
intr 802517 0 0
ctxt 1
"""


def test_cpu_times_are_in_milliseconds_and_of_the_cpus_asked_for():
    found = watch["cpu_times"](STAT, {1}, 100)
    assert found == {"1": [194_510, 287_970, 136_730, 171_540, 9_850, 0, 4_990, 1_950]}


def test_a_cpu_that_the_kernel_does_not_list_is_reported():
    with pytest.raises(ValueError, match=r"/proc/stat has only the CPUs \['0'\] of \[0, 9\]"):
        watch["cpu_times"](STAT, {0, 9}, 100)


def cgroup_tree(folder: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str]) -> Path:
    root = folder / "cgroup"
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.setitem(watch["throttled"].__globals__, "CGROUPS", root)
    return root


V2_STAT = """\
usage_usec 508710618
user_usec 406925841
system_usec 101784777
nice_usec 337724280
nr_periods 80
nr_throttled 3
throttled_usec 250
nr_bursts 0
burst_usec 0
"""
V1_STAT = """\
nr_periods 80
nr_throttled 4
throttled_time 7000
nr_bursts 0
burst_time 0
"""


def test_quotas_of_a_cgroup_and_of_those_above_it_are_read_on_v2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    root = cgroup_tree(tmp_path, monkeypatch, {"pod/api/cpu.stat": "usage_usec 9\n", "pod/cpu.stat": V2_STAT})
    role = {"version": 2, "cpu": str(root / "pod" / "api")}
    assert watch["throttled"]([role]) == {str(root / "pod"): [3, 250_000]}


def test_quotas_are_found_in_v1s_own_hierarchy_by_the_roles_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    root = cgroup_tree(
        tmp_path, monkeypatch, {"cpuacct/api/cgroup.procs": f"{os.getpid()}\n", "cpu,x/pod/cpu.stat": V1_STAT}
    )
    read = watch["read"]

    def answer(path: str) -> str:
        return "4:memory:/m\n3:cpu,x:/pod/api\n0::/\n" if path.startswith("/proc/") else read(path)

    monkeypatch.setitem(watch["throttled"].__globals__, "read", answer)
    role = {"version": 1, "cpu": str(root / "cpuacct" / "api")}
    assert watch["throttled"]([role]) == {str(root / "cpu,x" / "pod"): [4, 7_000]}


def test_a_v1_cgroup_without_a_process_has_no_quota_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    root = cgroup_tree(tmp_path, monkeypatch, {"cpuacct/generator/cgroup.procs": ""})
    assert watch["throttled"]([{"version": 1, "cpu": str(root / "cpuacct" / "generator")}]) == {}


PRESSURE = {
    "cpu": "some avg10=38.89 avg60=59.05 avg300=32.44 total=136518002\n",
    "memory": """\
some avg10=0.00 avg60=0.00 avg300=0.00 total=0
full avg10=0.00 avg60=0.00 avg300=0.00 total=0
""",
    "io": """\
some avg10=5.32 avg60=1.21 avg300=0.75 total=6437104
full avg10=3.70 avg60=0.73 avg300=0.54 total=5076650
""",
}


def test_pressure_is_read_with_and_without_the_line_that_old_kernels_lack(monkeypatch: pytest.MonkeyPatch):
    def answer(path: str) -> str:
        return PRESSURE[Path(path).name]

    monkeypatch.setitem(watch["pressure"].__globals__, "read", answer)
    assert watch["pressure"]() == {"cpu": [136_518_002, 0], "memory": [0, 0], "io": [6_437_104, 5_076_650]}


def test_a_kernel_without_pressure_is_said_to_have_none(monkeypatch: pytest.MonkeyPatch):
    def absent(path: str) -> str:
        raise FileNotFoundError(path)

    monkeypatch.setitem(watch["pressure"].__globals__, "read", absent)
    assert watch["pressure"]() is None


def test_a_file_that_is_kept_open_is_read_again_completely(tmp_path: Path):
    path = tmp_path / "counters"
    path.write_text("first")
    assert watch["read"](str(path)) == "first"
    long = "second " * 20_000
    path.write_text(long)
    assert watch["read"](str(path)) == long


def test_a_file_that_went_with_its_process_is_reported_by_name_and_forgotten():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        path = f"/proc/{process.pid}/schedstat"
        assert watch["read"](path)
        process.communicate(b"\n")
    with pytest.raises(OSError, match=path):
        watch["read"](path)
    assert path not in watch["open_files"]


OTHER_ATTRIBUTES = st.lists(st.tuples(st.sampled_from([5, 8, 15]), st.integers(0, 9)), max_size=3)


@given(
    messages=st.lists(st.tuples(OTHER_ATTRIBUTES, st.none() | st.integers(0, 2**32 - 1)), max_size=30),
    copies=st.integers(1, 4),
    last=st.booleans(),
)
def test_silences_are_read_from_messages_of_any_shapes(
    messages: list[tuple[list[tuple[int, int]], int | None]], copies: int, last: bool
):
    answer = b""
    expected: list[int] = []
    for others, silence in messages:
        body = bytes(72)
        for name, octets in others:
            body += struct.pack("=HH", 4 + octets, name) + bytes(octets + -octets % 4)
        if silence is not None:
            body += struct.pack("=HH", 4 + 64, 2) + bytes(44) + struct.pack("=I", silence) + bytes(16)
            expected += [silence] * copies
        answer += copies * (struct.pack("=IHHII", 16 + len(body), 18, 0, 1, 0) + body)
    answer += struct.pack("=IHHII", 20, 3, 0, 1, 0) + bytes(4) if last else b""
    silences_in: Callable[[bytes], Generator[int, None, bool]] = watch["silences_in"]
    ended: list[bool] = []

    def read() -> Generator[int]:
        ended.append((yield from silences_in(answer)))

    assert list(read()) == expected
    assert ended == [last]
