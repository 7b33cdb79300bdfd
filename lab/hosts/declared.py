"""What all kinds of host have in common: their name and folder, and what each gives once it is declared."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import pulumi

from documents.lab import Host
from documents.stack import AnyHost, ExistingHost


def name_place(document: AnyHost | ExistingHost) -> str:
    """The place of a host in one word: the address of an existing machine, or the kind of one that the lab creates."""
    if isinstance(document, ExistingHost):
        return f"{document.address}-{document.port}".replace(":", "-")
    return document.kind


def host_folder(document: AnyHost | ExistingHost, folder: Path) -> Path:
    """The controller's folder for a host, beside that of a host which it replaces."""
    return folder / "hosts" / name_place(document)


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


class DeclaredHost(Protocol):
    """The host of a lab.

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
