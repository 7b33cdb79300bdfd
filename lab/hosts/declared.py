"""What the kinds of host have in common: name and folder, how they are reached, and what each gives once declared."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import pulumi

from documents.lab import CloudKind, Host
from documents.stack import AnyHost, ExistingHost
from lab.resources import KEY_NAME, KNOWN_HOSTS_NAME, Credentials, SshFiles, pin_host_key

LOAD_HOST = "load-host-"
"""The name of a load host in the program, without its number; the lab's host is ``host``."""


def machine_names(load_hosts: int) -> tuple[str, ...]:
    """The names of a lab's hosts in the program: the lab's own, and so many load hosts."""
    return ("host", *(f"{LOAD_HOST}{number}" for number in range(1, load_hosts + 1)))


def host_slug(document: AnyHost | ExistingHost) -> str:
    """A host in one word: address and port of an existing machine, or the kind of one that the lab creates."""
    if isinstance(document, ExistingHost):
        return f"{document.address}-{document.port}".replace(":", "-")
    return document.kind


def host_folder(document: AnyHost | ExistingHost, folder: Path) -> Path:
    """The controller's folder for a host, beside that of a host which it replaces."""
    return folder / "hosts" / host_slug(document)


def reachable_hosts(
    kind: Literal["container", CloudKind],
    targets: Sequence[tuple[pulumi.Input[str], int]],
    *,
    credentials: Credentials,
    ssh_folder: str,
    opts: pulumi.ResourceOptions,
) -> tuple[pulumi.Output[Host], ...]:
    """The machines that the lab creates as hosts, in the order of `targets`; declares the SSH files that pin their key.

    Each target is an address and sshd's port there; all have the same host key, and root logs in by the lab's key.
    """
    ports = [port for _, port in targets]
    known_hosts = pulumi.Output.all(credentials.host_public_key, *(address for address, _ in targets)).apply(
        lambda values: "".join(
            pin_host_key(address, port, values[0]) for address, port in zip(values[1:], ports, strict=True)
        )
    )
    files = SshFiles(
        "ssh-files",
        folder=ssh_folder,
        private_key=credentials.user_private_key,
        known_hosts=known_hosts,
        opts=opts,
    )
    return tuple(
        pulumi.Output.all(
            address, port, files.path_of(KEY_NAME), files.path_of(KNOWN_HOSTS_NAME), credentials.host_public_key
        ).apply(
            lambda values: Host(
                kind=kind,
                address=values[0],
                port=values[1],
                user="root",
                private_key_path=values[2],
                known_hosts_path=values[3],
                host_public_key=values[4],
            )
        )
        for address, port in targets
    )


class DeclaredLoadHost(NamedTuple):
    """A load host: how it is reached, its name, and the resource whose removal removes it."""

    host: pulumi.Output[Host]
    host_id: pulumi.Output[str]
    machine: pulumi.Resource


def load_hosts_on(
    machines: Sequence[pulumi.CustomResource], hosts: Sequence[pulumi.Output[Host]]
) -> tuple[DeclaredLoadHost, ...]:
    """These machines as load hosts."""
    return tuple(DeclaredLoadHost(host, machine.id, machine) for machine, host in zip(machines, hosts, strict=True))


class DeclaredHost(pulumi.ComponentResource):
    """The host of a lab: the component of its kind, which sets all of these.

    Attributes:
        host: how it is reached.
        host_id: its name: a new one recreates everything on it.
        machine: the resource whose removal removes everything on it.
        load_hosts: those that put load on it.
        api_address: the address at which its APIs listen, and its load hosts reach them.
    """

    host: pulumi.Output[Host]
    host_id: pulumi.Output[str]
    machine: pulumi.Resource
    load_hosts: tuple[DeclaredLoadHost, ...]
    api_address: pulumi.Output[str]
