"""What the machines of all clouds have in common: what they are told at boot, and how they are reached."""

from collections.abc import Sequence
from typing import Literal

import pulumi

from documents.host import Host
from lab.credentials import Credentials
from lab.hosts.cloud_init import cloud_config
from lab.known_hosts import KNOWN_HOSTS_NAME, pin_host_key
from lab.ssh_files import KEY_NAME, SshFiles

SSH_PORT = 22
USER = "root"


def secret_user_data(credentials: Credentials) -> pulumi.Output[str]:
    """The user data of every machine of a lab: one host key for all of them, kept as a secret."""
    return pulumi.Output.secret(
        pulumi.Output.all(
            host_private_key=credentials.host_private_key,
            host_public_key=credentials.host_public_key,
            user_public_key=credentials.user_public_key,
        ).apply(
            lambda keys: cloud_config(
                host_private_key=keys["host_private_key"],
                host_public_key=keys["host_public_key"],
                user_public_key=keys["user_public_key"],
            )
        )
    )


def reachable_hosts(
    kind: Literal["aws", "hetzner"],
    addresses: Sequence[pulumi.Output[str]],
    *,
    credentials: Credentials,
    ssh_folder: str,
    opts: pulumi.ResourceOptions,
) -> tuple[pulumi.Output[Host], ...]:
    """The machines at these addresses as hosts, in their order; declares the SSH files that pin the key of all."""
    known_hosts = pulumi.Output.all(credentials.host_public_key, *addresses).apply(
        lambda values: "".join(pin_host_key(address, SSH_PORT, values[0]) for address in values[1:])
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
            address, files.path_of(KEY_NAME), files.path_of(KNOWN_HOSTS_NAME), credentials.host_public_key
        ).apply(
            lambda values: Host(
                kind=kind,
                address=values[0],
                port=SSH_PORT,
                user=USER,
                private_key_path=values[1],
                known_hosts_path=values[2],
                host_public_key=values[3],
            )
        )
        for address in addresses
    )
