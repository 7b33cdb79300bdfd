"""The servers of Hetzner Cloud as the component declares them; and each rule fails where it is broken on purpose."""

from collections import Counter
from typing import Any

import pytest

from documents.cloud_hosts import NETWORK_ZONES, HetznerHost
from tests.unit.documents.samples import HETZNER_HOST
from tests.unit.lab.hosts import cloud_rules
from tests.unit.lab.hosts.cloud_breakages import BREAKAGES_OF_EVERY_CLOUD
from tests.unit.lab.hosts.cloud_rules import (
    NOTHING,
    RULES,
    Break,
    Rule,
    add,
    at_cloud,
    change,
    give,
    inputs_of,
    lack,
    machines,
    nothing_else_is_made,
    option,
    unlike,
)
from tests.unit.lab.hosts.mocked_cloud import USER_PUBLIC_KEY, Declaration, declare, numeric_id

SHARED = HETZNER_HOST.model_copy(update={"server_type": "cpx41", "location": "ash", "image": "debian-12"})

DECLARED = [(HETZNER_HOST, 0), (HETZNER_HOST, 1), (HETZNER_HOST, 3), (SHARED, 2)]


def only_these_are_made(made: Declaration) -> list[str]:
    several = int(bool(made.load_hosts))
    loads = [f"load-host-{number}" for number in range(1, made.load_hosts + 1)]
    return nothing_else_is_made(
        made,
        Counter(
            {
                ("pulumi-python:dynamic/fairground:Credentials", "credentials"): 1,
                ("pulumi-python:dynamic/fairground:SshFiles", "ssh-files"): 1,
                ("fairground:hosts:HetznerHost", "cloud-host"): 1,
                ("pulumi:providers:hcloud", "hetzner"): 1,
                ("hcloud:index/sshKey:SshKey", "user-key"): 1,
                ("hcloud:index/firewall:Firewall", "firewall"): 1,
                ("hcloud:index/network:Network", "network"): several,
                ("hcloud:index/networkSubnet:NetworkSubnet", "subnet"): several,
                **{("hcloud:index/server:Server", name): 1 for name in ("host", *loads)},
            }
        )
        + Counter(),
    )


def inputs_are_those_of_the_document(made: Declaration) -> list[str]:
    document = made.document
    assert isinstance(document, HetznerHost)
    expected: dict[str, dict[str, Any]] = {
        "user-key": {"name": "fairground-probe", "publicKey": USER_PUBLIC_KEY},
        "firewall": {
            "name": "fairground-probe",
            "rules": [
                {
                    "direction": "in",
                    "protocol": "tcp",
                    "port": "22",
                    "sourceIps": [document.allowed_from],
                    "description": "SSH from the controller",
                }
            ],
        },
        "network": {"name": "fairground-probe", "ipRange": "10.83.0.0/24"},
        "subnet": {
            "networkId": numeric_id("network"),
            "type": "cloud",
            "networkZone": NETWORK_ZONES[document.location],
            "ipRange": "10.83.0.0/24",
        },
    }
    for index in range(made.load_hosts + 1):
        name = f"load-host-{index}" if index else "host"
        expected[name] = {
            "name": f"fairground-probe-{name}",
            "serverType": document.server_type,
            "image": document.image,
            "location": document.location,
            "sshKeys": [str(numeric_id("user-key"))],
            "firewallIds": [numeric_id("firewall")],
            "publicNets": [{"ipv4Enabled": True, "ipv6Enabled": False}],
            "backups": False,
            "deleteProtection": False,
            "rebuildProtection": False,
        }
        if made.load_hosts:
            expected[name]["networks"] = [{"networkId": numeric_id("network"), "ip": f"10.83.0.{2 + index}"}]
    return [
        fault
        for name, inputs in inputs_of(made).items()
        for fault in unlike(f"what {name} is to be", inputs, expected.get(name))
    ]


def machines_have_the_lab_s_firewall_from_their_first_moment(made: Declaration) -> list[str]:
    return [
        fault
        for machine in machines(made)
        for fault in (
            *unlike(f"firewalls of {machine.name}", machine.inputs.get("firewallIds"), [numeric_id("firewall")]),
            *([] if "firewall" in machine.after else [f"{machine.name} doesn't wait for its firewall"]),
        )
    ]


def no_password_is_mailed(made: Declaration) -> list[str]:
    """A server without a key gets a password for root, which Hetzner sends by mail."""
    return [f"{machine.name} has no key" for machine in machines(made) if not machine.inputs.get("sshKeys")]


def nothing_goes_by_ipv6(made: Declaration) -> list[str]:
    return [
        f"{machine.name} has an address of IPv6"
        for machine in machines(made)
        if machine.inputs.get("publicNets") != [{"ipv4Enabled": True, "ipv6Enabled": False}]
    ]


def no_machine_outlives_its_lab(made: Declaration) -> list[str]:
    return [
        f"{machine.name}.{name} isn't off"
        for machine in machines(made)
        for name in ("deleteProtection", "rebuildProtection", "backups")
        if machine.inputs.get(name) is not False
    ]


def what_has_a_name_is_gone_before_it_is_made_anew(made: Declaration) -> list[str]:
    return [f"{one.name} is made beside the old one" for one in at_cloud(made) if not one.deleted_first]


def machines_reach_each_other_by_addresses_that_are_theirs(made: Declaration) -> list[str]:
    expected = tuple(f"10.83.0.{2 + index}" for index in range(1 + made.load_hosts)) if made.load_hosts else ()
    own = tuple(network["ip"] for machine in machines(made) for network in machine.inputs.get("networks", []))
    return [
        *unlike("the APIs' address", made.api_address, expected[0] if expected else "127.0.0.1"),
        *unlike("those of the machines", sorted(own), sorted(expected)),
        *(
            f"{machine.name} doesn't wait for the subnet"
            for machine in machines(made)
            if expected and "subnet" not in machine.after
        ),
    ]


