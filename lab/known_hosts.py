"""The file of known hosts that pins a lab's hosts, as Docker's ssh and Paramiko both read it."""

from documents.host import Host, known_hosts_name

KNOWN_HOSTS_NAME = "known_hosts"
HOST_KEY_ALIAS = "fairground-host"
JUMP_HOST_KEY_ALIAS = "fairground-jump-host"
"""The names by which Docker's ssh asks for the hosts' keys: they stay when a port changes, so that what is on the host
of the old port can still be taken away."""


def pin_host_key(address: str, port: int, host_public_key: str) -> str:
    """The line that pins the one key of a host, by its address and by its alias."""
    return f"{known_hosts_name(address, port)},{HOST_KEY_ALIAS} {host_public_key}\n"


def list_known_hosts(host: Host) -> str:
    """The whole file: the one key of the host, and that of its jump host."""
    lines = pin_host_key(host.address, host.port, host.host_public_key)
    if (jump := host.jump_host) is not None:
        lines += f"{known_hosts_name(jump.address, jump.port)},{JUMP_HOST_KEY_ALIAS} {jump.host_public_key}\n"
    return lines
