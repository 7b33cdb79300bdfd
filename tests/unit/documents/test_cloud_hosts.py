"""The host of a stack document at a cloud: never open to the world, and with an owner, an end and a price."""

from datetime import UTC, datetime

import pytest

from documents.base import Document
from documents.errors import DocumentError
from documents.stack.hosts import AwsHost, CloudHost, HetznerHost, cloud_tags
from tests.unit.documents.samples import AWS_HOST, HETZNER_HOST

COMMON = """\
owner: anna
expires: "2026-12-01T18:00:00+01:00"
allowed_from: 203.0.113.7/32
price_per_hour:
  amount: 0.5
  currency: EUR
"""
AWS = f"kind: aws\nregion: eu-central-1\nami: ami-0123456789abcdef0\n{COMMON}"
HETZNER = f"kind: hetzner\nlocation: fsn1\n{COMMON}"

both = pytest.mark.parametrize(("kind", "text"), [(AwsHost, AWS), (HetznerHost, HETZNER)], ids=["aws", "hetzner"])


def refusal(kind: type[Document], text: str) -> str:
    with pytest.raises(DocumentError) as error:
        kind.from_yaml(text, name="stacks/x.yaml")
    return str(error.value)


@both
def test_default_machine_has_cores_of_its_own(kind: type[Document], text: str):
    host = kind.from_yaml(text, name="x")
    assert isinstance(host, CloudHost)
    assert not host.shared_cores
    assert host.bill(1).machine_type == {"aws": "c7a.2xlarge", "hetzner": "ccx33"}[host.kind]


@both
@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("0.0.0.0/0", "0.0.0.0/0 allows 4,294,967,296 addresses"),
        ("203.0.112.0/23", "203.0.112.0/23 allows 512 addresses"),
        ('"::/0"', "write the controller's own IPv4 address"),
        ("anywhere", "write the controller's own IPv4 address"),
        ("10.0.0.4", "10.0.0.4 is a private address"),
        ("100.64.0.9/32", "100.64.0.9/32 is a private address"),
        ("127.0.0.1", "127.0.0.1 is a private address"),
    ],
)
def test_only_the_controller_is_allowed(kind: type[Document], text: str, source: str, said: str):
    found = refusal(kind, text.replace("203.0.113.7/32", source))
    assert found.startswith("stacks/x.yaml:")
    assert f": allowed_from: {said}" in found


@both
def test_the_controller_s_network_may_be_allowed(kind: type[Document], text: str):
    for source, network in (("203.0.113.0/24", "203.0.113.0/24"), ("203.0.113.7", "203.0.113.7/32")):
        host = kind.from_yaml(text.replace("203.0.113.7/32", source), name="x")
        assert isinstance(host, CloudHost)
        assert host.allowed_from == network


@both
@pytest.mark.parametrize("key", ["owner", "expires", "allowed_from", "price_per_hour"])
def test_owner_end_address_and_price_must_be_given(kind: type[Document], text: str, key: str):
    lines = text.replace("price_per_hour:\n  amount: 0.5\n  currency: EUR\n", "price_per_hour: {}\n").splitlines()
    assert f"{key}: this key is missing" in refusal(
        kind, "\n".join(line for line in lines if not line.startswith(key)) + "\n"
    )


@both
@pytest.mark.parametrize(
    ("given", "bad"),
    [
        ("+01:00", ""),
        ('"2026-12-01T18:00:00+01:00"', '"tomorrow"'),
        ('"2026-12-01T18:00:00+01:00"', "2026-12-01T18:00:00Z"),
        ("anna", "anna@example.org"),
        ("anna", '"-anna"'),
        ("anna", f'"{64 * "a"}"'),
        ("0.5", "0"),
        ("0.5", ".nan"),
        ("EUR", "euro"),
    ],
)
def test_invalid_owner_end_or_price_is_refused(kind: type[Document], text: str, given: str, bad: str):
    assert refusal(kind, text.replace(given, bad))


@both
@pytest.mark.parametrize("moment", ["9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+12:00"])
def test_end_outside_the_calendar_is_reported(kind: type[Document], text: str, moment: str):
    found = refusal(kind, text.replace("2026-12-01T18:00:00+01:00", moment))
    assert "expires: in UTC this moment isn't in the years 1 to 9999" in found


@pytest.mark.parametrize(
    ("given", "bad"),
    [
        ("ami: ami-0123456789abcdef0\n", ""),
        ("ami-0123456789abcdef0", "debian-13"),
        ("eu-central-1", "Frankfurt"),
        ("eu-central-1", "eu-central-1a"),
        ("kind: aws", "kind: hetzner"),
        ("owner: anna", "owner: anna\ninstance_type: ccx33"),
        ("owner: anna", "owner: anna\ndisk_gb: 10"),
        ("owner: anna", "owner: anna\nimage: debian-13"),
    ],
)
def test_what_aws_lacks_is_refused(given: str, bad: str):
    assert refusal(AwsHost, AWS.replace(given, bad))


@pytest.mark.parametrize(
    ("given", "bad"),
    [
        ("location: fsn1\n", ""),
        ("fsn1", "eu-central-1"),
        ("owner: anna", "owner: anna\nserver_type: c7a.2xlarge"),
        ("owner: anna", "owner: anna\ndisk_gb: 60"),
    ],
)
def test_what_hetzner_lacks_is_refused(given: str, bad: str):
    assert refusal(HetznerHost, HETZNER.replace(given, bad))


def test_zone_of_another_region_is_refused():
    said = refusal(AwsHost, f"{AWS}availability_zone: us-east-1a\n")
    assert said == "stacks/x.yaml:10: availability_zone: this zone isn't in the region eu-central-1"
    assert AwsHost.from_yaml(f"{AWS}availability_zone: eu-central-1b\n", name="x").availability_zone == "eu-central-1b"


@pytest.mark.parametrize(
    ("instance_type", "shared"),
    [
        ("c7a.2xlarge", False),
        ("trn1.2xlarge", False),
        ("t2.micro", True),
        ("t4g.2xlarge", True),
        ("c7i-flex.2xlarge", True),
    ],
)
def test_burstable_and_flexible_types_of_aws_share_their_cores(instance_type: str, shared: bool):
    host = AwsHost.from_yaml(f"{AWS}instance_type: {instance_type}\n", name="x")
    assert (host.shared_cores, host.bill(1).machine_type) == (shared, instance_type)


@pytest.mark.parametrize(
    ("server_type", "shared"), [("ccx13", False), ("ccx63", False), ("cpx41", True), ("cx42", True), ("cax31", True)]
)
def test_all_but_one_family_of_hetzner_share_their_cores(server_type: str, shared: bool):
    host = HetznerHost.from_yaml(f"{HETZNER}server_type: {server_type}\n", name="x")
    assert (host.shared_cores, host.bill(1).machine_type) == (shared, server_type)


@both
def test_tags_have_only_characters_that_every_cloud_allows(kind: type[Document], text: str):
    host = kind.from_yaml(text.replace("18:00:00+", "18:00:00.5+"), name="x")
    assert isinstance(host, CloudHost)
    assert cloud_tags("local", host) == {
        "fairground-stack": "local",
        "fairground-owner": "anna",
        "fairground-expires": "20261201T170000Z",
    }
    assert host.expires == datetime(2026, 12, 1, 17, tzinfo=UTC)


@pytest.mark.parametrize("document", [AWS_HOST, HETZNER_HOST, AWS_HOST.bill(2)], ids=["aws", "hetzner", "bill"])
def test_what_is_written_is_read_back(document: Document):
    assert type(document).from_json(document.to_json(), name="x.json") == document
