"""`lab up`: stand the lab up."""

import sys
import time
from typing import Annotated

import typer
from rich.table import Table

from cli.confirmation import ACCEPT_COST, confirm_cost, confirm_host_keys
from cli.context import DEFAULT_STACK, ROOT, JsonOption, StackOption, open_engine, terminal
from cli.progress import EngineProgress, under_way
from documents.lab import Inventory
from lab.cores import read_topology
from lab.lifecycle import remove_superseded_images
from lab.lifecycle.lifecycle import await_services, stand_up
from lab.stack_file import read_stack


def up(
    stack: StackOption = DEFAULT_STACK,
    accept_cost: Annotated[
        bool, typer.Option(ACCEPT_COST, help="Accept what a lab at a cloud costs, without being asked.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Stand the lab up, or bring it up to its document.

    It can be repeated, also after it was interrupted or killed: it goes on from there. A lab at a cloud costs money:
    what it costs by the hour and until it expires is shown, and has to be confirmed unless it stands at that cost.
    """
    document = read_stack(ROOT, stack, read_topology())
    engine = open_engine(stack)
    ask = typer.confirm if sys.stdin.isatty() and not json else None

    def tell(line: str) -> None:
        typer.echo(line, err=json)

    confirm_cost(engine, document, machines=1 + len(document.load_host), accepted=accept_cost, ask=ask, tell=tell)
    confirm_host_keys(document, engine.private, ask=ask, tell=tell)
    console = terminal()
    console.quiet = json
    start = time.monotonic()
    with under_way(console, "asking the engine") as doing:
        progress = EngineProgress(console, doing)
        inventory, _secrets = stand_up(engine, document, progress=progress)
        doing.become("waiting for PostgreSQL, Redis and the APIs")
        await_services(inventory)
        remove_superseded_images(engine, inventory)
    if json:
        print(inventory.to_json(), end="")  # noqa: T201 - the command's output
        return
    changed = f"{progress.changes} changes" if progress.changes else "nothing to change"
    console.print(f"The lab {stack} is up ({time.monotonic() - start:.0f} s, {changed}).")
    console.print(_describe(inventory))


def _describe(inventory: Inventory) -> Table:
    cores, size = inventory.cores, inventory.size
    table = Table("what", "CPUs", "port", "is", box=None, pad_edge=False)
    smaller = "; smaller than the article's 8 cores and 16 GB" if size.smaller else ""
    tenants = "; cores shared with other tenants" if size.shared_cores else ""
    table.add_row(
        f"host ({inventory.host.kind})",
        ",".join(map(str, size.cpus)),
        str(inventory.host.port),
        f"{size.memory_bytes / 1024**3:.0f} GB{smaller}{tenants}",
    )
    for api in inventory.apis:
        table.add_row(f"API {api.name}", cores.cpu_list("api"), str(api.port), f"{api.source}, {api.image_id[7:19]}")
    table.add_row(
        "PostgreSQL", cores.cpu_list("postgres"), str(inventory.postgres.port), inventory.postgres.image_id[7:19]
    )
    table.add_row("Redis", cores.cpu_list("redis"), str(inventory.redis.port), inventory.redis.image_id[7:19])
    for number, load_host in enumerate(inventory.load_hosts, start=1):
        table.add_row(
            f"load host {number} ({load_host.host.kind})",
            ",".join(map(str, load_host.generator)),
            str(load_host.host.port),
            f"wrk; the host's own work has the CPUs {','.join(map(str, load_host.system))}",
        )
    if not inventory.load_hosts:
        shared = "; shared with what it measures" if cores.shared else ""
        table.add_row("generator", cores.cpu_list("generator"), "", f"wrk{shared}")
    return table
