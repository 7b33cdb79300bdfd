"""Two load hosts: a load that is parted between them, drift, secrets, and the network."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from analysis.raw import limits
from analysis.raw.load_hosts import load_host_file
from analysis.raw.run import read_run
from analysis.report.report import analyse
from documents.run.protocol import OpenLoop, Protocol, Scenario
from documents.run.records import CellClocks, HostRecord
from documents.run.window import OpenLoopResult, WrkResult
from experiment.running.run import start_run
from provision.containers import LOCAL_DOCKER
from provision.load import network
from provision.ssh.connection import connect
from tests.conftest import LiveLab
from tests.e2e.host_view import left_on_load_hosts
from tests.e2e.lab_with_neighbours import allow_neighbours
from tests.e2e.secret_search import SecretSearch, in_container
from tests.e2e.small_lab import BASE, SmallLab
from tests.run_folder import read_attempts

pytestmark = pytest.mark.nightly

PROTOCOL = Protocol(
    version=1,
    name="tiny",
    blocks=1,
    warm_up_seconds=2,
    scenarios=(Scenario(name="light", workload="mixed", connections=10, duration_seconds=3),),
    attempts=5,
    twin=False,
    # Low: other tests take CPU from it, and a rate that isn't reached is no measurement.
    open_loop=OpenLoop(scenario="light", shares=(0.1,), seconds=2, blocks=1),
)


@pytest.fixture(scope="module")
def loaded_lab(small_lab: SmallLab) -> LiveLab:
    """The small lab with two load hosts."""
    small_lab.describe_go(BASE, load_hosts=2)
    small_lab.up()
    return small_lab.as_it_stands()


def done(command: "subprocess.CompletedProcess[str]") -> str:
    """What a command that must succeed printed."""
    assert command.returncode == 0, command.stdout + command.stderr
    return command.stdout


@pytest.fixture
def neighbours() -> Iterator[None]:
    """All hosts here are one machine, so each is a neighbour of the others. What is tried is the road, not the host."""
    names = [name for name in vars(limits) if name.endswith(("_MOST", "_LEAST"))]
    before = {name: getattr(limits, name) for name in names}
    allow_neighbours()
    yield
    for name, limit in before.items():
        setattr(limits, name, limit)


def test_a_load_host_that_drifted_is_reported_and_one_that_is_gone_is_there_again_after_an_up(loaded_lab: LiveLab):
    first, second = (f"fairground-{loaded_lab.stack}-load-host-{number}" for number in (1, 2))
    assert "nothing to change" in done(loaded_lab.run("up"))
    done(loaded_lab.run("verify", "--drift"))
    LOCAL_DOCKER.run("update", "--memory", "2g", "--memory-swap", "2g", first)
    drifted = loaded_lab.run("verify", "--drift")
    assert drifted.returncode == 1
    assert "load-host-1" in drifted.stdout
    assert "its memory limit" in drifted.stdout
    LOCAL_DOCKER.run("rm", "--force", first)
    LOCAL_DOCKER.run("stop", second)
    done(loaded_lab.run("up"))
    done(loaded_lab.run("verify", "--drift"))


def test_a_run_from_two_load_hosts_is_one_load(loaded_lab: LiveLab, tmp_path: Path, neighbours: None):
    del neighbours
    run = start_run(
        loaded_lab.inventory, loaded_lab.secrets, PROTOCOL, tmp_path, order_seed=1, progress=lambda _event: None
    )
    host = HostRecord.from_json((run / "host.json").read_bytes(), name="host.json")
    for record in host.load_hosts:
        assert record.after is not None
        for look in (record.before, record.after):
            # One kernel has one clock.
            assert abs(look.network.clock.offset_ns) <= look.network.clock.error_ns
            assert look.network.bandwidth is not None
    records = read_attempts(run)
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

    report = analyse(read_run(run))
    [cell] = report.cells
    assert cell.load_hosts is not None
    assert cell.load_hosts.start_skew_seconds < PROTOCOL.scenarios[0].duration_seconds, "they were at work together"
    assert cell.usage["generator"].cpu_cores > 0
    assert report.load_hosts[1].differences == ()
    assert left_on_load_hosts(loaded_lab.inventory) == []
    tokens = [path for path in run.rglob("*") if path.is_file() and b"eyJ" in path.read_bytes()]
    assert tokens == []


def test_a_load_host_keeps_no_secret_and_listens_for_ssh_alone(loaded_lab: LiveLab):
    """After a run, whose tokens were there."""
    secrets = loaded_lab.secrets
    user_key = loaded_lab.inventory.host.private_key_path
    assert user_key is not None
    search = SecretSearch(
        {
            "PostgreSQL's password": secrets.postgres_password,
            "Redis's password": secrets.redis_password,
            "the JWT secret": secrets.jwt_secret,
            "the user's private key": Path(user_key).read_text(),
        }
    )
    for number, load_host in enumerate(loaded_lab.inventory.load_hosts, start=1):
        container = f"fairground-{loaded_lab.stack}-load-host-{number}"
        assert list(in_container(search, container)) == []
        with connect(load_host.host) as connection:
            connection.run(["tee", "/root/planted"], input=secrets.jwt_secret, deadline_seconds=10)
            assert list(in_container(search, container)) == [f"{container}:root/planted holds the JWT secret"]
            connection.run(["rm", "/root/planted"], deadline_seconds=10)
            listening = connection.run("ss -Hlntu", deadline_seconds=10).stdout.splitlines()
        sockets = {tuple(line.split()[4].rsplit(":", 1)) for line in listening}
        # Docker's own resolver is in each network that it makes.
        assert {port for address, port in sockets if address != "127.0.0.11"} == {"22"}


def test_the_network_is_measured_both_ways_and_its_listener_is_gone(loaded_lab: LiveLab):
    with connect(loaded_lab.inventory.host) as lab, connect(loaded_lab.inventory.load_hosts[0].host) as load:
        before = set(lab.run("cat /proc/net/tcp", deadline_seconds=10).stdout.split())
        found = network.measure(lab, load, loaded_lab.inventory.api_address)
        after = lab.run("cat /proc/net/tcp", deadline_seconds=10).stdout
    assert found.round_trips.count == 3_000
    assert found.bandwidth is not None
    assert min(found.bandwidth.to_apis, found.bandwidth.from_apis) > 1e7
    listening = [line.split()[1] for line in after.splitlines()[1:] if line.split()[3] == "0A"]
    assert set(listening) <= before
    assert json.loads(found.to_json())["bandwidth"]["tool"].startswith("iperf 3")
