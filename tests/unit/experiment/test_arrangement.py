"""What a bench does with the variants of a run, where the host only notes what it was asked for."""

from collections.abc import Sequence
from typing import Any

import pytest

from documents.errors import HostError
from documents.lab.host import CoreLayout
from documents.lab.inventory import ApiService, Inventory, PostgresService
from documents.run.records import KnobRecord
from experiment.bench import host_folder
from experiment.bench.arrangement import Arrangement
from experiment.bench.remote import RemoteBench
from experiment.planning.subjects import subjects_of
from provision.containers import control
from provision.containers.cgroups import Cgroup
from provision.kernel import tuning
from provision.kernel.knobs import Knob
from provision.load import wrk as generator
from provision.services import variants
from provision.services.variants import VariantContainer
from provision.ssh.connection import Connection
from provision.system import pinning
from tests.unit.experiment.fake_bench import INVENTORY, LAYOUT, SECRETS
from tests.unit.experiment.test_loop_variants import VARIED
from tests.unit.provision.local_host import LocalHost

SUBJECTS = subjects_of(INVENTORY, VARIED, (), lambda: tuple((cpu,) for cpu in range(6)))
_, LARGE, WIDE = SUBJECTS


class Asked:
    """Plays the engine, and keeps what it was asked for in its order."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.steps: list[tuple[Any, ...]] = []
        self.left = False
        self.removals = 0
        for name in ("make", "switch_postgres", "set_container_cpus", "remove", "wrong_settings"):
            monkeypatch.setattr(variants, name, getattr(self, name))
        monkeypatch.setattr(tuning, "read", self.read_knobs)
        for module, name in ((control, "cgroup"), (control, "stop"), (pinning, "apply")):
            monkeypatch.setattr(module, name, getattr(self, name))

    def make(self, _connection: Connection, wanted: Sequence[VariantContainer]) -> None:
        self.steps.append(("make", *wanted))

    def switch_postgres(self, _connection: Connection, postgres: PostgresService, instead_of: Sequence[str]) -> None:
        self.steps.append(("switch", postgres.container, tuple(instead_of)))

    def set_container_cpus(self, _connection: Connection, cpus: dict[str, str]) -> bool:
        self.steps.append(("set_container_cpus", cpus))
        return True

    def remove(self, _connection: Connection, inventory: Inventory) -> bool:
        assert inventory == INVENTORY
        self.removals += 1
        return self.left

    def wrong_settings(self, _connection: Connection, postgres: PostgresService) -> list[str]:
        self.steps.append(("ask", postgres.settings))
        return []

    def cgroup(self, _connection: Connection, name: str) -> Cgroup:
        return Cgroup(version=2, directories={"cpuacct": name})

    def stop(self, _connection: Connection, name: str) -> None:
        self.steps.append(("stop", name))

    def apply(self, _connection: Connection, layout: CoreLayout, cgroups: dict[str, Cgroup], **options: object) -> int:
        self.steps.append(
            ("pin", layout, {role: found.directories["cpuacct"] for role, found in cgroups.items()}, options)
        )
        return 0

    def read_knobs(self, _connection: Connection, wanted: Sequence[Knob], **_: object) -> tuple[KnobRecord, ...]:
        return tuple(KnobRecord(name=one.name, wanted=one.wanted, before="?", state="only-read") for one in wanted)

    def wanted_knobs(self, bench: RemoteBench) -> dict[str, str]:
        return {knob.name: knob.wanted for knob in bench.read_knobs()}

    def take(self) -> list[tuple[Any, ...]]:
        """The steps since the last time."""
        taken, self.steps = self.steps, []
        return taken


def beside(_connection: Connection, cgroup: Cgroup) -> Cgroup:
    return cgroup


def nothing(*_: object, **__: object) -> None:
    """What nobody looks at here."""


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    return Asked(monkeypatch)


def made(*subjects: ApiService) -> Arrangement:
    arrangement = Arrangement(LocalHost(), INVENTORY)
    arrangement.make(subjects)
    return arrangement


BOTH = ("fairground-postgres", "fairground-postgres-large")


def test_containers_are_made_and_each_postgresql_is_tried_once(asked: Asked):
    made(*SUBJECTS, INVENTORY.apis[1])
    [(_, *containers_made), *tried] = asked.take()
    assert [(one.name, one.of, one.cpus) for one in containers_made] == [
        ("fairground-api-go-pool-16", "fairground-api-go", "0,1"),
        ("fairground-api-go-large", "fairground-api-go", "0,1"),
        ("fairground-api-go-wide", "fairground-api-go", "0,1,2"),
        ("fairground-postgres-large", "fairground-postgres", "2"),
    ]
    assert [dict(one.environment) for one in containers_made[:2]] == [{"DB_POOL_SIZE": "16"}, {}]
    assert containers_made[3].settings == {"work_mem": "64MB"}
    assert tried == [
        ("switch", "fairground-postgres-large", BOTH),
        ("ask", {"work_mem": "64MB"}),
        ("switch", "fairground-postgres", BOTH),
    ]


def test_a_bench_stops_all_apis_before_it_makes_variants_and_pins_each_cell_to_its_own_cpus(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(host_folder, "make", nothing)
    monkeypatch.setattr(generator, "generator_cgroup", beside)
    monkeypatch.setattr(LocalHost, "push", nothing)
    bench = RemoteBench(LocalHost(), INVENTORY, SECRETS)
    bench.make_variants([LARGE, WIDE])
    stopped, first = asked.steps[:2], asked.steps[2]
    assert {step[1] for step in stopped} == {"fairground-api-go", "fairground-api-rust"}
    assert first[0] == "make"
    assert asked.wanted_knobs(bench)["interrupts"] == "off the CPUs 0,1,2"
    bench.install([])
    bench.arrange(WIDE)
    bench.pin(WIDE)
    layout = INVENTORY.cores_of(WIDE)
    [pinned] = [step for step in asked.take() if step[0] == "pin"]
    assert pinned[1] == layout
    assert pinned[2] == {
        "api": "fairground-api-go-wide",
        "postgres": "fairground-postgres",
        "redis": "fairground-redis",
    }
    bench.arrange(LARGE)
    bench.pin(LARGE)
    [pinned] = [step for step in asked.take() if step[0] == "pin"]
    assert pinned[1] == LAYOUT
    assert pinned[2]["postgres"] == "fairground-postgres-large", "its cgroup is that of the server that is at work"


def test_variants_are_removed_even_if_the_host_cannot_be_cleared(asked: Asked, monkeypatch: pytest.MonkeyPatch):
    def fail(_connection: Connection) -> None:
        raise HostError("The disk is full.")

    monkeypatch.setattr(host_folder, "clear", fail)
    with pytest.raises(HostError, match="The disk is full"):
        RemoteBench(LocalHost(), INVENTORY, SECRETS).clear()
    assert asked.removals == 1
