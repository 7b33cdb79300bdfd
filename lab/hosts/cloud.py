"""What the machines of all clouds have in common: their network, and their user data at boot."""

from pathlib import Path
from typing import NamedTuple

import pulumi
import yaml

from documents.errors import LabError
from documents.lab import CloudKind
from lab.resources import Credentials


class Cloud(NamedTuple):
    """What the controller needs for hosts at a cloud.

    Attributes:
        package: the Python package that creates them, in the project's extra of the kind's name.
        credentials: sets of variables, of which one is needed.
    """

    package: str
    credentials: tuple[tuple[str, ...], ...]


CLOUDS: dict[CloudKind, Cloud] = {
    "aws": Cloud(
        "pulumi-aws",
        (
            ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
            ("AWS_PROFILE",),
            ("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN"),
        ),
    ),
    "hetzner": Cloud("pulumi-hcloud", (("HCLOUD_TOKEN",),)),
}


def missing_extra(kind: CloudKind) -> LabError:
    """The error if the package of a kind isn't installed."""
    package = CLOUDS[kind].package
    return LabError(
        f"A host of the kind {kind} is made with the Python package {package}, which isn't installed here. "
        f"`make setup` installs it; in another environment, run in the checkout: pip install -e '.[{kind}]'"
    )


_SSHD_SETTINGS = Path(__file__).parents[1] / "images" / "host" / "sshd_config"
"""The settings of a `container` host."""

_SSHD_SETTINGS_PATH = "/etc/ssh/sshd_config.d/05-fairground.conf"
"""Debian's sshd_config reads this folder first, and sshd uses the first of two values for a setting. If
`provision.system.preparation` raises limits, it writes a file of another name."""


def cloud_config(*, host_private_key: str, host_public_key: str, user_public_key: str) -> str:
    """The cloud-config of a machine, in YAML; it holds the private key of the host, and so is a secret.

    From its first connection on, the machine shows only the host key that was created for it. Root logs in by the lab's
    key alone, and no other user is created. Once the machine is up, the metadata service is blocked: it would give the
    user data, and so the host key, to every process that asks.

    Source: cloud-init's documentation, "Module reference": Disable EC2 Metadata, SSH, Users and Groups, Write Files.
    """
    sshd_settings = {
        "path": _SSHD_SETTINGS_PATH,
        "owner": "root:root",
        "permissions": "0600",
        "content": _SSHD_SETTINGS.read_text(encoding="utf-8"),
    }
    settings = {
        "ssh_deletekeys": True,
        "ssh_keys": {"ed25519_private": host_private_key, "ed25519_public": f"{host_public_key}\n"},
        "ssh_publish_hostkeys": {"enabled": False},
        "ssh_pwauth": False,
        "disable_root": False,
        "users": [],
        "ssh_authorized_keys": [user_public_key],
        "write_files": [sshd_settings],
        "disable_ec2_metadata": True,
    }
    return f"#cloud-config\n{yaml.safe_dump(settings, sort_keys=False)}"


SSH_PORT = 22

NETWORK = "10.83.0.0/24"
"""The private network of a lab's machines."""


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
