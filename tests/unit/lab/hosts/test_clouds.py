"""What is declared at a cloud is what is recorded in the YAML files here, and what must hold of every record."""

import itertools
from typing import Any, get_args

import pytest

from documents.lab.host import CloudKind
from documents.stack.hosts import CloudHost, cloud_tags
from lab.hosts.cloud import CLOUDS
from lab.resources.access import SECRET_OUTPUTS
from tests.unit.documents.samples import AWS_HOST, CLOUD_HOSTS
from tests.unit.lab.hosts.mocked_cloud import CREDENTIALS, STACK, Declaration, Declared, declare
from tests.unit.lab.hosts.recorded import BASE, CASES, FOLDER, USER_DATA, difference, read_cases, record, record_cases

UNTAGGABLE = {"aws:ec2/routeTableAssociation:RouteTableAssociation", "hcloud:index/networkSubnet:NetworkSubnet"}

NOT_OF_A_CLOUD = ("pulumi:", "pulumi-python:", "fairground:")

both = pytest.mark.parametrize("host", CLOUD_HOSTS, ids=lambda host: host.kind)


def test_each_cloud_has_its_cases_and_its_sample():
    assert [*CASES] == [host.kind for host in CLOUD_HOSTS] == [*get_args(CloudKind)]


@pytest.mark.parametrize("cloud", CASES)
def test_what_is_declared_is_what_is_recorded(cloud: str):
    assert record_cases(cloud) == read_cases(cloud)


def test_machines_get_json_of_what_is_recorded():
    assert (FOLDER / "user_data.yaml").read_text(encoding="utf-8") == USER_DATA


def test_a_firewall_that_lets_another_network_in_differs_from_the_record():
    wider = AWS_HOST.model_copy(update={"allowed_from": "203.0.112.0/23"})
    found = difference(read_cases("aws")[BASE], record(declare(wider, 1)))
    assert found == {"ssh-from-controller": {"inputs": {"cidrIpv4": "203.0.112.0/23"}}}


@both
def test_every_load_host_is_a_machine_like_the_first(host: CloudHost):
    found = record(declare(host, 3))
    first = str(found["load-host-1"]).replace("10.83.0.3", "10.83.0.X")
    for number, address in ((2, "10.83.0.4"), (3, "10.83.0.5")):
        name = f"load-host-{number}"
        assert str(found[name]).replace(name, "load-host-1").replace(address, "10.83.0.X") == first


# Whatever is recorded


@pytest.fixture(scope="module", params=[case for cases in CASES.values() for case in cases.values()])
def made(request: pytest.FixtureRequest) -> Declaration:
    return declare(*request.param)


def test_ssh_from_the_controller_is_all_that_comes_in(made: Declaration):
    allowed = made.document.allowed_from
    match made.document.kind:
        case "hetzner":
            [firewall] = inputs_of(made, "Firewall")
            let_in = [(rule["protocol"], rule["port"], rule["sourceIps"]) for rule in firewall["rules"]]
            assert let_in == [("tcp", "22", [allowed])]
        case "aws":
            ssh = {"ipProtocol": "tcp", "fromPort": 22, "toPort": 22, "cidrIpv4": allowed}
            rules = inputs_of(made, "SecurityGroupIngressRule")
            assert rules
            for rule in rules:
                among_machines = {"ipProtocol": "-1", "referencedSecurityGroupId": rule["securityGroupId"]}
                assert {name: rule[name] for name in rule.keys() - {"securityGroupId", "tags"}} in (ssh, among_machines)
            assert all("ingress" not in group for group in inputs_of(made, "SecurityGroup"))


def test_everything_carries_the_tags_of_stack_owner_and_end(made: Declaration):
    expected = cloud_tags(STACK, made.document).items()
    resources = at_cloud(made)
    assert resources
    for one in resources:
        assert one.type in UNTAGGABLE or expected <= (one.inputs.get("tags") or one.inputs["labels"]).items(), one.name
        if "rootBlockDevice" in one.inputs:
            assert expected <= one.inputs["rootBlockDevice"]["tags"].items()


def test_no_secret_is_in_plain_sight(made: Declaration):
    # In user data the lines of a key are indented.
    needles = {CREDENTIALS[name].splitlines()[-1] for name in SECRET_OUTPUTS}
    for one in made.resources:
        shown = str({name: value for name, value in one.inputs.items() if name not in one.secrets})
        assert not [needle for needle in needles if needle in shown], one.name


@both
def test_credentials_in_the_environment_are_not_recorded(host: CloudHost, monkeypatch: pytest.MonkeyPatch):
    for name in itertools.chain(["AWS_REGION", "AWS_SESSION_TOKEN"], *CLOUDS[host.kind].credentials):
        monkeypatch.setenv(name, "of-the-environment")
    assert "of-the-environment" not in str(declare(host, 1).resources)


def at_cloud(made: Declaration) -> list[Declared]:
    return [one for one in made.resources if not one.type.startswith(NOT_OF_A_CLOUD)]


def inputs_of(made: Declaration, kind: str) -> list[dict[str, Any]]:
    return [one.inputs for one in made.resources if one.type.endswith(f":{kind}")]
