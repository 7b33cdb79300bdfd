"""A declared container against the one that runs: each way in which they can differ is reported, and nothing else."""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from documents.lab import Difference, Effective, Host, ProcessCpus, RunningContainer
from lab.lifecycle import drift, reconciliation
from lab.lifecycle.drift import ANOTHER, HIDDEN, DriftComparison, compare_container, differing_aspects, remedy_of_limits
from lab.lifecycle.reconciliation import _reconcile_containers  # pyright: ignore[reportPrivateUsage]
from lab.lifecycle.state import DeclaredContainer, DeclaredLab
from provision.containers import NONE
from provision.containers.inspection import Running
from provision.ssh import Completed, Connection
from tests.unit.analysis.load_host_builder import with_load_hosts
from tests.unit.documents.samples import INVENTORY
from tests.unit.lab.drifting import EFFECTIVE, SECRETS, declared, running
from tests.unit.provision.local_host import LocalHost

REMEDY = "put the limits back"
BROUGHT = {"PATH": "/usr/bin"}


def differences(
    wanted: DeclaredContainer,
    found: RunningContainer | None,
    image: Mapping[str, str] | None = BROUGHT,
    host_memory: str = NONE,
) -> list[Difference]:
    comparison = DriftComparison(SECRETS)
    compare_container(comparison, wanted, image, found, limits_remedy=REMEDY, host_memory=host_memory)
    assert comparison.compared["go"] > 15 or found is None
    return comparison.differences


def test_a_container_that_runs_as_it_is_declared_has_no_drift():
    assert differences(declared(), running()) == []
    assert differing_aspects(declared().state({}), running()) == []


@pytest.mark.parametrize(
    ("place", "value", "what", "effective"),
    [
        ("CpusetCpus", "1", "its CPUs", "1"),
        ("CpusetCpus", "", "its CPUs", "all of the engine's"),
        ("CpusetMems", "0", "its memory nodes", "0"),
        ("Memory", 1024**3, "its memory limit", "1 GiB"),
        ("MemorySwap", -1, "its memory and swap limit", "none"),
        ("MemoryReservation", 1000, "its memory reservation", "1000 bytes"),
        ("NanoCpus", 500_000_000, "its CPU quota", "0.5 CPUs"),
        ("CpuQuota", 150_000, "its CPU quota", "1.5 CPUs"),
        ("CpuShares", 512, "its CPU shares", "512"),
        ("PidsLimit", 77, "its process limit", "77"),
        ("BlkioWeight", 100, "its block I/O weight", "100"),
        ("Sysctls", {"kernel.msgmax": "9000"}, "its kernel settings", "kernel.msgmax=9000"),
    ],
)
def test_a_changed_limit_is_reported_and_up_recreates_the_container(
    place: str, value: object, what: str, effective: str
):
    found = running((f"HostConfig/{place}", value))
    (difference,) = differences(declared(), found)
    assert (difference.subject, difference.what, difference.remedy) == ("go", what, REMEDY)
    assert difference.effective == effective
    verb = "are" if what in {"its CPUs", "its CPU shares", "its memory nodes", "its kernel settings"} else "is"
    assert difference.message == f"go: {what} {verb} {effective} instead of {difference.declared}; {REMEDY}."
    assert differing_aspects(declared().state({}), found) == [what.removeprefix("its ")]


def test_swap_that_is_left_to_the_engine_is_no_drift():
    assert differences(declared(memorySwap=None), running(("HostConfig/MemorySwap", 1024**3))) == []


def test_a_container_that_does_not_exist_and_one_of_another_image_are_reported():
    (gone,) = differences(declared(), None)
    assert gone.message == "go: the container is missing (declared: fairground-api-go); run `lab up`."
    (image,) = differences(declared(), running(("Image", f"sha256:{'7' * 64}")))
    assert (image.what, image.effective) == ("its image", f"sha256:{'7' * 64}")


def test_another_container_under_the_same_name_is_reported_and_must_be_removed_by_hand():
    container, limit = differences(declared(), running(("Id", "f" * 64), ("HostConfig/CpuShares", 512)))
    assert (container.what, container.declared, container.effective) == ("the container", "8fbf2a2857db", "f" * 12)
    assert "made by hand under the same name" in container.message
    by_hand = "remove it (`docker rm --force fairground-api-go` on its engine) and run `lab up`"
    assert (container.remedy, limit.remedy) == (by_hand, by_hand)


def test_a_host_gets_its_limits_back_by_docker_update():
    update = "docker update --cpuset-cpus 0,1 --memory 512m --memory-swap 512m fairground-api-go"
    assert remedy_of_limits(declared()) == f"put it back: `{update}`, or run `lab down` and `lab up`"
    assert remedy_of_limits(declared(cpuSet=None)) == "run `lab down` and `lab up`"


@pytest.mark.parametrize(
    ("status", "remedy"),
    [("exited", "run `lab up`"), ("created", "run `lab up`"), ("paused", "docker unpause"), ("restarting", "lab logs")],
)
def test_a_container_that_does_not_run_is_reported_with_what_starts_it(status: str, remedy: str):
    (difference,) = differences(declared(), running(status=status, effective=None))
    assert (difference.what, difference.declared, difference.effective) == ("its state", "running", status)
    assert remedy in difference.remedy


