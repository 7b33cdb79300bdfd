"""`lab verify --drift`: what is declared against what runs."""

import typer
from rich.table import Table
from rich.text import Text

from cli.context import ROOT, open_engine, terminal
from cli.progress import under_way
from documents.drift import Drift
from lab.hosts.machine import read_topology
from lab.lifecycle.drift.reading import read_drift
from lab.lifecycle.lifecycle import read_lab
from lab.stack_file import read_stack


def show_drift(stack: str, *, json: bool) -> None:
    """Compare, show all that differs, and exit with 1 where anything does."""
    # Here, for it takes its time, and the other subcommands don't need it.
    from experiment.holding import name_holder  # noqa: PLC0415
    from experiment.run_lock import held  # noqa: PLC0415

    engine = open_engine(stack)
    inventory, secrets = read_lab(engine)
    # A document at fault is told with its line.
    read_stack(ROOT, stack, read_topology())
    console = terminal()
    console.quiet = json
    with under_way(console, "comparing"):
        drift = read_drift(
            engine,
            inventory,
            secrets,
            hold=lambda connection: held(connection, name_holder("lab verify --drift")),
        )
    if json:
        print(drift.to_json(), end="")  # noqa: T201 - the command's output
    else:
        _show(drift)
    if drift.differences:
        raise typer.Exit(1)


def _show(drift: Drift) -> None:
    console = terminal()
    table = Table("what", "compared", "differs", "declared", "runs", box=None, pad_edge=False)
    messages: list[str] = []
    for subject, count in drift.compared.items():
        found = [one for one in drift.differences if one.subject == subject]
        messages += [one.message for one in found]
        if not found:
            table.add_row(Text(subject), str(count), "nothing", "", "")
        for number, one in enumerate(found):
            first = (Text(subject), str(count)) if number == 0 else ("", "")
            table.add_row(*first, Text(one.what), _value(one.declared), _value(one.effective))
    console.print(table)
    for message in messages:
        console.print(message, markup=False, soft_wrap=True)
    if not drift.differences:
        console.print(f"The lab {drift.stack} runs as it is declared.")


def _value(value: str | None) -> Text:
    return Text("\N{EN DASH}" if value is None else value)
