"""The bench over SSH sets a host's settings only where they are the host's own, and notices when they were put back."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from documents.errors import HostError
from documents.lab.host import Host
from documents.run.records import ProcessPinning
from experiment.bench import generators, host_folder, remote
from experiment.bench.bench import Load
from experiment.bench.remote import RemoteBench
from provision.containers.cgroups import Cgroup
from provision.load.jobs import Job
from tests.unit.experiment.fake_bench import INVENTORY, PROTOCOL, SECRETS
from tests.unit.provision.local_host import LocalHost
from tests.unit.provision.settings_stand_in import UNTOUCHED_SETTINGS, StandIn

JOB = Job(
    directory="/nowhere",
    deadline_seconds=1,
    supervisor_id=0,
    process_id=0,
)
CGROUP = Cgroup(version=2, directories={"cpuacct": "/nowhere"})
LOAD = Load(api=INVENTORY.apis[0], scenario=PROTOCOL.scenarios[0], seconds=1, timeout_seconds=1, wrk_version="4.1.0")


@pytest.fixture
def stand_in(tmp_path: Path) -> Iterator[StandIn]:
    made = StandIn(tmp_path)
    yield made
    bench_on("ssh", made).untune()


def bench_on(kind: str, stand_in: StandIn) -> RemoteBench:
    host = Host.model_validate(INVENTORY.host.model_dump() | {"kind": kind})
    inventory = INVENTORY.model_copy(update={"host": host, "own_kernel": kind != "container"})
    return RemoteBench(LocalHost(), inventory, SECRETS, paths=stand_in.paths, lease_margin_seconds=30)


def test_a_host_of_its_own_is_tuned_and_put_back(stand_in: StandIn):
    bench = bench_on("ssh", stand_in)
    found = {knob.name: knob for knob in bench.tune(seconds=60)}
    assert found["vm.swappiness"].state == "set"
    bench.renew(seconds=60)
    assert {knob.name: knob.before for knob in bench.read_knobs()}["vm.swappiness"] == "1"
    bench.untune()
    assert stand_in.settings() == UNTOUCHED_SETTINGS


def test_a_container_is_only_read(stand_in: StandIn):
    bench = bench_on("container", stand_in)
    found = {knob.name: knob for knob in bench.tune(seconds=60)}
    assert (found["vm.swappiness"].state, found["vm.swappiness"].during) == ("only-read", "60")
    bench.renew(seconds=60)
    bench.untune()
    assert stand_in.settings() == UNTOUCHED_SETTINGS
    assert not stand_in.state.exists()


def test_a_window_in_which_the_lease_lapsed_is_not_collected(
    stand_in: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def cgroup(*_: object) -> Cgroup:
        return CGROUP

    def job(*_: object, **__: object) -> Job:
        return JOB

    def nothing(*_: object, **__: object) -> tuple[ProcessPinning, ...]:
        return ()

    monkeypatch.setattr(remote.control, "cgroup", cgroup)
    monkeypatch.setattr(generators.wrk, "generator_cgroup", cgroup)
    monkeypatch.setattr(generators.jobs, "start", job)
    monkeypatch.setattr(remote.recording, "start_sampler", job)
    monkeypatch.setattr(remote.recording, "start_watch", job)
    monkeypatch.setattr(remote.pinning, "apply", nothing)
    monkeypatch.setattr(generators.jobs, "wait", nothing)
    bench = bench_on("ssh", stand_in)
    monkeypatch.setattr(host_folder, "HOME", str(tmp_path / "run"))
    monkeypatch.setattr(LocalHost, "push", nothing)
    bench.install([])
    bench.tune(seconds=60)
    bench.pin(LOAD.api)
    bench.start_sampling(seconds=1)
    bench.measure(LOAD)
    (stand_in.state / "lease.json").unlink()
    with pytest.raises(HostError, match="lapsed, and its guard has put them back"):
        bench.collect(tmp_path)
