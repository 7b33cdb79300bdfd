"""A host that takes another's place is there before that goes; neither is in the other's way. Whose a machine is."""

from dataclasses import replace
from pathlib import Path

import pytest
from pulumi.runtime.rpc import UNKNOWN

from documents.errors import HostError, LabError
from documents.lab.host import Host
from documents.stack.hosts import AnyHost, ContainerHost, SshHost
from documents.stack.stack import Stack
from lab.hosts.declared import host_folder, host_slug
from lab.lifecycle import reconciliation
from lab.lifecycle.engine import Engine
from lab.lifecycle.reconciliation import _is_reserved, reconcile  # pyright: ignore[reportPrivateUsage]
from lab.lifecycle.state import Recorded, State
from lab.resources.access import _SshFilesProvider  # pyright: ignore[reportPrivateUsage]
from lab.resources.hosts import _ReservedHostProvider  # pyright: ignore[reportPrivateUsage]
from provision.ssh.connection import Connection
from provision.system.changes import HostChanges
from tests.unit.documents.samples import EXAMPLES
from tests.unit.provision.local_host import LocalHost

CONTAINER = ContainerHost(kind="container")
MACHINES = (
    SshHost(kind="ssh", address="bench.example"),
    SshHost(kind="ssh", address="bench.example", port=2222),
    SshHost(kind="ssh", address="fe80::1"),
)


def test_every_place_has_a_name_of_its_own_that_can_stand_in_a_urn():
    names = [host_slug(host) for host in (CONTAINER, *MACHINES)]
    assert len(set(names)) == len(names)
    assert not [name for name in names if ":" in name or "/" in name]


@pytest.mark.parametrize(
    "changed", [CONTAINER.model_copy(update={"ssh_port": 22023}), MACHINES[0].model_copy(update={"user": "ada"})]
)
def test_a_host_that_changes_where_it_is_keeps_its_place(changed: AnyHost):
    assert host_slug(changed) in {host_slug(CONTAINER), host_slug(MACHINES[0])}


def test_the_files_of_one_host_outlive_those_of_another(tmp_path: Path):
    provider = _SshFilesProvider()
    old, new = (
        {"folder": str(host_folder(host, tmp_path)), "private_key": "key\n", "known_hosts": "known\n"}
        for host in (CONTAINER, MACHINES[0])
    )
    difference = provider.diff(old["folder"], old, new)
    assert difference.replaces == ["folder"]
    assert not difference.delete_before_replace
    provider.create(old)
    provider.create(new)
    provider.delete(old["folder"], old)
    assert provider.read(new["folder"], new).id
    assert [path.name for path in (tmp_path / "hosts").iterdir()] == ["bench.example-22"]


HOST = Host(
    kind="ssh",
    address="bench.example",
    port=22,
    user="root",
    private_key_path=None,
    known_hosts_path="/known_hosts",
    host_public_key="ssh-ed25519 ONE",
)


def reserve(**changes: object) -> dict[str, object]:
    return {"host": HOST.model_copy(update=changes).to_json(), "stack": "test", "lab": "ONE", "keep_images": False}


def test_another_machine_is_reserved_before_the_old_one_is_left():
    another = reserve(address="other.example", host_public_key="ssh-ed25519 TWO")
    # A preview doesn't know where the SSH files of another machine will be.
    for news in (another, {**another, "host": UNKNOWN}):
        difference = _ReservedHostProvider().diff("reservation-1", reserve(), news)
        assert difference.replaces == ["host"]
        assert not difference.delete_before_replace


@pytest.mark.parametrize("change", [{"user": "ada"}, {"address": "alias.example"}])
def test_a_machine_that_is_reached_in_another_way_is_left_before_it_is_reserved_again(change: dict[str, object]):
    difference = _ReservedHostProvider().diff("reservation-1", reserve(), reserve(**change))
    assert difference.replaces == ["host"]
    assert difference.delete_before_replace


def changes(lab: str, *, held: bool = True) -> HostChanges:
    return HostChanges(stack="test", lab=lab, held=held, made_folder=True)


@pytest.mark.parametrize(
    ("found", "reserved"),
    [(changes("ONE"), True), (None, False), (changes("ONE", held=False), False), (changes("TWO"), False)],
    ids=["by it", "set up again since", "left since", "by another lab since"],
)
def test_a_machine_is_a_labs_where_its_journal_says_so(
    found: HostChanges | None, reserved: bool, monkeypatch: pytest.MonkeyPatch
):
    def read(_connection: Connection) -> HostChanges | None:
        return found

    monkeypatch.setattr(reconciliation, "read_changes", read)
    assert _is_reserved(LocalHost(), State(lab="ONE")) is reserved


def test_a_reserved_machine_that_could_not_be_prepared_is_prepared_by_the_next_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def reach(*_: object) -> Connection:
        return LocalHost()

    def read(_connection: Connection) -> HostChanges:
        return changes("ONE")

    def wait_for_engine(*_: object, **__: object) -> None:
        raise HostError("The Docker engine didn't answer.")

    monkeypatch.setattr(reconciliation, "_reach", reach)
    monkeypatch.setattr(reconciliation, "read_changes", read)
    monkeypatch.setattr(reconciliation, "wait_for_engine", wait_for_engine)
    [example] = [example for example in EXAMPLES if isinstance(example, Stack)]
    engine, stack = Engine(tmp_path, "test", {}), example.model_copy(update={"host": MACHINES[0]})
    state = State(host=HOST, host_id="reservation-1", lab="ONE")
    ready = Recorded("pulumi-python:dynamic/fairground:ReadyHost", "ready-host", "reservation-1", "urn:1")
    assert not reconcile(engine, stack, state, killed=False, progress=print)
    with pytest.raises(LabError, match="didn't answer"):
        reconcile(engine, stack, replace(state, resources=(ready,)), killed=False, progress=print)
