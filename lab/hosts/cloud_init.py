"""What a machine of a cloud is told at its first boot: its host key, who may log in, and how sshd is to behave."""

import yaml

SSHD_SETTINGS_PATH = "/etc/ssh/sshd_config.d/10-fairground.conf"
"""Debian's sshd_config reads this folder first, and of a setting that is given twice sshd takes the first."""

SSHD_SETTINGS = """\
# One key in, one key shown; many short connections at once, as Docker's ssh transport makes them.
HostKey /etc/ssh/ssh_host_ed25519_key
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
MaxStartups 100:30:200
MaxSessions 100
X11Forwarding no
UseDNS no
"""


def cloud_config(*, host_private_key: str, host_public_key: str, user_public_key: str) -> str:
    """The cloud-config of a machine, in YAML; it holds the private key of the host, and so is a secret.

    The machine shows the host key that was made for it, and no other, from its first connection on. Root logs in by the
    lab's key alone, and no other user is made. When the machine is up, the way to the metadata service is closed: it
    would tell the user data, and so the host key, to every process that asks.

    Source: cloud-init's documentation, "Module reference": Disable EC2 Metadata, SSH, Users and Groups, Write Files.

    Args:
        host_private_key: an Ed25519 key as OpenSSH writes it into a file.
        host_public_key: the line of its public key.
        user_public_key: the line of the lab's key.
    """
    settings = {
        "ssh_deletekeys": True,
        "ssh_keys": {"ed25519_private": host_private_key, "ed25519_public": f"{host_public_key}\n"},
        "ssh_publish_hostkeys": {"enabled": False},
        "ssh_pwauth": False,
        "disable_root": False,
        "users": [],
        "ssh_authorized_keys": [user_public_key],
        "write_files": [
            {"path": SSHD_SETTINGS_PATH, "owner": "root:root", "permissions": "0600", "content": SSHD_SETTINGS}
        ],
        "disable_ec2_metadata": True,
    }
    return f"#cloud-config\n{yaml.safe_dump(settings, sort_keys=False)}"
