"""What is shown and confirmed before it is done: a host's key, and what a lab costs."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import typer

from documents.errors import HostKeyError, LabError
from documents.lab import JumpHost
from documents.stack import ExistingHost, Stack, as_cloud_host
from lab.hosts import pin_key
from lab.lifecycle import Engine, ask_for_key, cost_lines, cost_until_expiry, is_recorded, read_state, unknown_hosts
from provision.ssh import fingerprint


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


ACCEPT_COST = "--accept-cost"


def confirm_cost(
    engine: Engine,
    stack: Stack,
    *,
    machines: int,
    accepted: bool,
    ask: Callable[[str], bool] | None,
    tell: Callable[[str], None] = typer.echo,
) -> None:
    """Have the cost of a lab confirmed, unless it costs nothing or stands on record at just this cost.

    Args:
        engine: the stack's engine, which has the cost on record that was confirmed last.
        stack: the stack document.
        machines: how many machines of the host's type the lab has.
        accepted: whether the command line says that the cost is accepted.
        ask: asks a question and returns whether the answer is yes; None where there is nobody to ask.
        tell: shows a sentence.

    Raises:
        LabError: the lab has expired, or its cost isn't confirmed; nothing is made then.
    """
    host = as_cloud_host(stack.host)
    if host is None:
        return
    bill = host.bill(machines)
    cost = cost_until_expiry(bill, datetime.now(UTC))
    if is_recorded(engine) and read_state(engine).bill == bill:
        return
    for line in cost_lines(stack.name, cost):
        tell(line)
    if accepted:
        return
    if ask is None:
        raise LabError(
            f"The lab {stack.name} costs money, and there is nobody here to confirm it. To accept what it costs, run: "
            f"lab up --stack {stack.name} {ACCEPT_COST}"
        )
    if not ask("Make it?"):
        raise LabError("The cost wasn't confirmed, so nothing was made or changed.")
