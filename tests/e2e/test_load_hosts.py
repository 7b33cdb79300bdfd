"""A whole run whose load comes from two load hosts, over a network of their own, with an open loop after it."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from analysis.load_hosts import load_host_file
from analysis.report import analyse
from documents.inventory import Inventory, LoadHost
from documents.load import WrkResult
from documents.network import CellClocks
from documents.open_loop import OpenLoopResult
from documents.protocol import OpenLoop, Protocol, Scenario
from documents.run import CellRecord, HostRecord
from experiment import disturbances
from experiment.run import resume_run, start_run
from provision import network
from provision.connection import connect
from tests.conftest import LiveLab
from tests.e2e.load_host_run import allow_neighbours
from tests.e2e.second_host import apis_at, install_iperf3, private_address, second_host, with_load_hosts
from tests.ssh.waiting import wait_until

pytestmark = pytest.mark.alone

PROTOCOL = Protocol(
    version=1,
    name="tiny",
    blocks=1,
    warm_up_seconds=2,
    scenarios=(Scenario(name="light", workload="mixed", connections=10, duration_seconds=3),),
    twin=False,
    open_loop=OpenLoop(scenario="light", shares=(0.5,), seconds=2, blocks=1),
)

API = "go"


@pytest.fixture(scope="module")
def inventory(live_lab: LiveLab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inventory]:
    """The lab's, with two load hosts, and the API at the address where these reach it."""
    first, folder = live_lab.inventory, tmp_path_factory.mktemp("load-hosts")
    with ExitStack() as stack:
        hosts = [stack.enter_context(second_host(live_lab.stack, first.host, folder)) for _ in range(2)]
        for host in (first.host, *(one.host for one in hosts)):
            install_iperf3(host)
        address = private_address(f"fairground-{live_lab.stack}-host")
        connection = stack.enter_context(connect(first.host))
        stack.enter_context(apis_at(connection, [first.api(API)], address))
        changed = with_load_hosts(first, hosts, address)
        yield changed.model_copy(update={"apis": (first.api(API),)})


@pytest.fixture
def neighbours() -> Iterator[None]:
    """All hosts here are one machine, so each is a neighbour of the others. What is tried is the road, not the host."""
    names = [name for name in vars(disturbances) if name.endswith(("_MOST", "_LEAST"))]
    limits = {name: getattr(disturbances, name) for name in names}
    allow_neighbours()
    yield
    for name, limit in limits.items():
        setattr(disturbances, name, limit)


def left_on_one(load_host: LoadHost) -> list[str]:
    """What of a run is left on a load host: in the lab's folder, but for what stays there, and by names of commands."""
    with connect(load_host.host) as connection:
        listed = connection.run(["ls", "/var/lib/fairground"], deadline_seconds=10).stdout.split()
        running = connection.run("ps -e -o comm= | grep -E '^(wrk|open-loop|lab-)' || true", deadline_seconds=10).stdout
    kept = {"cgroup", "run.lock", "open-loop", "knobs.pyz"}
    return [*(name for name in listed if name not in kept), *running.split()]


def left_on(hosts: Sequence[LoadHost]) -> list[str]:
    """What of a run is left on load hosts."""
    return [name for one in hosts for name in left_on_one(one)]


