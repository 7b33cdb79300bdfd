"""`lab up`: stand the lab up, after the host's key and the lab's cost are confirmed."""

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.context import DEFAULT_STACK, ROOT, JsonOption, StackOption, open_engine, print_document, terminal
from cli.progress import EngineProgress, under_way
from documents.errors import HostKeyError, LabError

if TYPE_CHECKING:
    from rich.table import Table

    from documents.lab import Inventory
    from documents.stack import Stack
    from lab.lifecycle import Engine


def confirm_host_keys(
    stack: "Stack", folder: Path, *, ask: Callable[[str], bool] | None, show: Callable[[str], None]
) -> None:
    """Ask to confirm each key that is neither in the document nor confirmed before, and pin it.

    Args:
        stack: the stack document.
        folder: the stack's folder on the controller.
        ask: asks a question and returns whether the answer is yes; None if nobody is at the terminal.
        show: shows a sentence.

    Raises:
        HostKeyError: nobody can be asked, or it is the wrong key.
        HostUnreachableError: the host doesn't answer.
    """
    from documents.lab import JumpHost
    from lab.hosts import confirm_key
    from lab.lifecycle import ask_for_key, unknown_hosts
    from provision.ssh import fingerprint

    # One after the other: a jump host that was confirmed is known at the next host.
    unknown = ((existing, host) for existing in stack.existing_hosts for host in unknown_hosts(existing, folder))
    for existing, host in unknown:
        key = ask_for_key(existing, folder, host)
        where = f"{host.address}, port {host.port},"
        show(f"{where} shows the key {fingerprint(key)} ({key.split()[0]}).")
        if ask is None:
            section = "host" if existing == stack.host else "load_host"
            place = "jump_host.host_key" if isinstance(host, JumpHost) else "host_key"
            raise HostKeyError(
                f"The key of {where} isn't pinned, and nobody is at the terminal to confirm it. Compare it with what "
                f"`ssh-keygen -lf` says on the host itself, and write it into stacks/{stack.name}.yaml as "
                f"{section}.{place}: {key}"
            )
        show("Compare it with what this prints on the host itself: ssh-keygen -lf /etc/ssh/ssh_host_*.pub")
        if not ask("Is it the same?"):
            raise HostKeyError(
                f"The key of {where} wasn't confirmed: nothing was done there. Find out which machine "
                "answers there and why its key is another one, then run the same command again."
            )
        confirm_key(folder, host.address, host.port, key)


ACCEPT_COST = "--accept-cost"


def confirm_cost(
    engine: "Engine",
    stack: "Stack",
    *,
    machines: int,
    accepted: bool,
    ask: Callable[[str], bool] | None,
    show: Callable[[str], None],
) -> None:
    """Ask to confirm the cost of a lab, unless it costs nothing or this cost is on record.

    Args:
        engine: the stack's engine, whose record has the last confirmed cost.
        stack: the stack document.
        machines: how many machines of the host's type the lab has.
        accepted: whether the command line accepts the cost.
        ask: asks a question and returns whether the answer is yes; None if nobody is at the terminal.
        show: shows a sentence.

    Raises:
        LabError: the lab has expired, or its cost isn't confirmed; nothing was made.
    """
    from documents.stack import CloudHost
    from lab.lifecycle import cost_lines, cost_until_expiry, read_state

    if not isinstance(stack.host, CloudHost):
        return
    bill = stack.host.bill(machines)
    cost = cost_until_expiry(bill, datetime.now(UTC))
    if read_state(engine).bill == bill:
        return
    for line in cost_lines(stack.name, cost):
        show(line)
    if accepted:
        return
    if ask is None:
        raise LabError(
            f"The lab {stack.name} costs money, and there is nobody here to confirm it. To accept what it costs, run: "
            f"lab up --stack {stack.name} {ACCEPT_COST}"
        )
    if not ask("Make it?"):
        raise LabError("The cost wasn't confirmed, so nothing was made or changed.")


def up(
    stack: StackOption = DEFAULT_STACK,
    accept_cost: Annotated[
        bool, typer.Option(ACCEPT_COST, help="Accept the cost of a lab at a cloud without a question.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Stand the lab up, or bring it up to its document.

    After an interruption or a failure, repeat it: it continues from there. For a lab at a cloud it shows the cost per
    hour and until the lab expires, and asks for confirmation unless the lab already has that cost.
    """
    from lab.cores import read_topology
    from lab.lifecycle import await_services, remove_superseded_images, stand_up
    from lab.stack_file import read_stack

    document = read_stack(ROOT, stack, read_topology())
    engine = open_engine(stack)
    ask = typer.confirm if sys.stdin.isatty() and not json else None

    def show(line: str) -> None:
        typer.echo(line, err=json)

    confirm_cost(engine, document, machines=1 + len(document.load_host), accepted=accept_cost, ask=ask, show=show)
    confirm_host_keys(document, engine.stack_folder, ask=ask, show=show)
    console = terminal(quiet=json)
    start = time.monotonic()
    with under_way(console, "asking Pulumi") as doing:
        progress = EngineProgress(console, doing)
        inventory, _secrets = stand_up(engine, document, progress=progress)
        doing.become("waiting for the services and the APIs")
        await_services(inventory)
        remove_superseded_images(engine, inventory)
    if json:
        print_document(inventory)
        return
    changed = f"{progress.changes} changes" if progress.changes else "nothing to change"
    console.print(f"The lab {stack} is up ({time.monotonic() - start:.0f} s, {changed}).")
    console.print(_describe(inventory))


def _describe(inventory: "Inventory") -> "Table":
    from rich.table import Table

    from documents.lab import SERVICES, format_cpu_list, short_image_id

    cores, size = inventory.cores, inventory.size
    table = Table("what", "CPUs", "port", "is", box=None, pad_edge=False)
    smaller = "; smaller than the article's 8 cores and 16 GB" if size.smaller else ""
    tenants = "; cores shared with other tenants" if size.shared_cores else ""
    table.add_row(
        f"host ({inventory.host.kind})",
        format_cpu_list(size.cpus),
        str(inventory.host.port),
        f"{size.memory_bytes / 1024**3:.0f} GiB{smaller}{tenants}",
    )
    for api in inventory.apis:
        built = f"{api.source}, {short_image_id(api.image_id)}"
        table.add_row(f"API {api.name}", cores.cpu_list("api"), str(api.port), built)
    for name, service in inventory.services.items():
        table.add_row(SERVICES[name], cores.cpu_list(name), str(service.port), short_image_id(service.image_id))
    for number, load_host in enumerate(inventory.load_hosts, start=1):
        table.add_row(
            f"load host {number} ({load_host.host.kind})",
            format_cpu_list(load_host.generator),
            str(load_host.host.port),
            f"wrk; the host's own work has the CPUs {format_cpu_list(load_host.system)}",
        )
    if not inventory.load_hosts:
        shared = "; shared with what it measures" if cores.shares("generator") else ""
        table.add_row("generator", cores.cpu_list("generator"), "", f"wrk{shared}")
    return table
