"""What a cloud's component declares, recorded in place of an engine: each resource with its inputs and its options."""

from dataclasses import dataclass
from typing import Any, cast

import pulumi
from google.protobuf.json_format import MessageToDict
from pulumi.runtime import mocks
from pulumi.runtime.proto import resource_pb2
from pydantic import JsonValue

from documents.lab.host import Host
from documents.stack.hosts import CloudHost
from lab.hosts.aws import AwsHost
from lab.hosts.hetzner import HetznerHost
from lab.resources.access import Credentials

STACK = "probe"
FOLDER = "/nowhere/ssh"

SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"
"""How Pulumi marks a secret on its way to the engine: the member that says what a value is, and that it is secret.

Source: sdk/python/lib/pulumi/runtime/rpc.py.
"""


USER_PRIVATE_KEY, USER_PUBLIC_KEY = "begin\nprivate-key-of-the-user\n", "ssh-ed25519 AAAAuser"
HOST_PRIVATE_KEY, HOST_PUBLIC_KEY = "begin\nprivate-key-of-the-host\n", "ssh-ed25519 AAAAhost"

CREDENTIALS = {
    "postgres_password": "postgres-password",
    "redis_password": "redis-password",
    "jwt_secret": "jwt-secret",
    "user_private_key": USER_PRIVATE_KEY,
    "user_public_key": USER_PUBLIC_KEY,
    "host_private_key": HOST_PRIVATE_KEY,
    "host_public_key": HOST_PUBLIC_KEY,
}


@dataclass(frozen=True)
class Declared:
    """One resource as the engine was asked for it.

    Attributes:
        type: as ``aws:ec2/instance:Instance``.
        name: its name in the program.
        inputs: what it should be, secrets in plain text.
        secrets: which of the inputs are secret.
        secret_outputs: which of its outputs the engine keeps as secrets.
        provider: the name of the provider that makes it; empty where that is the default one.
        after: the names of those that are made before it.
        deleted_first: whether the old one goes before a new one is made.
        replaced_for: the inputs whose change replaces it, though its cloud could change it where it is.
    """

    type: str
    name: str
    inputs: dict[str, Any]
    secrets: frozenset[str]
    secret_outputs: frozenset[str]
    provider: str
    after: frozenset[str]
    deleted_first: bool
    replaced_for: frozenset[str]


@dataclass(frozen=True)
class Declaration:
    """All that a component declared, and what it gives to the rest of the lab."""

    document: CloudHost
    load_hosts: int
    resources: tuple[Declared, ...]
    host: Host
    host_id: str
    machine: str
    loads: tuple[Host, ...]
    api_address: str


class _Monitor(mocks.MockMonitor):
    def __init__(self) -> None:
        super().__init__(_Outputs())
        self.declared: list[Declared] = []

    def RegisterResource(  # noqa: N802 - the name is Pulumi's
        self, request: resource_pb2.RegisterResourceRequest
    ) -> resource_pb2.RegisterResourceResponse:
        if request.type == "pulumi:pulumi:Stack":
            return super().RegisterResource(request)  # pyright: ignore[reportUnknownMemberType]
        inputs: dict[str, JsonValue] = MessageToDict(request.object)
        self.declared.append(
            Declared(
                type=request.type,
                name=request.name,
                inputs={name: _plain(value) for name, value in inputs.items()},
                secrets=frozenset(name for name, value in inputs.items() if _is_secret(value)),
                secret_outputs=frozenset(request.additionalSecretOutputs),
                provider=request.provider.rpartition("::")[0].rpartition("::")[2],
                after=frozenset(urn.rpartition("::")[2] for urn in request.dependencies),
                deleted_first=request.deleteBeforeReplace,
                replaced_for=frozenset(request.replaceOnChanges),
            )
        )
        return super().RegisterResource(request)  # pyright: ignore[reportUnknownMemberType]


def _is_secret(value: object) -> bool:
    return SIGNATURE in str(value) and SECRET in str(value)


def _plain(value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        if value.get(SIGNATURE) == SECRET:
            return _plain(value["value"])
        return {name: _plain(inner) for name, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


class _Outputs(mocks.Mocks):
    """Gives each resource what its cloud would: an id, and addresses from the ranges for documentation (RFC 5737)."""

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        outputs = cast("dict[str, Any]", {**args.inputs})  # pyright: ignore[reportUnknownMemberType]
        identity = f"{args.name}-id"
        if args.typ.endswith(":Credentials"):
            outputs |= {
                name: value if name.endswith("public_key") else pulumi.Output.secret(value)
                for name, value in CREDENTIALS.items()
            }
        elif args.typ == "aws:ec2/instance:Instance":
            number = _number(args.name)
            outputs |= {"publicIp": f"198.51.100.{number}", "privateIp": f"10.83.0.{100 + number}"}
        elif args.typ == "hcloud:index/server:Server":
            outputs |= {"ipv4Address": f"198.51.100.{_number(args.name)}"}
        elif args.typ == "aws:ec2/keyPair:KeyPair":
            outputs |= {"keyName": "user-key-1a2b3c4"}
        elif args.typ == "aws:ec2/placementGroup:PlacementGroup":
            outputs |= {"name": "placement-1a2b3c4"}
        if args.typ.startswith("hcloud:"):
            identity = str(numeric_id(args.name))
        return identity, outputs

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        raise AssertionError(f"a component asked its cloud for {args.token}")


def numeric_id(name: str) -> int:
    """The id of a thing at Hetzner, which is a number; Pulumi writes it as text."""
    return 1000 + sum(map(ord, name))


def _number(machine: str) -> int:
    """1 for the host, and so on for the load hosts."""
    return 1 if machine == "host" else 1 + int(machine.removeprefix("load-host-"))


def declare(document: CloudHost, load_hosts: int = 0) -> Declaration:
    """Declare the component of a document and record all that it asks for."""
    monitor = _Monitor()
    mocks.set_mocks(monitor.mocks, project="fairground", stack=STACK, preview=False, monitor=monitor)
    found: list[Any] = []

    def program() -> pulumi.Output[None]:
        component: Any = {"aws": AwsHost, "hetzner": HetznerHost}[document.kind]
        made: AwsHost | HetznerHost = component(
            "cloud-host",
            stack=STACK,
            document=document,
            credentials=Credentials("credentials"),
            ssh_folder=FOLDER,
            load_hosts=load_hosts,
        )
        outputs = pulumi.Output.all(
            made.host,
            made.host_id,
            made.machine.urn,
            pulumi.Output.all(*(one.host for one in made.load_hosts)),
            made.api_address,
        )
        return outputs.apply(found.extend)

    mocks.test(program)()  # pyright: ignore[reportUnknownMemberType]
    host, host_id, machine, loads, api_address = found
    return Declaration(
        document=document,
        load_hosts=load_hosts,
        resources=tuple(monitor.declared),
        host=host,
        host_id=host_id,
        machine=machine.rpartition("::")[2],
        loads=tuple(loads),
        api_address=api_address,
    )
