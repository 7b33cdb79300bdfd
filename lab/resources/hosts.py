"""Hosts as resources: ready for the lab, ready for load, or reserved where they exist already."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, UpdateResult
from pulumi.runtime.rpc import UNKNOWN

from documents.lab import CloudKind, Host, HostResources
from lab.resources.access import docker_url
from lab.resources.provider import Provider
from provision.reservation import release, reserve
from provision.ssh import connect
from provision.system import let_user_reach_engine, prepare, prepare_for_network, prepare_load_host, read_resources

_FILE_NAME = "kept-on-host"


def add_kept(folder: Path, phrases: Sequence[str]) -> None:
    """Note what was kept, a phrase each, in addition to earlier notes: a lab may have several hosts."""
    if phrases:
        with (folder / _FILE_NAME).open("a", encoding="utf-8") as file:
            file.writelines(f"{phrase}\n" for phrase in phrases)


def take_kept(folder: Path) -> tuple[str, ...]:
    """Return the notes and delete them."""
    path = folder / _FILE_NAME
    phrases = tuple(path.read_text(encoding="utf-8").splitlines()) if path.exists() else ()
    path.unlink(missing_ok=True)
    return phrases


def boot_seconds(host: Host) -> int:
    """How long to wait for a host: a cloud's machine boots a whole system, and then runs cloud-init."""
    return 300 if host.kind in get_args(CloudKind) else 90


_VERSION = "2"
"""The version of what is read from a host; a new version reads it again in an existing lab."""


class _ReadyHostProvider(Provider):
    replaced_by = ("host", "host_id", "has_load_hosts", "version")
    deleted_first = True

    def create(self, props: dict[str, Any]) -> CreateResult:
        host = Host.model_validate_json(props["host"])
        with connect(host, deadline_seconds=boot_seconds(host)) as connection:
            prepare(connection)
            if host.user != "root":
                let_user_reach_engine(connection, host.user)
            if props["has_load_hosts"]:
                prepare_for_network(connection)
            resources = read_resources(connection)
        read = {"docker_url": docker_url(host), "resources": resources.to_json()}
        return CreateResult(id_=props["host_id"], outs={**props, **read})


class ReadyHost(Resource, module="fairground", name="ReadyHost"):
    """Waits until the host and its engine answer, and prepares it.

    Recreated with the host (`host_id`).
    """

    docker_url: pulumi.Output[str]
    resources: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        host: pulumi.Input[Host],
        host_id: pulumi.Input[str],
        has_load_hosts: bool,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare that `host` is ready; if it has load hosts, also for measuring the network between them."""
        document = pulumi.Output.from_input(host).apply(Host.to_json)
        super().__init__(
            _ReadyHostProvider(),
            name,
            {
                "host": document,
                "host_id": host_id,
                "has_load_hosts": has_load_hosts,
                "version": _VERSION,
                "docker_url": None,
                "resources": None,
            },
            opts,
        )

    def host_resources(self) -> pulumi.Output[HostResources]:
        """The host's resources, known once it is ready."""
        return self.resources.apply(lambda text: HostResources.from_json(text, name="the host's resources"))


class _ReadyLoadHostProvider(Provider):
    replaced_by = ("host", "host_id")
    deleted_first = True

    def create(self, props: dict[str, Any]) -> CreateResult:
        host = Host.model_validate_json(props["host"])
        with connect(host, deadline_seconds=boot_seconds(host)) as connection:
            prepare_load_host(connection)
            resources = read_resources(connection)
        return CreateResult(id_=props["host_id"], outs={**props, "resources": resources.to_json()})


class ReadyLoadHost(Resource, module="fairground", name="ReadyLoadHost"):
    """Waits until the load host answers over SSH, and prepares it. Recreated with the host (`host_id`)."""

    resources: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        host: pulumi.Input[Host],
        host_id: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare that `host` is ready."""
        document = pulumi.Output.from_input(host).apply(Host.to_json)
        super().__init__(
            _ReadyLoadHostProvider(), name, {"host": document, "host_id": host_id, "resources": None}, opts
        )

    def host_resources(self) -> pulumi.Output[HostResources]:
        """The host's resources, known once it is ready."""
        return self.resources.apply(lambda text: HostResources.from_json(text, name="the load host's resources"))


class _ReservedHostProvider(Provider):
    replaced_by = ("host", "stack", "lab", "for_load")
    updated_by = ("keep_images", "folder")

    def create(self, props: dict[str, Any]) -> CreateResult:
        host = Host.model_validate_json(props["host"])
        with connect(host) as connection:
            reserve(connection, props["stack"], props["lab"])
        return CreateResult(id_=f"reservation-{secrets.token_hex(8)}", outs=props)

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Whether the images are kept matters only at the end."""
        return UpdateResult(outs=_news)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        found = super().diff(_id, _olds, _news)
        # Another machine is reserved before this one is released, and takes over its images. On the same machine, known
        # by its key, releasing the old reservation would undo what was done under the new one.
        found.delete_before_replace = _is_one_machine(_olds, _news)
        return found

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        with connect(Host.model_validate_json(_props["host"])) as connection:
            still_needed = release(connection, keep_images=_props["keep_images"])
        add_kept(Path(_props["folder"]), still_needed)


def _is_one_machine(olds: dict[str, Any], news: dict[str, Any]) -> bool:
    """Whether both are reservations on the same machine; False if its SSH files don't exist yet, as in a preview."""
    if news["host"] == UNKNOWN:
        return False
    old, new = (Host.model_validate_json(props["host"]).host_public_key for props in (olds, news))
    return old == new


@dataclass(frozen=True)
class ReservedHostArgs:
    """A reservation: the host, the lab, and its purpose.

    Attributes:
        host: how the host is reached.
        stack: the lab's name.
        lab: the identity that distinguishes this lab from another of that name.
        for_load: whether it is a load host, which needs no Docker engine.
        keep_images: whether images and build cache outlive the lab.
        folder: the stack's folder on the controller.
    """

    host: pulumi.Input[Host]
    stack: str
    lab: pulumi.Input[str]
    for_load: bool
    keep_images: bool
    folder: str


class ReservedHost(Resource, module="fairground", name="ReservedHost"):
    """An existing host that is reserved for the lab; all changes on it are undone when this resource is deleted."""

    def __init__(self, name: str, args: ReservedHostArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Declare the reservation."""
        inputs = {**vars(args), "host": pulumi.Output.from_input(args.host).apply(Host.to_json)}
        super().__init__(_ReservedHostProvider(), name, inputs, opts)
