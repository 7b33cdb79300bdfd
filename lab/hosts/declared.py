"""What all kinds of host have in common: their name and folder, and what each gives once it is declared."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import pulumi

from documents.lab import Host
from documents.stack import AnyHost, ExistingHost


def name_place(document: AnyHost | ExistingHost) -> str:
    """The place of a host in one word: where a machine that exists is, or the kind of one that the lab makes."""
    if isinstance(document, ExistingHost):
        return f"{document.address}-{document.port}".replace(":", "-")
    return document.kind


def host_folder(document: AnyHost | ExistingHost, folder: Path) -> Path:
    """Where the controller keeps what it has of a host, beside that of any host whose place it takes.

    Args:
        document: the host.
        folder: the stack's own on the controller.
    """
    return folder / "hosts" / name_place(document)


class DeclaredLoadHost(NamedTuple):
    """A host that puts load on the lab's host: how it is reached, its name, and the resource that it goes with."""

    host: pulumi.Output[Host]
    host_id: pulumi.Output[str]
    machine: pulumi.Resource


def load_hosts_on(
    machines: Sequence[pulumi.CustomResource], hosts: Sequence[pulumi.Output[Host]]
) -> tuple[DeclaredLoadHost, ...]:
    """The load hosts that are these machines, and how each is reached."""
    return tuple(DeclaredLoadHost(host, machine.id, machine) for machine, host in zip(machines, hosts, strict=True))


class DeclaredHost(Protocol):
    """The host of a lab.

    Attributes:
        host: how it is reached.
        host_id: its name: what is on it is made anew with it.
        machine: the resource whose end takes all along that is on it.
        load_hosts: those that put load on it.
        api_address: the address at which its APIs listen, and its load hosts reach them.
    """

    host: pulumi.Output[Host]
    host_id: pulumi.Output[str]
    machine: pulumi.Resource
    load_hosts: tuple[DeclaredLoadHost, ...]
    api_address: pulumi.Output[str]
