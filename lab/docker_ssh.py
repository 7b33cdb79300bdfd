"""How Docker's own ssh transport reaches a host: its URL, and the options of its `ssh` command.

It runs beside Paramiko, with the same login and the same pinned keys, and never reads the user's own configuration:
what reaches a host stands in the stack document alone.
"""

import shlex

from documents.host import Host
from lab.known_hosts import HOST_KEY_ALIAS, JUMP_HOST_KEY_ALIAS


def docker_url(host: Host) -> str:
    """The URL by which Docker's transport reaches the host. Source: RFC 3986, section 3.2.2, of an IPv6 address."""
    address = f"[{host.address}]" if ":" in host.address else host.address
    return f"ssh://{host.user}@{address}:{host.port}"


def ssh_options(host: Host) -> list[str]:
    """The options for the `ssh` command that reaches the host. Source: ssh(1), ssh_config(5)."""
    options = _options(host, HOST_KEY_ALIAS)
    if (jump := host.jump_host) is not None:
        through = ["ssh", *_options(host, JUMP_HOST_KEY_ALIAS)]
        through += ["-p", str(jump.port), "-W", "[%h]:%p", f"{jump.user}@{jump.address}"]
        options += ["-o", f"ProxyCommand={_proxy_command(through)}"]
    return options


def _options(host: Host, alias: str) -> list[str]:
    options = [
        "-F",
        "/dev/null",
        "-o",
        "StrictHostKeyChecking=yes",
        "-o",
        "GlobalKnownHostsFile=/dev/null",
        "-o",
        f"HostKeyAlias={alias}",
        "-o",
        f"UserKnownHostsFile={_quoted(host.known_hosts_path)}",
        "-o",
        "BatchMode=yes",
    ]
    if host.private_key_path is not None:
        # Not by -i, which looks for the file before it has taken %% for %.
        options += ["-o", "IdentitiesOnly=yes", "-o", f"IdentityFile={_quoted(host.private_key_path)}"]
    return options


def _quoted(path: str) -> str:
    """A path as a value of ssh_config, which splits at spaces and has % for itself."""
    return f'"{path.replace("%", "%%")}"'


def _proxy_command(words: list[str]) -> str:
    """A command line for the user's shell, in which ssh replaces %h and %p; any other % stands for itself."""
    return " ".join(word if word == "[%h]:%p" else shlex.quote(word).replace("%", "%%") for word in words)
