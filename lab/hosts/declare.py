"""Declaring the host of a stack, of whatever kind its document names."""

from pathlib import Path
from typing import Protocol

import pulumi

from documents.host import Host, HostResources
from documents.host_kinds import SshHost as SshHostDocument
from documents.stack import Stack
from lab.credentials import Credentials
from lab.hosts.container import ContainerHost, size_container_host
from lab.hosts.ssh import SshHost


class DeclaredHost(Protocol):
    """What every kind of host gives.

    Attributes:
        host: how it is reached.
        host_id: its name: what is on it is made anew with it.
        machine: the resource whose end takes all along that is on it.
    """

    host: pulumi.Output[Host]
    host_id: pulumi.Output[str]
    machine: pulumi.Resource


def declare_host(
    stack: Stack,
    *,
    controller: HostResources,
    credentials: Credentials,
    folder: Path,
    opts: pulumi.ResourceOptions,
) -> DeclaredHost:
    """Declare the host of a stack.

    Args:
        stack: the stack document.
        controller: what the controller has, for a host that is made on it.
        credentials: the lab's.
        folder: the stack's own on the controller.
        opts: Pulumi's options.

    Raises:
        HostKeyError: a key of an existing host is neither given nor pinned.
    """
    document = stack.host
    if isinstance(document, SshHostDocument):
        return SshHost(
            "ssh-host", stack=stack.name, document=document, credentials=credentials, folder=folder, opts=opts
        )
    cpus, memory_bytes = size_container_host(document, controller.cores, controller.memory_bytes)
    return ContainerHost(
        "container-host",
        stack=stack.name,
        document=document,
        base_image=stack.base_image,
        cpus=cpus,
        memory_bytes=memory_bytes,
        credentials=credentials,
        folder=folder,
        opts=opts,
    )
