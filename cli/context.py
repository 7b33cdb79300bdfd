"""What every subcommand needs: the checkout, its engine, the terminal, and how JSON is printed."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from analysis.pages.table import Table
from lab.lifecycle import Engine
from toolchain.layout import STACK, project_layout

ROOT = Path(__file__).resolve().parents[1]
"""The checkout; the project is installed in place."""

RUNS = ROOT / "runs"
FACTS = ROOT / "facts"


def complete_stack(incomplete: str) -> list[str]:
    """The names of the stacks that are described here, for the shell."""
    names = sorted(path.stem for path in (ROOT / "stacks").glob("*.yaml") if not path.name.startswith("Pulumi."))
    return [name for name in names if name.startswith(incomplete)]


StackOption = Annotated[
    str,
    typer.Option("--stack", "-s", help="The lab's name, as in stacks/NAME.yaml.", autocompletion=complete_stack),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]

DEFAULT_STACK = STACK


def open_engine(stack: str) -> Engine:
    """The Pulumi engine of this checkout for a stack, with the environment that `. ./env` gives a shell."""
    environment = os.environ | project_layout(ROOT).pulumi_environment()
    # What the lab asks docker itself is to go to the engine that Pulumi's plugin speaks to.
    for name in ("PULUMI_CONFIG_PASSPHRASE", "DOCKER_CONTEXT"):
        environment.pop(name, None)
        os.environ.pop(name, None)
    os.environ |= {name: environment[name] for name in ("PATH", "DOCKER_HOST")}
    return Engine(root=ROOT, stack=stack, environment=environment)


def terminal() -> Console:
    """Where tables and progress go; live lines only on a real terminal, and colours there or where they are forced.

    NO_COLOR, FORCE_COLOR and TERM=dumb are honoured as rich does. A pipe that is to have colours gets no live lines.
    """
    return Console(highlight=False, soft_wrap=False, force_interactive=None if sys.stdout.isatty() else False)


def print_json(value: Any) -> None:  # noqa: ANN401 - whatever JSON can hold
    """Print a value as JSON on standard output."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def as_rich(table: Table) -> RichTable:
    """The table as the terminal's library draws it."""
    shown = RichTable(title=table.title, title_justify="left", box=None, padding=(0, 1, 0, 0))
    for column in table.columns:
        shown.add_column(
            f"{column.title}\n{column.unit}",
            justify="right" if column.numeric else "left",
            overflow="fold",
            # A heading breaks between its words, never within one.
            min_width=max(map(len, (*column.title.split(), *column.unit.split()))),
        )
    for row in table.rows:
        cells = (Text.assemble(cell.value, (f"\n{cell.detail}" if cell.detail else "", "dim")) for cell in row)
        shown.add_row(*cells)
    return shown
