"""The machines of Amazon EC2 as the component declares them; and each rule fails where it is broken on purpose."""

from collections import Counter
from typing import Any

import pytest

from documents.cloud_hosts import AwsHost
from tests.unit.documents.samples import AWS_HOST
from tests.unit.lab.hosts import cloud_rules
from tests.unit.lab.hosts.cloud_breakages import BREAKAGES_OF_EVERY_CLOUD
from tests.unit.lab.hosts.cloud_rules import (
    NOTHING,
    RULES,
    Break,
    Rule,
    add,
    change,
    give,
    inputs_of,
    lack,
    machines,
    nothing_else_is_made,
    of_type,
    option,
    unlike,
)
from tests.unit.lab.hosts.mocked_cloud import USER_PUBLIC_KEY, Declaration, declare

BURSTABLE = AWS_HOST.model_copy(update={"instance_type": "t3.2xlarge", "availability_zone": None})
FLEXIBLE = AWS_HOST.model_copy(update={"instance_type": "m7i-flex.2xlarge"})
LARGE = AWS_HOST.model_copy(update={"disk_gb": 500, "region": "us-gov-west-1", "availability_zone": "us-gov-west-1a"})

DECLARED = [(AWS_HOST, 0), (AWS_HOST, 1), (AWS_HOST, 3), (BURSTABLE, 2), (FLEXIBLE, 1), (LARGE, 0)]


