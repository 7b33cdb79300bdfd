"""The key of a host that exists: shown once, for somebody to confirm who can tell whether it is the right one."""

from collections.abc import Callable
from pathlib import Path

from documents.errors import HostKeyError
from documents.host_kinds import ExistingHost, JumpHost
from documents.stack import Stack
from lab.hosts.pinned_keys import pin_key
from lab.lifecycle.ssh_access import ask_for_key, unknown_hosts
from provision.host_keys import fingerprint


def confirm_host_keys(
    stack: Stack, folder: Path, *, ask: Callable[[str], bool] | None, tell: Callable[[str], None]
) -> None:
    """Have each key confirmed that is neither given in the document nor was confirmed before, and pin it.

    Args:
        stack: the stack document.
        folder: the stack's own on the controller.
        ask: asks a question and returns whether the answer is yes; None where there is nobody to ask.
        tell: shows a sentence.

    Raises:
        HostKeyError: nobody can be asked, or it is the wrong key.
        HostUnreachableError: the host doesn't answer.
    """
    for existing in stack.existing_hosts:
        _confirm(existing, stack, folder, ask=ask, tell=tell)


def _confirm(
    existing: ExistingHost,
    stack: Stack,
    folder: Path,
    *,
    ask: Callable[[str], bool] | None,
    tell: Callable[[str], None],
) -> None:
    for host in unknown_hosts(existing, folder):
        key = ask_for_key(existing, folder, host)
        where = f"{host.address}, port {host.port},"
        tell(f"{where} shows the key {fingerprint(key)} ({key.split()[0]}).")
        if ask is None:
            section = "host" if existing == stack.host else "load_host"
            place = "jump_host.host_key" if isinstance(host, JumpHost) else "host_key"
            raise HostKeyError(
                f"The key of {where} isn't pinned, and nobody is at the terminal to confirm it. Compare it with what "
                f"`ssh-keygen -lf` says on the host itself, and write it into stacks/{stack.name}.yaml as "
                f"{section}.{place}: {key}"
            )
        tell("Compare it with what this prints on the host itself: ssh-keygen -lf /etc/ssh/ssh_host_*.pub")
        if not ask("Is it the same?"):
            raise HostKeyError(
                f"The key of {where} wasn't confirmed: nothing was done there. Find out which machine "
                "answers there and why its key is another one, then run the same command again."
            )
        pin_key(folder, host.address, host.port, key)
