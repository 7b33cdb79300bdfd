"""What a stack document may ask for, beyond the shape of its text."""

import json
import re

import pytest
import yaml
from pydantic import ValidationError

from documents.errors import DocumentError
from documents.stack.hosts import AwsHost, HetznerHost, SshHost, keeps_images
from documents.stack.stack import LAB_ENVIRONMENT, Stack
from tests.unit.documents.samples import AWS_HOST, CLOUD_HOSTS, HETZNER_HOST

API = {"name": "go", "source": "apis/go", "port": 18080}


DOCUMENT: dict[str, object] = {"version": 1, "name": "local", "host": {"kind": "container"}, "apis": (API,)}


def stack(**changes: object) -> Stack:
    return Stack.model_validate(DOCUMENT | changes)


def text_of(**changes: object) -> str:
    """The document as a file has it, for faults that are reported with their place."""
    return yaml.safe_dump(json.loads(json.dumps(DOCUMENT | changes, default=str)))


@pytest.mark.parametrize("name", ["fsync", "synchronous_commit"])
@pytest.mark.parametrize("value", ["off", "OFF", "false", "0", "local", "no"])
def test_postgres_that_may_lose_commits_is_refused(name: str, value: str):
    with pytest.raises(ValidationError, match=f"{name} must stay on"):
        stack(services={"postgres": {"settings": {name: value}}})
    assert stack(services={"postgres": {"settings": {name: "on"}}}).services.postgres.settings == {name: "on"}


@pytest.mark.parametrize(
    "name", ["port", "listen_addresses", "shared_preload_libraries", "pg_stat_statements.track", "pg_stat_statements.x"]
)
def test_postgres_setting_of_the_lab_itself_is_refused(name: str):
    with pytest.raises(ValidationError, match=f"{name} is set by the lab itself"):
        stack(services={"postgres": {"settings": {name: "1"}}})


@pytest.mark.parametrize("name", ["FSYNC", "fsync=off -c x", "-c", ""])
def test_invalid_name_of_a_postgres_setting_is_refused(name: str):
    with pytest.raises(ValidationError, match="pattern"):
        stack(services={"postgres": {"settings": {name: "on"}}})


@pytest.mark.parametrize("name", sorted(LAB_ENVIRONMENT))
def test_environment_of_the_lab_itself_can_not_be_replaced(name: str):
    with pytest.raises(ValidationError, match=f"{name} is set by the lab itself"):
        stack(apis=(API | {"environment": {name: "x"}},))


@pytest.mark.parametrize("image", ["-v", "Debian", "debian trixie", "$(id)", ""])
def test_invalid_name_of_a_base_image_is_refused(image: str):
    with pytest.raises(ValidationError, match="base_image"):
        stack(base_image=image)


@pytest.mark.parametrize("host", CLOUD_HOSTS, ids=lambda host: host.kind)
def test_host_may_be_one_of_a_cloud(host: AwsHost | HetznerHost):
    assert stack(host=host.model_dump()).host == host


def test_fault_of_a_host_at_a_cloud_is_reported_only_for_its_kind():
    text = "version: 1\nname: local\nhost:\n  kind: aws\n  owner: a b\napis: []\n"
    with pytest.raises(DocumentError) as refusal:
        Stack.from_yaml(text, name="x.yaml")
    assert "x.yaml:5: host.owner: String should match pattern" in str(refusal.value)
    assert "x.yaml:3: host.ami: this key is missing" in str(refusal.value)
    assert "location" not in str(refusal.value)


SSH = {"kind": "ssh", "address": "bench.example"}


def test_host_may_be_one_that_exists():
    host = stack(host=SSH).host
    assert isinstance(host, SshHost)
    assert (host.port, host.user, host.private_key, host.build_cache) == (22, "root", None, "discard")
    assert stack(host=SSH | {"user": "ada", "jump_host": {"address": "gate.example", "port": 2200}}).host.kind == "ssh"


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"address": "bench.example -oProxyCommand=x"}, "host.ssh.address"),
        ({"address": "-oProxyCommand=x"}, "host.ssh.address"),
        ({"address": "bench.example:22"}, "user and port have keys of their own"),
        ({"address": "[2001:db8::5]"}, "an IPv6 address without brackets"),
        ({"address": "bench..example"}, "write the machine's name or its IP address"),
        ({"address": "fe80::1%eth0"}, "valid only on one link"),
        ({"user": "a b"}, "host.ssh.user"),
        ({"user": "-l"}, "host.ssh.user"),
        ({"private_key": "id_ed25519"}, "name the whole path"),
        ({"host_key": "ssh-ed25519 AAAA somebody"}, r"without host name or comment, as `ssh-ed25519 AAAA…`"),
        ({"host_key": "ssh-dss AAAA"}, "host.ssh.host_key"),
        ({"port": 0}, "host.ssh.port"),
        ({"jump_host": {"address": "bench.example"}}, "the jump host is the host itself"),
        ({"memory_gb": 16}, "host.ssh.memory_gb"),
    ],
)
def test_faulty_key_of_a_host_that_exists_is_refused(change: dict[str, object], fault: str):
    with pytest.raises(ValueError, match=fault):
        stack(host=SSH | change)


