"""What every kind of host gives once it is declared."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import pulumi

from documents.lab import Host


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
