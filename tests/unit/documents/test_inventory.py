"""Inventories with and without load hosts, and older ones."""

import json
from typing import get_args

import pytest

from analysis.raw import SAMPLED_ROLES
from documents.errors import DocumentError
from documents.lab.host import ROLES, SERVICES, CoreLayout, JumpHost, Service
from documents.lab.inventory import Inventory
from documents.run.records import HostRecord
from documents.stack.stack import Services
from tests.unit.analysis.load_host_builder import LOAD_HOST, with_load_hosts
from tests.unit.documents.samples import IDENTITY, INVENTORY

CORES_OF_THE_LAB: dict[str, object] = json.loads(INVENTORY.cores.model_dump_json())


def on_load_host(**members: object) -> list[dict[str, object]]:
    """The JSON of load hosts of which one is changed."""
    return [json.loads(LOAD_HOST.to_json()) | members]


def changed(**members: object) -> str:
    """The JSON of an inventory with a load host, changed."""
    return json.dumps(json.loads(with_load_hosts(INVENTORY).to_json()) | members)


def test_every_service_has_its_name_its_place_in_both_documents_and_a_role():
    assert [*SERVICES] == [*get_args(Service)] == [*Services.model_fields] == [*INVENTORY.services]
    assert INVENTORY.services == {"postgres": INVENTORY.postgres, "redis": INVENTORY.redis}
    assert ROLES == (*SAMPLED_ROLES, "system") == ("api", *SERVICES, "generator", "system")
    assert CoreLayout.model_fields.keys() == {*ROLES, "shared"}


def test_without_load_hosts_nothing_about_them_is_written():
    written = json.loads(INVENTORY.to_json())
    assert written.keys().isdisjoint({"load_hosts", "api_address"})
    assert "load_hosts" not in json.loads(HostRecord(before=IDENTITY).to_json())
    assert INVENTORY.api_address == "127.0.0.1"
    assert INVENTORY.load_hosts == ()


def test_an_inventory_with_load_hosts_is_read_back():
    inventory = with_load_hosts(INVENTORY, 2)
    assert Inventory.from_json(inventory.to_json(), name="inventory") == inventory
    assert inventory.load_hosts == (LOAD_HOST, LOAD_HOST)


def test_an_older_inventory_with_a_jump_host_is_read():
    """It has `host_public_key` for what is now `host_key`."""
    older = json.loads(INVENTORY.to_json())
    older["host"]["jump_host"] = {
        "address": "gate.example",
        "port": 22,
        "user": "ada",
        "host_public_key": "ssh-ed25519 AAAA",
    }
    inventory = Inventory.from_json(json.dumps(older), name="inventory")
    assert inventory.host.jump_host == JumpHost(address="gate.example", user="ada", host_key="ssh-ed25519 AAAA")
    assert Inventory.from_json(inventory.to_json(), name="inventory") == inventory


@pytest.mark.parametrize(
    ("members", "fault"),
    [
        ({"api_address": "127.0.0.1"}, r"api_address: no load host reaches 127\.0\.0\.1"),
        ({"api_address": "127.0.1.1"}, r"api_address: no load host reaches 127\.0\.1\.1"),
        ({"api_address": "0.0.0.0"}, r"api_address: 0\.0\.0\.0 is every address of the host"),  # noqa: S104
        ({"api_address": "somewhere"}, "api_address: "),
        ({"cores": CORES_OF_THE_LAB}, "the load comes from load hosts"),
        ({"load_hosts": list[object]()}, "without a load host the generator needs a CPU"),
        ({"load_hosts": on_load_host(generator=list[int]())}, "load_hosts.0.generator"),
        ({"load_hosts": on_load_host(generator=[7, 6])}, "must rise"),
        ({"load_hosts": on_load_host(system=[6])}, "its CPUs to itself"),
    ],
)
def test_a_contradiction_is_refused_with_its_place(members: dict[str, object], fault: str):
    with pytest.raises(DocumentError, match=fault):
        Inventory.from_json(changed(**members), name="inventory")