def test_a_run_from_two_load_hosts_is_one_load(
    live_lab: LiveLab, inventory: Inventory, tmp_path: Path, neighbours: None
):
    del neighbours
    run = start_run(inventory, live_lab.secrets, PROTOCOL, tmp_path, order_seed=1, progress=lambda _event: None)
    host = HostRecord.from_json((run / "host.json").read_bytes(), name="host.json")
    for record in host.load_hosts:
        assert record.after is not None
        for look in (record.before, record.after):
            # One kernel has one clock.
            assert abs(look.network.clock.offset_ns) <= look.network.clock.error_ns
            assert look.network.bandwidth is not None
    records = [
        CellRecord.from_json(path.read_bytes(), name=str(path)) for path in sorted(run.glob("cells/*/cell.json"))
    ]
    valid = [record for record in records if record.valid]
    assert len(valid) == 2, [record.voids for record in records]
    closed, opened = (run / "cells" / record.attempt_id for record in valid)

    parts = [
        WrkResult.from_json((closed / load_host_file(number, "wrk.json")).read_bytes(), name="part")
        for number in (1, 2)
    ]
    merged = WrkResult.from_json((closed / "wrk.json").read_bytes(), name="wrk.json")
    assert [part.connections for part in parts] == [5, 5]
    assert merged.connections == 10
    assert merged.requests == sum(part.requests for part in parts) > 100
    CellClocks.from_json((closed / "clocks.json").read_bytes(), name="clocks.json")
    assert "generator" not in (closed / "samples.csv").read_text()
    assert not (closed / "wrk.txt").exists()

    attacks = [
        OpenLoopResult.from_json((opened / load_host_file(number, "open-loop.json")).read_bytes(), name="part")
        for number in (1, 2)
    ]
    whole = OpenLoopResult.from_json((opened / "open-loop.json").read_bytes(), name="open-loop.json")
    assert whole.rate == sum(attack.rate for attack in attacks)
    assert whole.latency.count == sum(attack.latency.count for attack in attacks)

    report = analyse(run)
    [cell] = report.cells
    assert cell.load_hosts is not None
    assert cell.load_hosts.start_skew_seconds < 0.1
    assert cell.usage["generator"].cpu_cores > 0
    assert report.load_hosts[1].differences == ()
    assert left_on(inventory.load_hosts) == []
    tokens = [path for path in run.rglob("*") if path.is_file() and b"eyJ" in path.read_bytes()]
    assert tokens == []


def test_a_killed_run_leaves_its_load_on_the_load_hosts_and_a_resume_ends_it(
    live_lab: LiveLab, inventory: Inventory, tmp_path: Path, neighbours: None
):
    del neighbours
    longer = PROTOCOL.scenarios[0].model_copy(update={"duration_seconds": 20})
    protocol = PROTOCOL.model_copy(update={"scenarios": (longer,), "open_loop": None})
    documents = (inventory, live_lab.secrets, protocol)
    running = subprocess.Popen(
        [sys.executable, "-m", "tests.e2e.load_host_run", str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert running.stdin is not None
    assert running.stdout is not None
    running.stdin.write("\n".join(document.model_dump_json() for document in documents))
    running.stdin.close()
    assert any('"phase":"load"' in line for line in running.stdout)
    wait_until(lambda: all("wrk" in left_on_one(one) for one in inventory.load_hosts), 20)
    running.kill()
    running.wait()
    assert all("wrk" in left_on_one(one) for one in inventory.load_hosts), "it is on its own"
    [run] = tmp_path.iterdir()
    resume_run(run, inventory, live_lab.secrets, progress=lambda _event: None)
    assert [cell.requests > 0 for cell in analyse(run).cells] == [True]
    assert left_on(inventory.load_hosts) == []


def test_the_network_is_measured_both_ways_and_its_listener_is_gone(live_lab: LiveLab, inventory: Inventory):
    with connect(live_lab.inventory.host) as lab, connect(inventory.load_hosts[0].host) as load:
        before = set(lab.run("cat /proc/net/tcp", deadline_seconds=10).stdout.split())
        found = network.measure(lab, load, inventory.api_address)
        after = lab.run("cat /proc/net/tcp", deadline_seconds=10).stdout
    assert found.round_trips.count == 3_000
    assert found.bandwidth is not None
    assert min(found.bandwidth.to_apis, found.bandwidth.from_apis) > 1e7
    listening = [line.split()[1] for line in after.splitlines()[1:] if line.split()[3] == "0A"]
    assert set(listening) <= before
    assert json.loads(found.to_json())["bandwidth"]["tool"].startswith("iperf 3")
