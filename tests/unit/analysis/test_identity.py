"""Every condition that changed between two runs is named, and nothing else."""

from typing import TypeVar

import pytest

from analysis.compare.conditions import Conditions, differences
from documents.base import Document
from documents.lab.host import HostSize
from documents.lab.inventory import Inventory
from documents.run.protocol import OpenLoop, Scenario
from documents.run.records import (
    HostIdentity,
    HostRecord,
    KnobRecord,
    KnobState,
    LoadHostLook,
    LoadHostRecord,
    Manifest,
)
from tests.unit.analysis.load_host_builder import NETWORK, with_load_hosts
from tests.unit.documents.samples import IDENTITY, INVENTORY, LAYOUT, NOON, PROTOCOL, SCENARIO

MANIFEST = Manifest(
    run_id="20260131-120000-quick",
    started_at=NOON,
    git_commit="0123abc",
    protocol=PROTOCOL,
    inventory=INVENTORY,
    order_seed=7,
    requests_sha256={"mixed": "0" * 64},
    tool_versions={"wrk": "4.1.0", "kernel": "6.12.0"},
)


def knobs(**states: KnobState) -> tuple[KnobRecord, ...]:
    return tuple(KnobRecord(name=name, wanted="so", before="not so", state=state) for name, state in states.items())


SET = knobs(governor="set", turbo="set")

RUN = Conditions(MANIFEST, HostRecord(before=IDENTITY, after=IDENTITY, knobs=SET))


Part = TypeVar("Part", bound=Document)


def changed(document: Part, **members: object) -> Part:
    return document.model_copy(update=members)


def on_host(**members: object) -> Conditions:
    host = changed(IDENTITY, **members)
    return Conditions(MANIFEST, HostRecord(before=host, after=host, knobs=SET))


def with_knobs(**states: KnobState) -> Conditions:
    return Conditions(MANIFEST, HostRecord(before=IDENTITY, after=IDENTITY, knobs=knobs(**states)))


def in_lab(**members: object) -> Conditions:
    return Conditions(changed(MANIFEST, inventory=changed(INVENTORY, **members)), RUN.host)


def by_protocol(**members: object) -> Conditions:
    return Conditions(changed(MANIFEST, protocol=changed(PROTOCOL, **members)), RUN.host)


def of_run(**members: object) -> Conditions:
    return Conditions(changed(MANIFEST, **members), RUN.host)


POSTGRES = INVENTORY.postgres
LONGER = SCENARIO.model_copy(update={"duration_seconds": 60})
SECOND = Scenario(name="heavy", workload="login", connections=500, duration_seconds=5)

