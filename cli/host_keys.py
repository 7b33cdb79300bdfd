"""The key of a host that exists: shown once, for somebody to confirm who can tell whether it is the right one."""

import sys
from pathlib import Path

import typer
from rich.console import Console

from documents.errors import HostKeyError
from documents.host_kinds import ExistingHost
from documents.stack import Stack
from lab.hosts.pinned_keys import pin_key
from lab.lifecycle.ssh_access import ask_for_key, unknown_hosts
from provision.host_keys import fingerprint


def confirm_host_keys(stack: Stack, folder: Path, console: Console) -> None:
    """Have each key confirmed that is neither given in the document nor was confirmed before, and pin it.

    Args:
        stack: the stack document.
        folder: the stack's own on the controller.
        console: where the keys are shown.

    Raises:
        HostKeyError: nobody is at the terminal, or it is the wrong key.
        HostUnreachableError: the host doesn't answer.
    """
    for existing in stack.existing_hosts:
        _confirm(existing, stack.name, folder, console)


def _confirm(existing: ExistingHost, stack: str, folder: Path, console: Console) -> None:
    for host in unknown_hosts(existing, folder):
        key = ask_for_key(existing, folder, host)
        where = f"{host.address}, port {host.port},"
        console.print(f"{where} shows the key {fingerprint(key)} ({key.split()[0]}).", markup=False, soft_wrap=True)
        if not sys.stdin.isatty():
            raise HostKeyError(
                f"The key of {where} isn't pinned, and nobody is at the terminal to confirm it. Compare it with what "
                f"`ssh-keygen -lf` says on the host itself, and write it into stacks/{stack}.yaml: "
                f"`host_key: {key}`"
            )
        console.print("Compare it with what this prints on the host itself: ssh-keygen -lf /etc/ssh/ssh_host_*.pub")
        if not typer.confirm("Is it the same?"):
            raise HostKeyError(f"The key of {where} wasn't confirmed: nothing was done there.")
        pin_key(folder, host.address, host.port, key)
