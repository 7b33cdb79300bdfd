"""Rules for what is declared at a cloud, each a function that returns what breaks it; and ways to break them."""

import ipaddress
from collections import Counter
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from typing import Any

import yaml
from pydantic import JsonValue

from documents.cloud_hosts import cloud_tags
from documents.host import Host
from lab.credentials import SECRET_OUTPUTS
from lab.hosts.cloud_init import SSHD_SETTINGS_PATH
from tests.unit.lab.hosts.mocked_cloud import (
    CREDENTIALS,
    FOLDER,
    HOST_PRIVATE_KEY,
    HOST_PUBLIC_KEY,
    STACK,
    USER_PRIVATE_KEY,
    USER_PUBLIC_KEY,
    Declaration,
    Declared,
)

NOTHING: frozenset[str] = frozenset()

Rule = Callable[[Declaration], list[str]]
Break = Callable[[Declaration], Declaration]

MACHINES = {"aws": "aws:ec2/instance:Instance", "hetzner": "hcloud:index/server:Server"}
PROVIDERS = {"aws": "pulumi:providers:aws", "hetzner": "pulumi:providers:hcloud"}
SIZES = {"aws": {"instanceType", "rootBlockDevice.volumeSize"}, "hetzner": {"serverType"}}
TAGS = {"aws": "tags", "hetzner": "labels"}
UNTAGGABLE = {"aws:ec2/routeTableAssociation:RouteTableAssociation", "hcloud:index/networkSubnet:NetworkSubnet"}


def of_type(made: Declaration, kind: str) -> list[Declared]:
    return [resource for resource in made.resources if resource.type.endswith(f":{kind}")]


def at_cloud(made: Declaration) -> list[Declared]:
    return [resource for resource in made.resources if resource.type.startswith(("aws:", "hcloud:"))]


def machines(made: Declaration) -> list[Declared]:
    return [resource for resource in made.resources if resource.type == MACHINES[made.document.kind]]


def inputs_of(made: Declaration) -> dict[str, dict[str, Any]]:
    """The inputs of what is made at the cloud by its name, without tags and user data, which have their rules."""
    return {
        resource.name: {
            name: _untagged(value)
            for name, value in resource.inputs.items()
            if name not in {"tags", "labels", "userData"}
        }
        for resource in at_cloud(made)
    }


def _untagged(value: JsonValue) -> JsonValue:
    return {name: inner for name, inner in value.items() if name != "tags"} if isinstance(value, dict) else value


def user_data(machine: Declared) -> dict[str, Any]:
    text: str = machine.inputs["userData"]
    assert text.startswith("#cloud-config\n")
    return yaml.safe_load(text)


def unlike(what: str, found: object, expected: object) -> list[str]:
    return [] if found == expected else [f"{what} is {found!r} and not {expected!r}"]


# Rules for every cloud


def nothing_else_is_made(made: Declaration, expected: Counter[tuple[str, str]]) -> list[str]:
    found = Counter((resource.type, resource.name) for resource in made.resources)
    return [f"too many: {thing}" for thing in found - expected] + [f"missing: {thing}" for thing in expected - found]


def all_is_made_by_the_provider_of_the_document(made: Declaration) -> list[str]:
    [provider] = [resource for resource in made.resources if resource.type == PROVIDERS[made.document.kind]]
    return [
        f"{resource.name} is made by {resource.provider!r}"
        for resource in at_cloud(made)
        if resource.provider != provider.name
    ]


def no_credential_of_the_cloud_is_on_record(made: Declaration) -> list[str]:
    allowed = {"region", "skipCredentialsValidation", "skipRegionValidation"}
    [provider] = [resource for resource in made.resources if resource.type == PROVIDERS[made.document.kind]]
    return [f"the provider is given {name}" for name in sorted(provider.inputs.keys() - allowed)]


def all_is_tagged(made: Declaration) -> list[str]:
    """Stack, owner and end on everything that can carry a tag, disks included."""
    key, expected = TAGS[made.document.kind], cloud_tags(STACK, made.document)
    found = {
        resource.name: resource.inputs.get(key, {}) for resource in at_cloud(made) if resource.type not in UNTAGGABLE
    }
    if made.document.kind == "aws":
        found |= {
            f"the disk of {machine.name}": machine.inputs["rootBlockDevice"].get("tags", {})
            for machine in machines(made)
        }
    return [
        f"{name} has not the tag {tag}={value}"
        for name, tags in found.items()
        for tag, value in expected.items()
        if tags.get(tag) != value
    ]