def test_variables_are_reported_by_name_and_secrets_without_their_value():
    environment = [
        "PORT=18081",
        "DATABASE_URL=postgres://mallory:hunter2@elsewhere/fairground",
        "DEBUG_TOKEN=another-secret",
        "PATH=/usr/bin",
    ]
    found = differences(declared(), running(("Config/Env", environment)))
    assert [(one.what, one.declared, one.effective) for one in found] == [
        ("its variable DATABASE_URL", HIDDEN, ANOTHER),
        ("its variable DEBUG_TOKEN", None, "set"),
        ("its variable JWT_SECRET", HIDDEN, None),
        ("its variable PORT", "18080", "18081"),
    ]
    assert found[0].message == "go: its variable DATABASE_URL isn't the declared one (neither is shown); run `lab up`."
    texts = "\n".join(one.to_json() for one in found)
    for secret in (*SECRETS, "hunter2", "another-secret"):
        assert secret not in texts


def test_variables_of_an_unknown_image_are_not_compared():
    assert differences(declared(), running(), image=None) == []


def test_a_secret_in_the_place_of_something_else_is_not_shown():
    (found,) = differences(declared(), running(("HostConfig/Sysctls", {"kernel.domainname": "pg-secret"})))
    assert found.effective == HIDDEN
    assert "secret" not in found.message


@pytest.mark.parametrize(
    ("changes", "what", "effective"),
    [
        ({"cpus": (0,)}, "its effective CPUs", "0"),
        ({"memory_bytes": 64 * 1024**2}, "its effective memory limit", "64 MiB"),
        ({"memory_bytes": None}, "its effective memory limit", "none"),
        ({"cpu_quota": 0.5}, "its effective CPU quota", "0.5 CPUs"),
        (
            {"processes": (ProcessCpus(process_id=78, name="worker", cpus=(1,)),)},
            "the affinity of its process 78 (worker)",
            "1",
        ),
    ],
)
def test_limits_of_the_kernel_are_reported_where_docker_has_the_declared_ones(
    changes: dict[str, Any], what: str, effective: str
):
    found = running(effective=EFFECTIVE.model_copy(update=changes))
    (difference,) = differences(declared(), found)
    assert (difference.what, difference.effective) == (what, effective)
    assert "docker restart fairground-api-go" in difference.remedy


def test_the_host_s_memory_limit_applies_to_a_container_that_has_none():
    wanted = declared(memory=0, memorySwap=0)
    limits = (("HostConfig/Memory", 0), ("HostConfig/MemorySwap", 0))
    found = running(*limits, effective=EFFECTIVE.model_copy(update={"memory_bytes": 2 * 1024**3}))
    assert differences(wanted, found, host_memory="2 GiB") == []
    (difference,) = differences(wanted, found, host_memory="4 GiB")
    values = (difference.what, difference.declared, difference.effective)
    assert values == ("its effective memory limit", "4 GiB", "2 GiB")
    # On a host that isn't a container nobody declares one.
    assert differences(wanted, found) == []


def test_a_limit_that_differs_for_docker_is_not_reported_again_for_the_kernel():
    effective = Effective(cpus=(1,), memory_bytes=1024**3, cpu_quota=None, processes=EFFECTIVE.processes)
    found = running(("HostConfig/CpusetCpus", "1"), ("HostConfig/Memory", 1024**3), effective=effective)
    assert [one.what for one in differences(declared(), found)] == ["its CPUs", "its memory limit"]


def test_processes_are_not_reported_where_their_container_has_other_cpus():
    processes = (ProcessCpus(process_id=77, name="api", cpus=(0,)),)
    found = running(effective=EFFECTIVE.model_copy(update={"cpus": (0,), "processes": processes}))
    assert [one.what for one in differences(declared(), found)] == ["its effective CPUs"]


def test_load_hosts_are_compared_by_name_where_the_record_lacks_one(monkeypatch: pytest.MonkeyPatch):
    @contextmanager
    def connect(_host: Host) -> Generator[Connection]:
        yield LocalHost()

    def read(*_: object, **__: object) -> Running:
        return Running(containers=(), images={}, effective=EFFECTIVE.model_copy(update={"cpus": (0,)}))

    monkeypatch.setattr(drift, "connect", connect)
    monkeypatch.setattr(drift, "read_running", read)
    recorded = DeclaredLab(host=None, load_hosts=(replace(declared(), subject="load-host-2"),), containers=())
    comparison = DriftComparison(())
    drift._compare_load_hosts(  # pyright: ignore[reportPrivateUsage]
        comparison, with_load_hosts(INVENTORY, 2), recorded, {"load-host-2": running()}
    )
    assert [(one.subject, one.what) for one in comparison.differences] == [("load-host-2", "its effective CPUs")]


class Recording(LocalHost):
    """A host that only notes its commands."""

    def run(self, command: str | Sequence[str], **_: object) -> Completed:
        self.commands.append(command if isinstance(command, str) else " ".join(command))
        return Completed("", "", 0)


def test_up_recreates_changed_containers_starts_stopped_ones_and_leaves_no_volume(monkeypatch: pytest.MonkeyPatch):
    found = (
        running(("Id", "changed"), ("HostConfig/Memory", 1024**3)),
        running(("Id", "stopped"), status="exited"),
        running(("Id", "running")),
        running(("Id", "foreign"), status="exited"),
    )
    recorded = [replace(declared(), id=id_) for id_ in ("changed", "stopped", "running")]

    def read(*_: object, **__: object) -> Running:
        return Running(containers=found, images={}, effective=EFFECTIVE)

    monkeypatch.setattr(reconciliation, "read_running", read)
    host = Recording()
    assert _reconcile_containers(host, "test", recorded) is True
    assert host.commands == [
        "docker stop changed",
        "docker rm --force --volumes changed foreign",
        "docker start stopped",
    ]
    assert _reconcile_containers(host, "test", recorded[1:3]) is False
    assert _reconcile_containers(host, "test", [*recorded[1:3], replace(declared(), id="gone")]) is True