LOAD = {"kind": "container", "ssh_port": 22023}
SSH_LOAD = {"kind": "ssh", "address": "load.example"}
FROM_BESIDE = SSH | {"private_address": "10.0.0.1"}


def test_load_may_come_from_one_load_host_or_from_several():
    assert stack().load_host == ()
    assert [one.kind for one in stack(load_host=LOAD).load_host] == ["container"]
    both = stack(host=FROM_BESIDE, load_host=[SSH_LOAD, SSH_LOAD | {"address": "other.example", "user": "ada"}])
    assert [one.address for one in both.existing_hosts] == ["bench.example", "load.example", "other.example"]
    assert stack(host=AWS_HOST.model_dump(), load_host=[{"kind": "aws"}, {"kind": "aws"}]).existing_hosts == ()


def test_one_load_host_is_written_with_or_without_a_list():
    text = "version: 1\nname: local\nhost:\n  kind: container\napis:\n- {name: go, source: apis/go, port: 18080}\n"
    one = Stack.from_yaml(text + "load_host: {kind: container, ssh_port: 22023}\n", name="x.yaml")
    assert one == Stack.from_yaml(text + "load_host:\n- kind: container\n  ssh_port: 22023\n", name="x.yaml")
    with pytest.raises(DocumentError, match=r"x\.yaml:\d+: load_host.*ssh_port: this key is missing"):
        Stack.from_yaml(text + "load_host: {kind: container}\n", name="x.yaml")


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"load_host": SSH_LOAD}, "load_host.kind: this must be the host's kind, container"),
        ({"load_host": LOAD | {"ssh_port": 22022}}, "load_host.ssh_port: another host of this lab has 22022"),
        ({"load_host": (LOAD, LOAD)}, "load_host.1.ssh_port: another host of this lab has 22023"),
        ({"load_host": LOAD | {"cpus": 4}}, "load_host.cpus: no such key"),
        ({"load_host": tuple(LOAD | {"ssh_port": 23000 + i} for i in range(13))}, "at most 12"),
        ({"host": SSH, "load_host": SSH_LOAD}, "host.private_address: this key is missing"),
        ({"host": FROM_BESIDE, "load_host": SSH}, "load_host.address: another host of this lab has bench.example"),
        ({"host": FROM_BESIDE, "load_host": SSH_LOAD | {"build_cache": "keep"}}, "load_host.build_cache: no such key"),
        ({"host": HETZNER_HOST.model_dump(), "load_host": {"kind": "aws"}}, "this must be the host's kind, hetzner"),
    ],
)
def test_load_host_that_does_not_fit_the_host_is_refused(changes: dict[str, object], fault: str):
    with pytest.raises(DocumentError, match=re.escape(fault)):
        Stack.from_yaml(text_of(**changes), name="x.yaml")


@pytest.mark.parametrize(
    "address",
    ["192.0.2", "8.8.8.8", "127.0.0.1", "0.0.0.0", "169.254.169.254", "bench.example"],  # noqa: S104
)
def test_apis_are_reached_only_at_an_address_of_a_private_network(address: str):
    with pytest.raises(ValidationError, match=r"host\.ssh\.private_address"):
        stack(host=SSH | {"private_address": address}, load_host=SSH_LOAD)


@pytest.mark.parametrize("network", ["8.8.8.0/24", "127.0.0.0/24", "10.0.0.0/8", "10.0.0.0/29", "10.0.0.1/24", "10"])
def test_containers_have_a_private_network_that_is_large_enough(network: str):
    with pytest.raises(ValidationError, match=r"host\.container\.private_network"):
        stack(host={"kind": "container", "private_network": network})
    assert stack(host={"kind": "container", "private_network": "100.64.0.0/28"}).host.kind == "container"


def test_generator_has_cpus_of_the_host_or_of_load_hosts():
    layout = {"api": "0", "postgres": "1", "system": "2"}
    assert stack(cores=layout | {"generator": "3"}).cores != "auto"
    assert stack(cores=layout, load_host=LOAD).cores != "auto"
    with pytest.raises(DocumentError, match=r"cores\.generator: this key is missing"):
        Stack.from_yaml(text_of(cores=layout), name="x.yaml")
    with pytest.raises(DocumentError, match=r"cores\.generator: the load hosts have the generator"):
        Stack.from_yaml(text_of(cores=layout | {"generator": "3"}, load_host=LOAD), name="x.yaml")


@pytest.mark.parametrize(
    "address",
    ["bench", "bench_1.example", "b-1.xn--bcher-kva.example", "192.0.2.5", "2001:db8::5", "2001:db8::", "::1"],
)
def test_host_that_exists_has_a_name_or_an_address(address: str):
    host = stack(host=SSH | {"address": address}).host
    assert isinstance(host, SshHost)
    assert host.address == address


def test_only_hosts_that_outlive_a_lab_keep_images():
    for kept in ({"kind": "container"}, SSH):
        assert keeps_images(stack(host={**kept, "build_cache": "keep"}).host)
        assert not keeps_images(stack(host=kept).host)
    for cloud in CLOUD_HOSTS:
        assert not keeps_images(cloud)
