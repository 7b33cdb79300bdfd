"""Declaring the host of a stack, of the kind that its document names."""

from functools import partial
from pathlib import Path

import pulumi

from documents.lab import HostResources
from documents.stack import AwsHost as AwsHostDocument
from documents.stack import CloudHost, Stack
from documents.stack import ContainerHost as ContainerHostDocument
from documents.stack import SshHost as SshHostDocument
from lab.hosts.container import ContainerHost, share_machine
from lab.hosts.declared import DeclaredHost, host_folder
from lab.hosts.ssh import SshHost
from lab.resources import Credentials


def declare_host(
    stack: Stack,
    *,
    controller: HostResources,
    credentials: Credentials,
    folder: Path,
    opts: pulumi.ResourceOptions,
) -> DeclaredHost:
    """Declare the host of a stack.

    Raises:
        HostKeyError: a key of an existing host is neither given nor pinned.
        LabError: the Python package of the document's cloud isn't installed.
    """
    document = stack.host
    if isinstance(document, SshHostDocument):
        return SshHost("ssh-host", stack=stack, document=document, credentials=credentials, folder=folder, opts=opts)
    if not isinstance(document, ContainerHostDocument):
        return _declare_machine(stack, document, credentials, folder, opts)
    shares = share_machine(document, controller.cores, controller.memory_bytes, hosts=1 + len(stack.load_host))
    return ContainerHost(
        "container-host",
        stack=stack,
        document=document,
        shares=shares,
        credentials=credentials,
        folder=folder,
        opts=opts,
    )


def _declare_machine(
    stack: Stack, document: CloudHost, credentials: Credentials, folder: Path, opts: pulumi.ResourceOptions
) -> DeclaredHost:
    # Imported here, because only users of a cloud have its package.
    if isinstance(document, AwsHostDocument):
        from lab.hosts.aws import AwsHost  # noqa: PLC0415

        declare = partial(AwsHost, "aws-host", document=document)
    else:
        from lab.hosts.hetzner import HetznerHost  # noqa: PLC0415

        declare = partial(HetznerHost, "hetzner-host", document=document)
    return declare(
        stack=stack.name,
        credentials=credentials,
        ssh_folder=str(host_folder(document, folder)),
        load_hosts=len(stack.load_host),
        opts=opts,
    )