ALL_RULES: tuple[Rule, ...] = (
    *RULES,
    only_these_are_made,
    inputs_are_those_of_the_document,
    machines_have_the_lab_s_firewall_from_their_first_moment,
    no_password_is_mailed,
    nothing_goes_by_ipv6,
    no_machine_outlives_its_lab,
    what_has_a_name_is_gone_before_it_is_made_anew,
    machines_reach_each_other_by_addresses_that_are_theirs,
)

BREAKAGES: list[tuple[Rule, Break]] = [
    (only_these_are_made, lack("network")),
    (only_these_are_made, lack("firewall")),
    (only_these_are_made, lack("load-host-1")),
    (only_these_are_made, add("host", "load-host-2")),
    (inputs_are_those_of_the_document, change("host", "serverType", "cpx41")),
    (inputs_are_those_of_the_document, change("host", "image", "ubuntu-24.04")),
    (inputs_are_those_of_the_document, change("load-host-1", "location", "nbg1")),
    (inputs_are_those_of_the_document, change("host", "name", "fairground-other-host")),
    (inputs_are_those_of_the_document, change("subnet", "networkZone", "us-east")),
    (inputs_are_those_of_the_document, change("firewall", "rules.0.description", "all")),
    (machines_have_the_lab_s_firewall_from_their_first_moment, change("host", "firewallIds", [])),
    (machines_have_the_lab_s_firewall_from_their_first_moment, change("load-host-1", "firewallIds", "del")),
    (machines_have_the_lab_s_firewall_from_their_first_moment, option("host", after=frozenset({"subnet"}))),
    (no_password_is_mailed, change("host", "sshKeys", "del")),
    (no_password_is_mailed, change("load-host-1", "sshKeys", [])),
    (nothing_goes_by_ipv6, change("host", "publicNets.0.ipv6Enabled", True)),
    (nothing_goes_by_ipv6, change("host", "publicNets", "del")),
    (no_machine_outlives_its_lab, change("host", "deleteProtection", True)),
    (no_machine_outlives_its_lab, change("host", "backups", True)),
    (what_has_a_name_is_gone_before_it_is_made_anew, option("user-key", deleted_first=False)),
    (machines_reach_each_other_by_addresses_that_are_theirs, give(api_address="127.0.0.1")),
    (machines_reach_each_other_by_addresses_that_are_theirs, change("load-host-1", "networks.0.ip", "10.83.0.2")),
    (machines_reach_each_other_by_addresses_that_are_theirs, option("host", after=frozenset({"firewall"}))),
    *BREAKAGES_OF_EVERY_CLOUD,
    # Rules of every cloud, broken in what this one has under names of its own
    (cloud_rules.all_is_made_by_the_provider_of_the_document, option("network", provider="default_1_43_3")),
    (cloud_rules.no_credential_of_the_cloud_is_on_record, change("hetzner", "token", "x")),
    (cloud_rules.all_is_tagged, change("network", "labels", "del")),
    (cloud_rules.all_is_tagged, change("firewall", "labels.fairground-owner", "del")),
    (cloud_rules.all_is_tagged, change("host", "labels.fairground-expires", "20990101T000000Z")),
    (cloud_rules.all_is_tagged, change("user-key", "labels.fairground-stack", "other")),
    (cloud_rules.ssh_from_the_controller_is_all_that_comes_in, change("firewall", "rules.0.port", "any")),
    (cloud_rules.ssh_from_the_controller_is_all_that_comes_in, change("firewall", "rules.0.protocol", "udp")),
    (cloud_rules.ssh_from_the_controller_is_all_that_comes_in, change("firewall", "rules", [])),
    (
        cloud_rules.ssh_from_the_controller_is_all_that_comes_in,
        change("firewall", "rules.0.sourceIps", ["203.0.113.7/32", "203.0.113.8/32"]),
    ),
    (cloud_rules.nothing_is_open_to_the_world, change("firewall", "rules.0.sourceIps", ["0.0.0.0/0"])),
    (cloud_rules.nothing_is_open_to_the_world, change("firewall", "rules.0.sourceIps", ["203.0.113.7/32", "::/0"])),
    (cloud_rules.no_secret_is_in_plain_sight, option("load-host-1", secrets=NOTHING)),
    (cloud_rules.no_secret_is_in_plain_sight, change("network", "name", "jwt-secret")),
    (cloud_rules.machines_are_equal, change("load-host-1", "serverType", "ccx43")),
    (cloud_rules.machines_are_equal, change("load-host-1", "image", "debian-12")),
    (cloud_rules.the_bill_is_on_record, change("cloud-host", "bill.price_per_hour.amount", 0.1)),
]


@pytest.fixture(scope="module")
def made() -> Declaration:
    return declare(HETZNER_HOST, 1)


@pytest.mark.parametrize(("document", "load_hosts"), DECLARED)
def test_what_is_declared_keeps_every_rule(document: HetznerHost, load_hosts: int):
    made = declare(document, load_hosts)
    assert [fault for rule in ALL_RULES for fault in rule(made)] == []


@pytest.mark.parametrize(("rule", "broken"), BREAKAGES)
def test_rule_fails_where_it_is_broken(made: Declaration, rule: Rule, broken: Break):
    assert rule(made) == []
    assert rule(broken(made)) != []


def test_every_rule_is_broken():
    assert {rule for rule, _ in BREAKAGES} == set(ALL_RULES)


def test_token_in_the_environment_never_comes_on_record(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HCLOUD_TOKEN", "token-of-the-environment")
    assert "token-of-the-environment" not in str(declare(HETZNER_HOST, 1).resources)