def open_to(made: Declaration) -> Iterator[tuple[str, str]]:
    """The ports and networks from which something comes in; what is let in by the lab's own group is no network."""
    for rule in of_type(made, "SecurityGroupIngressRule"):
        ports = f"{rule.inputs['ipProtocol']} {rule.inputs.get('fromPort')} to {rule.inputs.get('toPort')}"
        for source in ("cidrIpv4", "cidrIpv6", "prefixListId"):
            if source in rule.inputs:
                yield ports, rule.inputs[source]
        own = rule.inputs.get("referencedSecurityGroupId")
        if own is not None and own != rule.inputs["securityGroupId"]:
            yield ports, own
    for group in of_type(made, "SecurityGroup"):
        for rule in group.inputs.get("ingress", []):
            yield "inline", str(rule)
    for firewall in of_type(made, "Firewall"):
        for rule in firewall.inputs["rules"]:
            if rule["direction"] == "in":
                for source in rule["sourceIps"]:
                    yield f"{rule['protocol']} {rule.get('port')}", source


def ssh_from_the_controller_is_all_that_comes_in(made: Declaration) -> list[str]:
    port = {"aws": "tcp 22.0 to 22.0", "hetzner": "tcp 22"}[made.document.kind]
    return unlike("what comes in", sorted(open_to(made)), [(port, made.document.allowed_from)])


def nothing_is_open_to_the_world(made: Declaration) -> list[str]:
    return [
        f"{port} is open to {source}"
        for port, source in open_to(made)
        if "/" not in source or ipaddress.ip_network(source).num_addresses > 256
    ]


def user_data_is_secret(made: Declaration) -> list[str]:
    return [
        f"the user data of {machine.name} is {what}"
        for machine in machines(made)
        for what, wrong in (
            ("no secret input", "userData" not in machine.secrets),
            ("no secret output", "userData" not in machine.secret_outputs),
        )
        if wrong
    ]


def no_secret_is_in_plain_sight(made: Declaration) -> list[str]:
    """No password and no private key in an input that isn't marked as a secret."""
    secrets = {name: CREDENTIALS[name] for name in SECRET_OUTPUTS}
    # In user data the key is indented, so it is looked for by a line of its own.
    needles = {name: value.splitlines()[2] if "\n" in value else value for name, value in secrets.items()}
    return [
        f"{secret} is in {resource.name}.{name}"
        for resource in made.resources
        for name, value in resource.inputs.items()
        for secret, needle in needles.items()
        if name not in resource.secrets and needle in str(value)
    ]


def the_pinned_host_key_is_the_one_that_is_installed(made: Declaration) -> list[str]:
    faults: list[str] = []
    for machine in machines(made):
        told = user_data(machine)
        keys = {"ed25519_private": HOST_PRIVATE_KEY, "ed25519_public": f"{HOST_PUBLIC_KEY}\n"}
        faults += unlike(f"the host keys of {machine.name}", told.get("ssh_keys"), keys)
        faults += unlike(f"that {machine.name} drops others", told.get("ssh_deletekeys"), True)
    for host in (made.host, *made.loads):
        faults += unlike(f"the key of {host.address}", host.host_public_key, HOST_PUBLIC_KEY)
    return faults


def known_hosts_pins_that_key_at_every_address(made: Declaration) -> list[str]:
    [files] = of_type(made, "SshFiles")
    pinned = "".join(f"{host.address},fairground-host {HOST_PUBLIC_KEY}\n" for host in (made.host, *made.loads))
    return [
        *unlike("known_hosts", files.inputs["known_hosts"], pinned),
        *unlike("the private key", files.inputs["private_key"], USER_PRIVATE_KEY),
        *unlike("the folder", files.inputs["folder"], FOLDER),
    ]


def root_logs_in_by_the_labs_key_alone(made: Declaration) -> list[str]:
    faults: list[str] = []
    for machine in machines(made):
        told = user_data(machine)
        faults += unlike("the keys of root", told.get("ssh_authorized_keys"), [USER_PUBLIC_KEY])
        faults += unlike("that passwords are taken", told.get("ssh_pwauth"), False)
        faults += unlike("that root is locked out", told.get("disable_root"), False)
        faults += unlike("other users", told.get("users"), [])
        files = {file["path"]: file["content"] for file in told.get("write_files", [])}
        settings = files.get(SSHD_SETTINGS_PATH, "").splitlines()
        for line in ("PasswordAuthentication no", "PermitRootLogin prohibit-password", "MaxSessions 100"):
            faults += [] if line in settings else [f"sshd of {machine.name} isn't told {line}"]
    for key in (*of_type(made, "KeyPair"), *of_type(made, "SshKey")):
        faults += unlike("the cloud's key", key.inputs["publicKey"], USER_PUBLIC_KEY)
    return faults


def metadata_service_is_closed_after_boot(made: Declaration) -> list[str]:
    return [
        fault
        for machine in machines(made)
        for fault in unlike(f"the closing by {machine.name}", user_data(machine).get("disable_ec2_metadata"), True)
    ]


def machines_are_equal(made: Declaration) -> list[str]:
    """All that a machine is but its name and its private address, told by the first one."""
    first, *others = [_without_names(machine) for machine in machines(made)]
    return [
        f"{machine['name']}.{name} differs from that of the host"
        for machine in others
        for name in first.keys() | machine.keys()
        if name != "name" and first.get(name) != machine.get(name)
    ]