REFUSED: dict[str, tuple[Conditions, tuple[str, ...]]] = {
    "processor": (on_host(cpu_model="Another"), ("cpu model was A processor and is Another",)),
    "kernel": (on_host(kernel="6.13.0"), ("kernel was 6.12.0 and is 6.13.0",)),
    "kernel setting": (on_host(settings={"vm.swappiness": "10"}), ("the setting vm.swappiness was 60 and is 10",)),
    "control": (
        with_knobs(turbo="lost", governor="as-wanted"),
        ("whether turbo was controlled: yes and no",),
    ),
    "host kind": (in_lab(host=changed(INVENTORY.host, kind="ssh")), ("host kind: container and ssh",)),
    "size": (
        in_lab(size=HostSize(cpus=(0, 1), memory_bytes=4 * 1024**3, smaller=True)),
        ("CPUs of the lab: 0,1,2,3,4,5,6,7 and 0,1", "memory of the lab: 17179869184 and 4294967296"),
    ),
    "tenants": (
        in_lab(size=changed(INVENTORY.size, shared_cores=True)),
        ("cores shared with other tenants: no and yes",),
    ),
    "core layout": (
        in_lab(cores=changed(LAYOUT, api=(0, 1), postgres=(2, 3, 4))),
        ("CPUs of api: 0,1,2 and 0,1", "CPUs of postgres: 3,4 and 2,3,4"),
    ),
    "PostgreSQL's image": (
        in_lab(postgres=changed(POSTGRES, image_id="sha256:new")),
        ("PostgreSQL's image: sha256:postgres and sha256:new",),
    ),
    "PostgreSQL setting": (
        in_lab(postgres=changed(POSTGRES, settings={"fsync": "off"})),
        ("PostgreSQL setting fsync: on and off",),
    ),
    "schema and seed": (
        in_lab(contract_sha256="f" * 64),
        (f"schema and seed of the database: {'5' * 64} and {'f' * 64}",),
    ),
    "Redis's image": (
        in_lab(redis=changed(INVENTORY.redis, image_id="sha256:new")),
        ("Redis's image: sha256:redis and sha256:new",),
    ),
    "Redis setting": (
        in_lab(redis=changed(INVENTORY.redis, settings={"appendonly": "yes"})),
        ("Redis setting appendonly: no and yes",),
    ),
    "protocol": (
        by_protocol(name="mine", blocks=10),
        ("protocol's name: quick and mine", "protocol's blocks: 2 and 10"),
    ),
    "warm-up": (by_protocol(warm_up_seconds=30), ("protocol's warm up seconds: 3 and 30",)),
    "load": (by_protocol(scenarios=(LONGER,)), ("load light, duration seconds: 30 and 60",)),
    "load that is new": (
        by_protocol(scenarios=(SCENARIO, SECOND)),
        (
            "load heavy, workload: absent and login",
            "load heavy, connections: absent and 500",
            "load heavy, duration seconds: absent and 5",
        ),
    ),
    "requests": (
        of_run(requests_sha256={"mixed": "1" * 64}),
        (f"requests of mixed: {'0' * 64} and {'1' * 64}",),
    ),
    "wrk": (of_run(tool_versions={"wrk": "4.2.0", "kernel": "6.12.0"}), ("version of wrk: 4.1.0 and 4.2.0",)),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_condition_that_changed_is_named_with_both_values(what: str):
    other, expected = REFUSED[what]
    assert differences(RUN, other) == expected


def test_an_open_loop_is_named_member_by_member():
    asked = OpenLoop(scenario="light", shares=(0.5, 0.9), seconds=20, blocks=5)
    run, without = by_protocol(open_loop=asked), by_protocol()
    assert differences(run, by_protocol(open_loop=changed(asked, shares=(0.5, 0.7)))) == (
        "open loop's shares: 0.5,0.9 and 0.5,0.7",
    )
    assert "open loop's seconds: absent and 20" in differences(without, run)


@pytest.mark.parametrize("turn", [0, 1], ids=["first", "second"])
def test_a_host_that_changed_while_a_run_went_on_is_named(turn: int):
    restless = Conditions(
        MANIFEST, HostRecord(before=IDENTITY, after=changed(IDENTITY, settings={"vm.swappiness": "1"}), knobs=SET)
    )
    runs = (restless, RUN) if turn == 0 else (RUN, restless)
    assert differences(*runs) == ("during 20260131-120000-quick, the setting vm.swappiness was 60 and is 1",)


def the_subject() -> Inventory:
    (api,) = INVENTORY.apis
    build = changed(
        api, image_id="sha256:new", source_sha256="1" * 64, environment={"GOGC": "50"}, target="api", port=1
    )
    return changed(
        INVENTORY,
        stack="other",
        apis=(build, changed(api, name="rust")),
        host=changed(INVENTORY.host, address="10.0.0.1", port=23, host_public_key="ssh-ed25519 BBBB"),
        postgres=changed(POSTGRES, container="another", port=15433),
    )


def test_the_subject_may_differ_and_so_may_what_changes_no_number():
    other = of_run(
        inventory=the_subject(),
        run_id="20260201-120000-quick",
        git_commit="4567def",
        order_seed=8,
        protocol_file="mine.yaml",
        tool_versions={"wrk": "4.1.0", "kernel": "another"},
    )
    assert differences(RUN, other) == ()


def from_load_hosts(*identities: HostIdentity, after: HostIdentity | None = None, **members: object) -> Conditions:
    """The run, with its load from hosts of these identities; `members` are those of each in the inventory."""
    inventory = with_load_hosts(INVENTORY, len(identities))
    hosts = tuple(changed(host, **members) for host in inventory.load_hosts)
    records = tuple(
        LoadHostRecord(
            before=LoadHostLook(identity=identity, network=NETWORK),
            after=LoadHostLook(identity=after or identity, network=NETWORK),
        )
        for identity in identities
    )
    host = HostRecord(before=IDENTITY, after=IDENTITY, knobs=SET, load_hosts=records)
    return Conditions(changed(MANIFEST, inventory=changed(inventory, load_hosts=hosts)), host)


def test_load_hosts_are_conditions():
    one = from_load_hosts(IDENTITY)
    assert differences(one, from_load_hosts(IDENTITY)) == ()
    assert "number of load hosts: 1 and 2" in differences(one, from_load_hosts(IDENTITY, IDENTITY))
    assert "number of load hosts: 0 and 1" in differences(RUN, one)
    other = changed(IDENTITY, kernel="6.6")
    assert differences(one, from_load_hosts(other)) == ("of load host 1 kernel was 6.12.0 and is 6.6",)
    assert differences(one, from_load_hosts(IDENTITY, generator=(7,))) == (
        "generator's CPUs of load host 1: 6,7 and 7",
    )
    moved = from_load_hosts(IDENTITY, host=changed(one.manifest.inventory.load_hosts[0].host, address="192.0.2.9"))
    assert differences(one, moved) == (), "how it is reached changes no number"


def test_a_load_host_that_changed_while_a_run_went_on_makes_it_differ_from_itself():
    run = from_load_hosts(IDENTITY, after=changed(IDENTITY, kernel="6.6"))
    [first, _] = differences(run, run)
    assert first == "during 20260131-120000-quick, of load host 1 kernel was 6.12.0 and is 6.6"
