"""Common parts of the subcommands: the checkout, its engine, the terminal, JSON output, and shell completion.

A module of `cli/` imports what its subcommand needs when that runs, so that the shell gets its help and its words at
once. A completion that fails returns no words, because a shell must not get an error message among them.
"""

import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from documents.errors import FairgroundError
from toolchain.layout import DEFAULT_STACK, project_layout

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table as RichTable

    from analysis.pages.table import Table
    from documents.base import Document
    from lab.lifecycle import Engine

ROOT = Path(__file__).resolve().parents[1]
"""The checkout; the project is installed in place."""

RUNS = ROOT / "runs"
FACTS = ROOT / "facts"

_PROTOCOLS = ROOT / "experiment" / "protocols"


def complete_stack(incomplete: str) -> list[str]:
    """The names of the stacks in `stacks/`."""
    return _that_begin(sorted(path.stem for path in (ROOT / "stacks").glob("*.yaml")), incomplete)


def complete_run(incomplete: str) -> list[str]:
    """The ids of the runs, the newest first."""
    from documents.run import MANIFESTS

    return _that_begin(sorted((path.parent.name for path in RUNS.glob(MANIFESTS)), reverse=True), incomplete)


def complete_protocol(incomplete: str) -> list[str]:
    """The names of the lab's own protocols; the shell completes the path of another one."""
    return _that_begin(sorted(path.stem for path in _PROTOCOLS.glob("*.yaml")), incomplete)


def complete_measure(incomplete: str) -> list[str]:
    """The measures of a gate."""
    from documents.report import Measure

    return _that_begin(get_args(Measure), incomplete)


def complete_api(context: typer.Context, incomplete: str) -> list[str]:
    """The APIs of the stack in the command line so far, or of the default stack."""
    return _that_begin(_apis_of(context), incomplete)


def complete_log(context: typer.Context, incomplete: str) -> list[str]:
    """The parts of that stack that write a log."""
    from documents.lab import SERVICES

    return _that_begin((*SERVICES, *_apis_of(context)), incomplete)


def complete_check(incomplete: str) -> list[str]:
    """The groups of the contract's checks; after a group, its checks."""
    from apis.contract.checks import all_checks

    checks = all_checks()
    names = sorted(check.name for check in checks) if "." in incomplete else sorted({check.group for check in checks})
    return _that_begin(names, incomplete)


def _apis_of(context: typer.Context) -> list[str]:
    from lab.stack_file import read_stack

    try:
        return [api.name for api in read_stack(ROOT, context.params.get("stack") or DEFAULT_STACK).apis]
    except FairgroundError:
        return []


def _that_begin(words: Iterable[str], incomplete: str) -> list[str]:
    return [word for word in words if word.startswith(incomplete)]


StackOption = Annotated[
    str,
    typer.Option("--stack", "-s", help="The lab's name, as in stacks/NAME.yaml.", autocompletion=complete_stack),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def require_subcommand(context: typer.Context) -> None:
    """End a command without its subcommand as wrong use, with its help instead of an error."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(2)


def open_engine(stack: str) -> "Engine":
    """The Pulumi engine of this checkout for a stack, with the environment of `. ./env`."""
    from lab.lifecycle import Engine

    environment = project_layout().whole_environment()
    # The lab's own docker commands must go to the engine that Pulumi's plugin uses.
    for name in os.environ.keys() - environment.keys():
        os.environ.pop(name)
    os.environ |= {name: environment[name] for name in ("PATH", "DOCKER_HOST")}
    return Engine(root=ROOT, stack=stack, environment=environment)


def terminal(*, quiet: bool = False) -> "Console":
    """The console for tables and progress: live lines only at a terminal, colours there or where they are forced.

    NO_COLOR, FORCE_COLOR and TERM=dumb have rich's meaning. Without a terminal there are no live lines, even with
    forced colours. `quiet`: print nothing.
    """
    from rich.console import Console

    interactive = None if sys.stdout.isatty() else False
    return Console(highlight=False, soft_wrap=False, force_interactive=interactive, quiet=quiet)


def print_json(value: Any) -> None:  # noqa: ANN401 - whatever JSON can hold
    """Print a value as JSON on standard output."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def print_document(document: "Document") -> None:
    """Print a document as JSON on standard output."""
    typer.echo(document.to_json(), nl=False)


def as_rich(table: "Table") -> "RichTable":
    """The table for rich."""
    from rich.table import Table as RichTable
    from rich.text import Text

    shown = RichTable(title=table.title, title_justify="left", box=None, padding=(0, 1, 0, 0))
    for column in table.columns:
        shown.add_column(
            f"{column.title}\n{column.unit}",
            justify="right" if column.numeric else "left",
            overflow="fold",
            # A heading breaks only between words.
            min_width=max(map(len, (*column.title.split(), *column.unit.split()))),
        )
    for row in table.rows:
        cells = (Text.assemble(cell.value, (f"\n{cell.detail}" if cell.detail else "", "dim")) for cell in row)
        shown.add_row(*cells)
    return shown
