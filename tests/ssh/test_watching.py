"""The watch over a real host: what it sees of a load that it knows of, and what it says when it can't go on."""

import os
import socket
import time
from pathlib import Path

import pytest

from analysis.raw.recordings import read_ticks
from documents.errors import HostError
from provision.containers.cgroups import Cgroup
from provision.load import jobs, recording
from provision.ssh.connection import Connection

CPUS = sorted(os.sched_getaffinity(0))

BURN = "import time\nends_at = time.process_time() + 0.8\nwhile time.process_time() < ends_at: pass"


def test_the_watch_sees_what_a_cgroup_used_and_waited_and_the_connections(
    connection: Connection, cgroup: Cgroup, tmp_path: Path
):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(4)]
        watch = recording.start_watch(
            connection,
            str(tmp_path / "watch"),
            {"generator": cgroup},
            lab_cpus=CPUS,
            port=port,
            deadline_seconds=60,
        )
        work = jobs.start(
            connection,
            str(tmp_path / "work"),
            ["python3", "-c", BURN],
            cpus=[CPUS[0]],
            cgroup=cgroup,
            deadline_seconds=60,
        )
        jobs.wait(connection, work)
        time.sleep(2 * recording.TICK_SECONDS)
        recording.finish(connection, watch, recording.WATCH, tmp_path / "ticks.jsonl")
        for client in clients:
            client.close()
    ticks = read_ticks((tmp_path / "ticks.jsonl").read_bytes(), name="ticks.jsonl")
    first, last = ticks[0], ticks[-1]
    assert (last.used_ns["generator"] - first.used_ns["generator"]) / 1e9 > 0.7
    assert any(tick.generator is not None and tick.generator.ran_ns > 0.2e9 for tick in ticks)
    assert {tick.connections for tick in ticks} == {4}
    assert last.silent_ms is not None
    assert len(last.silent_ms) == 4
    busy_ms = (last.time_ns - first.time_ns) / 1e6 - (last.cpus[CPUS[0]].idle - first.cpus[CPUS[0]].idle)
    assert busy_ms > 700
    assert {len(tick.cpus) for tick in ticks} == {len(CPUS)}


def test_a_spin_is_done_on_each_cpu(connection: Connection):
    spins = recording.spin(connection, CPUS)
    assert [spin.cpu for spin in spins] == CPUS
    assert all(0.003e9 < spin.cpu_ns < 0.3e9 for spin in spins)


def test_a_spin_that_cannot_be_done_is_reported(connection: Connection):
    with pytest.raises(HostError, match=r"calibration spin on .* failed.*no spin on the CPU 1000"):
        recording.spin(connection, [1000])