def _without_names(machine: Declared) -> dict[str, Any]:
    inputs = deepcopy(machine.inputs)
    for tags in (inputs.get("tags", {}), inputs.get("rootBlockDevice", {}).get("tags", {})):
        tags.pop("Name", None)
    for network in inputs.get("networks", []):
        network.pop("ip")
    return {**inputs, "name": machine.name, "after": machine.after, "secrets": machine.secrets}


def another_size_is_another_machine(made: Declaration) -> list[str]:
    """Changed where it is, it would come back with other cores, and maybe another address, under a lab that stands."""
    sizes = SIZES[made.document.kind]
    return [fault for machine in machines(made) for fault in unlike(machine.name, machine.made_anew_for, sizes)]


def the_lab_is_told_of_each_machine(made: Declaration) -> list[str]:
    """The host and the load hosts, in their order, with their addresses and the same files."""
    addresses = [f"198.51.100.{number}" for number in range(1, made.load_hosts + 2)]
    expected = [
        Host(
            kind=made.document.kind,
            address=address,
            port=22,
            user="root",
            private_key_path=f"{FOLDER}/id_ed25519",
            known_hosts_path=f"{FOLDER}/known_hosts",
            host_public_key=HOST_PUBLIC_KEY,
        )
        for address in addresses
    ]
    [host] = [machine for machine in machines(made) if machine.name == "host"]
    return [
        *unlike("the hosts", [made.host, *made.loads], expected),
        *unlike("the machine", made.machine, host.name),
    ]


def the_bill_is_on_record(made: Declaration) -> list[str]:
    component = next(resource for resource in made.resources if resource.type.startswith("fairground:"))
    expected = made.document.bill(1 + made.load_hosts).model_dump(mode="json")
    return unlike("the bill", component.inputs.get("bill"), expected)


RULES: tuple[Rule, ...] = (
    all_is_made_by_the_provider_of_the_document,
    no_credential_of_the_cloud_is_on_record,
    all_is_tagged,
    ssh_from_the_controller_is_all_that_comes_in,
    nothing_is_open_to_the_world,
    user_data_is_secret,
    no_secret_is_in_plain_sight,
    the_pinned_host_key_is_the_one_that_is_installed,
    known_hosts_pins_that_key_at_every_address,
    root_logs_in_by_the_labs_key_alone,
    metadata_service_is_closed_after_boot,
    machines_are_equal,
    another_size_is_another_machine,
    the_lab_is_told_of_each_machine,
    the_bill_is_on_record,
)


# Ways to break them


def change(name: str, path: str, value: object) -> Break:
    """Give an input of a resource another value; `path` has a dot for each level, and ``del`` takes it away."""

    def changed(made: Declaration) -> Declaration:
        return _with(made, name, lambda one: replace(one, inputs=_set(one.inputs, path.split("."), value)))

    return changed


def option(name: str, **options: object) -> Break:
    """Give a resource other options."""

    def changed(made: Declaration) -> Declaration:
        return _with(made, name, lambda one: replace(one, **options))

    return changed


def tell(name: str, old: str, new: str) -> Break:
    """Change the text of a machine's user data."""

    def changed(made: Declaration) -> Declaration:
        def told(one: Declared) -> Declared:
            assert old in one.inputs["userData"], one.inputs["userData"]
            return replace(one, inputs={**one.inputs, "userData": one.inputs["userData"].replace(old, new)})

        return _with(made, name, told)

    return changed


def lack(name: str) -> Break:
    """Don't declare a resource at all."""

    def changed(made: Declaration) -> Declaration:
        kept = tuple(one for one in made.resources if one.name != name)
        assert len(kept) < len(made.resources), f"there is no {name}"
        return replace(made, resources=kept)

    return changed


def add(like: str, name: str, **inputs: object) -> Break:
    """Declare one more resource, of the type of another and with other inputs."""

    def changed(made: Declaration) -> Declaration:
        [pattern] = [one for one in made.resources if one.name == like]
        more = replace(pattern, name=name, inputs={**pattern.inputs, **inputs})
        return replace(made, resources=(*made.resources, more))

    return changed


def give(**members: object) -> Break:
    """Tell the lab something else of the machines."""

    def changed(made: Declaration) -> Declaration:
        return replace(made, **members)

    return changed


def _with(made: Declaration, name: str, altered: Callable[[Declared], Declared]) -> Declaration:
    resources = tuple(altered(one) if one.name == name else one for one in made.resources)
    assert resources != made.resources, f"{name} isn't there or isn't changed"
    return replace(made, resources=resources)


def _set(inputs: dict[str, Any], path: list[str], value: object) -> dict[str, Any]:
    copy = deepcopy(inputs)
    place: Any = copy
    for key in path[:-1]:
        place = place[int(key) if key.isdigit() else key]
    last = int(path[-1]) if path[-1].isdigit() else path[-1]
    if value == "del":
        del place[last]
    else:
        place[last] = value
    return copy