def only_these_are_made(made: Declaration) -> list[str]:
    several = bool(made.load_hosts)
    loads = [f"load-host-{number}" for number in range(1, made.load_hosts + 1)]
    return nothing_else_is_made(
        made,
        Counter(
            {
                ("pulumi-python:dynamic/fairground:Credentials", "credentials"): 1,
                ("pulumi-python:dynamic/fairground:SshFiles", "ssh-files"): 1,
                ("fairground:hosts:AwsHost", "cloud-host"): 1,
                ("pulumi:providers:aws", "aws"): 1,
                ("aws:ec2/vpc:Vpc", "network"): 1,
                ("aws:ec2/subnet:Subnet", "subnet"): 1,
                ("aws:ec2/internetGateway:InternetGateway", "gateway"): 1,
                ("aws:ec2/routeTable:RouteTable", "routes"): 1,
                ("aws:ec2/routeTableAssociation:RouteTableAssociation", "routes-of-subnet"): 1,
                ("aws:ec2/securityGroup:SecurityGroup", "firewall"): 1,
                ("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "ssh-from-controller"): 1,
                ("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "among-machines"): int(several),
                ("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", "way-out"): 1,
                ("aws:ec2/keyPair:KeyPair", "user-key"): 1,
                ("aws:ec2/placementGroup:PlacementGroup", "placement"): int(several and not _shared(made)),
                **{("aws:ec2/instance:Instance", name): 1 for name in ("host", *loads)},
            }
        )
        + Counter(),
    )


def inputs_are_those_of_the_document(made: Declaration) -> list[str]:
    document = made.document
    assert isinstance(document, AwsHost)
    burstable = _burstable(made)
    instance: dict[str, Any] = {
        "ami": document.ami,
        "instanceType": document.instance_type,
        "subnetId": "subnet-id",
        "associatePublicIpAddress": True,
        "vpcSecurityGroupIds": ["firewall-id"],
        "keyName": "user-key-1a2b3c4",
        "tenancy": "default",
        "ebsOptimized": True,
        "monitoring": False,
        "disableApiTermination": False,
        "instanceInitiatedShutdownBehavior": "terminate",
        "metadataOptions": {
            "httpEndpoint": "enabled",
            "httpTokens": "required",
            "httpPutResponseHopLimit": 1,
            "httpProtocolIpv6": "disabled",
            "instanceMetadataTags": "disabled",
        },
        "rootBlockDevice": {
            "volumeType": "gp3",
            "volumeSize": document.disk_gb,
            "iops": 3000,
            "throughput": 125,
            "encrypted": True,
            "deleteOnTermination": True,
        },
        "userDataReplaceOnChange": True,
        **({"placementGroup": "placement-1a2b3c4"} if made.load_hosts and not _shared(made) else {}),
        **({"creditSpecification": {"cpuCredits": "standard"}} if burstable else {}),
    }
    expected: dict[str, dict[str, Any]] = {
        "network": {"cidrBlock": "10.83.0.0/24", "enableDnsSupport": True, "enableDnsHostnames": False},
        "subnet": {
            "vpcId": "network-id",
            "cidrBlock": "10.83.0.0/24",
            "mapPublicIpOnLaunch": False,
            **({} if document.availability_zone is None else {"availabilityZone": document.availability_zone}),
        },
        "gateway": {"vpcId": "network-id"},
        "routes": {"vpcId": "network-id", "routes": [{"cidrBlock": "0.0.0.0/0", "gatewayId": "gateway-id"}]},
        "routes-of-subnet": {"subnetId": "subnet-id", "routeTableId": "routes-id"},
        "firewall": {"vpcId": "network-id", "description": "Fairground: SSH from the controller"},
        "ssh-from-controller": {
            "securityGroupId": "firewall-id",
            "ipProtocol": "tcp",
            "fromPort": 22,
            "toPort": 22,
            "cidrIpv4": document.allowed_from,
        },
        "among-machines": {
            "securityGroupId": "firewall-id",
            "ipProtocol": "-1",
            "referencedSecurityGroupId": "firewall-id",
        },
        "way-out": {"securityGroupId": "firewall-id", "ipProtocol": "-1", "cidrIpv4": "0.0.0.0/0"},
        "user-key": {"publicKey": USER_PUBLIC_KEY},
        "placement": {"strategy": "cluster"},
    }
    return [
        fault
        for name, inputs in inputs_of(made).items()
        for fault in unlike(f"what {name} is to be", inputs, expected.get(name, instance))
    ]


def region_is_that_of_the_document(made: Declaration) -> list[str]:
    assert isinstance(made.document, AwsHost)
    [provider] = of_type(made, "aws")
    return unlike("the region", provider.inputs.get("region"), made.document.region)


def disks_are_encrypted_and_go_with_their_machine(made: Declaration) -> list[str]:
    return [
        f"the disk of {machine.name} isn't {name}"
        for machine in machines(made)
        for name in ("encrypted", "deleteOnTermination")
        if machine.inputs["rootBlockDevice"].get(name) is not True
    ]


def metadata_is_told_to_sessions_of_the_machine_alone(made: Declaration) -> list[str]:
    """Version 2 of the service, whose answers go one hop far: not to what is behind another network interface."""
    return [
        fault
        for machine in machines(made)
        for name, value in (("httpTokens", "required"), ("httpPutResponseHopLimit", 1))
        for fault in unlike(f"{name} of {machine.name}", machine.inputs.get("metadataOptions", {}).get(name), value)
    ]


def machines_have_no_rights_of_their_own(made: Declaration) -> list[str]:
    return [f"{machine.name} has a profile" for machine in machines(made) if "iamInstanceProfile" in machine.inputs]


def machines_have_the_lab_s_firewall_alone(made: Declaration) -> list[str]:
    return [
        fault
        for machine in machines(made)
        for fault in unlike(f"firewalls of {machine.name}", machine.inputs.get("vpcSecurityGroupIds"), ["firewall-id"])
    ]


def nothing_goes_by_ipv6(made: Declaration) -> list[str]:
    return [
        f"{resource.name} has {name}"
        for resource in made.resources
        for name, value in resource.inputs.items()
        if "ipv6" in name.lower() and value
    ]


def machines_come_after_firewall_and_way_out(made: Declaration) -> list[str]:
    needed = {"ssh-from-controller", "way-out", "routes-of-subnet"}
    return [f"{machine.name} doesn't wait for {name}" for machine in machines(made) for name in needed - machine.after]


def no_machine_outlives_its_lab(made: Declaration) -> list[str]:
    return [
        fault
        for machine in machines(made)
        for name, value in (("disableApiTermination", False), ("instanceInitiatedShutdownBehavior", "terminate"))
        for fault in unlike(f"{name} of {machine.name}", machine.inputs.get(name), value)
    ]


def nothing_costs_more_than_was_confirmed(made: Declaration) -> list[str]:
    """No credits are bought, and no closer monitoring."""
    bought = {"cpuCredits": "standard"} if _burstable(made) else None
    return [
        fault
        for machine in machines(made)
        for name, value in (("creditSpecification", bought), ("monitoring", False))
        for fault in unlike(f"{name} of {machine.name}", machine.inputs.get(name), value)
    ]


def apis_listen_where_the_load_hosts_reach_them_and_nowhere_else(made: Declaration) -> list[str]:
    return unlike("the APIs' address", made.api_address, "10.83.0.101" if made.load_hosts else "127.0.0.1")


def _burstable(made: Declaration) -> bool:
    assert isinstance(made.document, AwsHost)
    return made.document.burstable


def _shared(made: Declaration) -> bool:
    assert isinstance(made.document, AwsHost)
    return made.document.shared_cores


ALL_RULES: tuple[Rule, ...] = (
    *RULES,
    only_these_are_made,
    inputs_are_those_of_the_document,
    region_is_that_of_the_document,
    disks_are_encrypted_and_go_with_their_machine,
    metadata_is_told_to_sessions_of_the_machine_alone,
    machines_have_no_rights_of_their_own,
    machines_have_the_lab_s_firewall_alone,
    nothing_goes_by_ipv6,
    machines_come_after_firewall_and_way_out,
    no_machine_outlives_its_lab,
    nothing_costs_more_than_was_confirmed,
    apis_listen_where_the_load_hosts_reach_them_and_nowhere_else,
)

BREAKAGES: list[tuple[Rule, Break]] = [
    (only_these_are_made, lack("among-machines")),
    (only_these_are_made, lack("way-out")),
    (only_these_are_made, lack("placement")),
    (only_these_are_made, lack("load-host-1")),
    (only_these_are_made, add("host", "load-host-2")),
    (only_these_are_made, add("ssh-from-controller", "http", fromPort=80, toPort=80)),
    (inputs_are_those_of_the_document, change("host", "instanceType", "t3.micro")),
    (inputs_are_those_of_the_document, change("host", "ami", "ami-00000000000000000")),
    (inputs_are_those_of_the_document, change("host", "rootBlockDevice.volumeSize", 8)),
    (inputs_are_those_of_the_document, change("host", "rootBlockDevice.iops", "del")),
    (inputs_are_those_of_the_document, change("load-host-1", "rootBlockDevice.throughput", 500)),
    (inputs_are_those_of_the_document, change("host", "tenancy", "dedicated")),
    (inputs_are_those_of_the_document, change("host", "placementGroup", "del")),
    (inputs_are_those_of_the_document, change("host", "userDataReplaceOnChange", False)),
    (inputs_are_those_of_the_document, change("subnet", "availabilityZone", "eu-central-1a")),
    (inputs_are_those_of_the_document, change("subnet", "mapPublicIpOnLaunch", True)),
    (inputs_are_those_of_the_document, change("routes", "routes.0.gatewayId", "another")),
    (inputs_are_those_of_the_document, change("placement", "strategy", "spread")),
    (region_is_that_of_the_document, change("aws", "region", "us-east-1")),
    (disks_are_encrypted_and_go_with_their_machine, change("host", "rootBlockDevice.encrypted", False)),
    (disks_are_encrypted_and_go_with_their_machine, change("load-host-1", "rootBlockDevice.encrypted", "del")),
    (disks_are_encrypted_and_go_with_their_machine, change("host", "rootBlockDevice.deleteOnTermination", False)),
    (metadata_is_told_to_sessions_of_the_machine_alone, change("host", "metadataOptions.httpTokens", "optional")),
    (metadata_is_told_to_sessions_of_the_machine_alone, change("host", "metadataOptions.httpPutResponseHopLimit", 2)),
    (metadata_is_told_to_sessions_of_the_machine_alone, change("load-host-1", "metadataOptions", "del")),
    (machines_have_no_rights_of_their_own, change("host", "iamInstanceProfile", "admin")),
    (machines_have_the_lab_s_firewall_alone, change("host", "vpcSecurityGroupIds", ["firewall-id", "another"])),
    (machines_have_the_lab_s_firewall_alone, change("load-host-1", "vpcSecurityGroupIds", "del")),
    (nothing_goes_by_ipv6, change("network", "assignGeneratedIpv6CidrBlock", True)),
    (nothing_goes_by_ipv6, change("way-out", "cidrIpv6", "::/0")),
    (machines_come_after_firewall_and_way_out, option("host", after=frozenset({"subnet"}))),
    (no_machine_outlives_its_lab, change("host", "disableApiTermination", True)),
    (no_machine_outlives_its_lab, change("load-host-1", "instanceInitiatedShutdownBehavior", "stop")),
    (nothing_costs_more_than_was_confirmed, change("host", "monitoring", True)),
    (nothing_costs_more_than_was_confirmed, change("host", "creditSpecification", {"cpuCredits": "unlimited"})),
    (apis_listen_where_the_load_hosts_reach_them_and_nowhere_else, give(api_address="127.0.0.1")),
    (apis_listen_where_the_load_hosts_reach_them_and_nowhere_else, give(api_address="10.83.0.102")),
    *BREAKAGES_OF_EVERY_CLOUD,
    # Rules of every cloud, broken in what this one has under names of its own
    (cloud_rules.all_is_made_by_the_provider_of_the_document, option("subnet", provider="default_7_51_1")),
    (cloud_rules.no_credential_of_the_cloud_is_on_record, change("aws", "accessKey", "AKIA")),
    (cloud_rules.no_credential_of_the_cloud_is_on_record, change("aws", "token", "x")),
    (cloud_rules.all_is_tagged, change("network", "tags", "del")),
    (cloud_rules.all_is_tagged, change("user-key", "tags.fairground-owner", "del")),
    (cloud_rules.all_is_tagged, change("host", "tags.fairground-expires", "20990101T000000Z")),
    (cloud_rules.all_is_tagged, change("among-machines", "tags.fairground-stack", "other")),
    (cloud_rules.all_is_tagged, change("load-host-1", "rootBlockDevice.tags", "del")),
    (cloud_rules.ssh_from_the_controller_is_all_that_comes_in, change("ssh-from-controller", "toPort", 23)),
    (cloud_rules.ssh_from_the_controller_is_all_that_comes_in, change("ssh-from-controller", "ipProtocol", "-1")),
    (
        cloud_rules.ssh_from_the_controller_is_all_that_comes_in,
        change("ssh-from-controller", "cidrIpv4", "203.0.113.8/32"),
    ),
    (
        cloud_rules.ssh_from_the_controller_is_all_that_comes_in,
        change("among-machines", "referencedSecurityGroupId", "sg-another"),
    ),
    (
        cloud_rules.ssh_from_the_controller_is_all_that_comes_in,
        add("ssh-from-controller", "http", fromPort=80, toPort=80),
    ),
    (
        cloud_rules.ssh_from_the_controller_is_all_that_comes_in,
        change("firewall", "ingress", [{"fromPort": 80, "toPort": 80, "cidrBlocks": ["203.0.113.7/32"]}]),
    ),
    (cloud_rules.nothing_is_open_to_the_world, change("ssh-from-controller", "cidrIpv4", "0.0.0.0/0")),
    (cloud_rules.nothing_is_open_to_the_world, change("ssh-from-controller", "cidrIpv4", "203.0.112.0/23")),
    (cloud_rules.nothing_is_open_to_the_world, change("ssh-from-controller", "cidrIpv6", "::/0")),
    (cloud_rules.nothing_is_open_to_the_world, change("ssh-from-controller", "prefixListId", "pl-everyone")),
    (cloud_rules.nothing_is_open_to_the_world, change("among-machines", "cidrIpv4", "0.0.0.0/0")),
    (cloud_rules.no_secret_is_in_plain_sight, option("host", secrets=NOTHING)),
    (cloud_rules.no_secret_is_in_plain_sight, change("subnet", "tags.password", "postgres-password")),
    (cloud_rules.machines_are_equal, change("load-host-1", "instanceType", "c7a.4xlarge")),
    (cloud_rules.machines_are_equal, change("load-host-1", "rootBlockDevice.iops", 6000)),
    (cloud_rules.machines_are_equal, change("host", "subnetId", "another")),
    (cloud_rules.the_bill_is_on_record, change("cloud-host", "bill.machines", 1)),
]


@pytest.fixture(scope="module")
def made() -> Declaration:
    return declare(AWS_HOST, 1)


@pytest.mark.parametrize(("document", "load_hosts"), DECLARED)
def test_what_is_declared_keeps_every_rule(document: AwsHost, load_hosts: int):
    made = declare(document, load_hosts)
    assert [fault for rule in ALL_RULES for fault in rule(made)] == []


@pytest.mark.parametrize(("rule", "broken"), BREAKAGES)
def test_rule_fails_where_it_is_broken(made: Declaration, rule: Rule, broken: Break):
    assert rule(made) == []
    assert rule(broken(made)) != []


def test_every_rule_is_broken():
    assert {rule for rule, _ in BREAKAGES} == set(ALL_RULES)


def test_credentials_and_region_in_the_environment_never_come_on_record(monkeypatch: pytest.MonkeyPatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_PROFILE"):
        monkeypatch.setenv(name, "of-the-environment")
    assert "of-the-environment" not in str(declare(AWS_HOST, 1).resources)
