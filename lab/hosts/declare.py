"""Declaring the host of a stack, of whatever kind its document names."""

from pathlib import Path
from typing import Protocol

import pulumi

from documents.cloud_hosts import AwsHost as AwsHostDocument
from documents.cloud_hosts import CloudHost
from documents.host import Host, HostResources
from documents.host_kinds import ContainerHost as ContainerHostDocument
from documents.host_kinds import SshHost as SshHostDocument
from documents.stack import Stack
from lab.credentials import Credentials
from lab.hosts.container import ContainerHost, size_container_host
from lab.hosts.place import host_folder
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
        LabError: the Python package of the document's cloud isn't installed.
    """
    document = stack.host
    if isinstance(document, SshHostDocument):
        return SshHost(
            "ssh-host", stack=stack.name, document=document, credentials=credentials, folder=folder, opts=opts
        )
    if not isinstance(document, ContainerHostDocument):
        return _declare_machine(stack, document, credentials, folder, opts)
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


def _declare_machine(
    stack: Stack, document: CloudHost, credentials: Credentials, folder: Path, opts: pulumi.ResourceOptions
) -> DeclaredHost:
    # Here, for only who uses a cloud has its package.
    if isinstance(document, AwsHostDocument):
        from lab.hosts.aws import AwsHost  # noqa: PLC0415

        return AwsHost(
            "aws-host",
            stack=stack.name,
            document=document,
            credentials=credentials,
            ssh_folder=str(host_folder(document, folder)),
            opts=opts,
        )
    from lab.hosts.hetzner import HetznerHost  # noqa: PLC0415

    return HetznerHost(
        "hetzner-host",
        stack=stack.name,
        document=document,
        credentials=credentials,
        ssh_folder=str(host_folder(document, folder)),
        opts=opts,
    )
