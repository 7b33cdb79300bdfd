"""What a run does to load hosts as to the lab's host: their settings, their wrk, and the CPUs of their own work."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from documents.errors import HostError, HostUnreachableError, RunError
from documents.lab.inventory import LoadHost
from experiment.bench import load_hosts
from experiment.bench.load_hosts import LoadHosts
from experiment.bench.remote import RemoteBench
from provision.ssh import Completed, Connection
from tests.unit.analysis.load_host_builder import LOAD_HOST, with_load_hosts
from tests.unit.experiment.fake_bench import INVENTORY, SECRETS
from tests.unit.provision.local_host import LocalHost
from tests.unit.provision.settings_stand_in import UNTOUCHED_SETTINGS, StandIn


@pytest.fixture
def stand_in(tmp_path: Path) -> Iterator[StandIn]:
    made = StandIn(tmp_path)
    yield made
    of_kind("ssh", made).untune()


def of_kind(kind: str, stand_in: StandIn) -> LoadHosts:
    reached = LOAD_HOST.host.model_copy(update={"kind": kind})
    host = LOAD_HOST.model_copy(update={"host": reached, "own_kernel": kind == "ssh"})
    return LoadHosts(LocalHost(), "192.0.2.1", [(host, LocalHost())], paths=stand_in.paths)


def test_a_load_host_of_its_own_is_tuned_by_names_of_its_own_and_put_back(stand_in: StandIn):
    hosts = of_kind("ssh", stand_in)
    found = {knob.name: knob for knob in hosts.tune(seconds=60)}
    assert found["vm.swappiness of load host 1"].state == "set"
    assert found["interrupts of load host 1"].wanted == "off the CPUs 6,7", "the generator's"
    hosts.renew(seconds=60)
    assert {knob.name: knob.before for knob in hosts.read_knobs()}["vm.swappiness of load host 1"] == "1"
    hosts.untune()
    assert stand_in.settings() == UNTOUCHED_SETTINGS


def test_a_lease_that_lapsed_on_a_load_host_ends_the_run(stand_in: StandIn):
    hosts = of_kind("ssh", stand_in)
    hosts.tune(seconds=60)
    (stand_in.state / "lease.json").unlink()
    with pytest.raises(HostError, match="lapsed, and its guard has put them back"):
        hosts.renew(seconds=60)


def two(stand_in: StandIn) -> LoadHosts:
    hosts: list[tuple[LoadHost, Connection]] = [(LOAD_HOST, LocalHost()), (LOAD_HOST, LocalHost())]
    return LoadHosts(LocalHost(), "192.0.2.1", hosts, paths=stand_in.paths)


def test_the_wrk_that_counts_is_that_of_the_load_hosts_and_all_have_the_same(
    stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
):
    none = LoadHosts(LocalHost(), "127.0.0.1", [], paths=stand_in.paths)
    assert none.read_wrk_version("4.1.0") == "4.1.0"
    versions = iter(["4.2.0", "4.2.0", "4.1.0", "4.2.0"])

    def read(_connection: Connection) -> str:
        return next(versions)

    monkeypatch.setattr(load_hosts.preparation, "read_wrk_version", read)
    assert two(stand_in).read_wrk_version("4.1.0") == "4.2.0"
    with pytest.raises(RunError, match=r"different versions of wrk: 4\.1\.0, 4\.2\.0"):
        two(stand_in).read_wrk_version("4.1.0")


def test_the_hosts_own_work_keeps_to_its_cpus_in_a_run_and_has_all_after_it(
    stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
):
    asked: list[tuple[int, ...]] = []

    def confine(_connection: Connection, cpus: tuple[int, ...], *_: object) -> None:
        asked.append(cpus)

    monkeypatch.setattr(load_hosts.pinning, "confine", confine)
    hosts = two(stand_in)
    hosts.pin()
    hosts.release()
    assert asked == [(5,), (5,), tuple(range(8)), tuple(range(8))]


class Lost(LocalHost):
    """A host that doesn't answer any more."""

    def run(self, *_: object, **__: object) -> Completed:
        raise HostUnreachableError("The connection is lost.")


@pytest.fixture
def left(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Connection]]:
    """What is done to leave hosts, in its order; nothing can be done on one that is lost."""
    done: list[tuple[str, Connection]] = []

    def leaving(what: str) -> Callable[..., None]:
        def leave(connection: Connection, *_: object, **__: object) -> None:
            connection.run(["true"], deadline_seconds=5)
            done.append((what, connection))

        return leave

    monkeypatch.setattr(load_hosts.host_folder, "clear", leaving("clear"))
    monkeypatch.setattr(load_hosts.pinning, "confine", leaving("release"))
    monkeypatch.setattr(load_hosts.tuning, "restore", leaving("untune"))
    return done


def test_a_load_host_that_is_lost_keeps_nothing_on_the_others(stand_in: StandIn, left: list[tuple[str, Connection]]):
    whole: list[Connection] = [LocalHost(), LocalHost()]
    connections = (whole[0], Lost(), whole[1])
    hosts = LoadHosts(LocalHost(), "192.0.2.1", [(LOAD_HOST, one) for one in connections], paths=stand_in.paths)
    for leave in (hosts.clear, hosts.untune, hosts.release):
        with pytest.raises(HostUnreachableError):
            leave()
    assert left == [(what, one) for what in ("clear", "untune", "release") for one in whole]


def test_a_labs_host_that_is_lost_keeps_nothing_on_its_load_hosts(
    stand_in: StandIn, left: list[tuple[str, Connection]]
):
    load_host = LocalHost()
    inventory = with_load_hosts(INVENTORY).model_copy(update={"own_kernel": True})
    bench = RemoteBench(Lost(), inventory, SECRETS, load_hosts=[load_host], paths=stand_in.paths)
    for leave in (bench.clear, bench.untune, bench.restore):
        with pytest.raises(HostUnreachableError):
            leave()
    assert left == [("clear", load_host), ("untune", load_host), ("release", load_host)]
