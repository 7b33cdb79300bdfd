"""What every subcommand needs: the checkout, its engine, the terminal, how JSON is printed, and what a shell completes.

What can't be found completes to nothing: a shell that waits for words must not get an error among them.
"""

import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, get_args

import typer
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from analysis.pages.table import Table
from documents.errors import FairgroundError
from documents.report import Measure
from documents.run import MANIFESTS
from experiment.planning import protocol_names
from lab.lifecycle import Engine
from lab.stack_file import read_stack
from toolchain.layout import STACK, project_layout


def complete_run(incomplete: str) -> list[str]:
    """The ids of the runs, the newest first."""
    return _that_begin(sorted((path.parent.name for path in RUNS.glob(MANIFESTS)), reverse=True), incomplete)


def complete_protocol(incomplete: str) -> list[str]:
    """The names of the lab's own protocols; a path of another one is the shell's to complete."""
    return _that_begin(protocol_names(), incomplete)


def complete_measure(incomplete: str) -> list[str]:
    """The measures by which a gate judges."""
    return _that_begin(get_args(Measure), incomplete)


def complete_api(context: typer.Context, incomplete: str) -> list[str]:
    """The APIs of the stack that the command line names so far, or of the one that is taken where it names none."""
    return _that_begin(_apis_of(context), incomplete)


def complete_log(context: typer.Context, incomplete: str) -> list[str]:
    """What of that stack writes a log."""
    return _that_begin(("postgres", "redis", *_apis_of(context)), incomplete)


def complete_check(incomplete: str) -> list[str]:
    """The groups of the contract's checks, and each check where the word has a group already."""
    # Here, for it takes its time, and the others don't need it.
    from apis.contract.checks import all_checks  # noqa: PLC0415

    checks = all_checks()
    names = sorted(check.name for check in checks) if "." in incomplete else sorted({check.group for check in checks})
    return _that_begin(names, incomplete)


def _apis_of(context: typer.Context) -> list[str]:
    try:
        return [api.name for api in read_stack(ROOT, context.params.get("stack") or DEFAULT_STACK).apis]
    except FairgroundError:
        return []


def _that_begin(words: Iterable[str], incomplete: str) -> list[str]:
    return [word for word in words if word.startswith(incomplete)]


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
