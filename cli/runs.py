"""`lab runs`: list the runs, mark those to keep, and remove old ones."""

import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from cli.context import RUNS, JsonOption, complete_run, print_document, print_json, terminal
from cli.report import find_run
from documents.errors import RunError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from documents.report import ListedRun, SparedRun

app = typer.Typer(
    help="List the runs, mark those to keep, and remove old ones.", add_completion=False, rich_markup_mode=None
)

_DAYS = re.compile(r"(\d{1,5})d", re.ASCII)


def read_days(text: str) -> int:
    """The days of an age such as `30d`."""
    found = _DAYS.fullmatch(text)
    if found is None:
        raise typer.BadParameter(f"{text!r} isn't an age. Write it in days: 30d.")
    return int(found[1])


@app.callback(invoke_without_command=True)
def runs(context: typer.Context, json: JsonOption = False) -> None:
    """List the runs: their time, protocol, valid cells, size on disk, and whether they are kept."""
    if context.invoked_subcommand is not None:
        if json:
            raise typer.BadParameter(f"--json goes after the subcommand: lab runs {context.invoked_subcommand} --json.")
        return
    from experiment.record import list_runs

    found = list_runs(RUNS)
    if json:
        print_json([run.model_dump(mode="json") for run in found])
        return
    console = terminal()
    if not found:
        console.print(f"There is no run in {RUNS} yet; run `lab run`.", markup=False, soft_wrap=True)
        return
    console.print(_table(found))
    _show_faults(console, found)
    console.print(
        f"{_runs(len(found))}, {_size(sum(run.bytes for run in found))} in {RUNS}", markup=False, soft_wrap=True
    )


@app.command("keep")
def keep(
    run: Annotated[str, typer.Argument(help="A run's id or folder.", autocompletion=complete_run)],
    undo: Annotated[bool, typer.Option("--undo", help="Remove the mark.")] = False,
    json: JsonOption = False,
) -> None:
    """Protect a run from pruning, by an empty file `kept` in its folder."""
    from experiment.record import keep as mark

    folder = find_run(run)
    mark(folder, kept=not undo)
    if json:
        print_json({"run_id": folder.name, "kept": not undo})
        return
    said = "may be pruned again" if undo else "is kept: no prune removes it"
    terminal().print(f"The run {folder.name} {said}.", markup=False, soft_wrap=True)


@app.command("prune")
def prune(  # noqa: PLR0917 - typer's options are keywords on the command line
    older_than: Annotated[
        int | None,
        typer.Option("--older-than", metavar="DAYS", parser=read_days, help="Remove runs older than this, as in 30d."),
    ] = None,
    keep_newest: Annotated[
        int | None, typer.Option("--keep-newest", min=1, help="Remove all runs except this many of the newest.")
    ] = None,
    unfinished: Annotated[
        bool, typer.Option("--unfinished", help="Also remove runs that `lab run --resume` could continue.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be removed.")] = False,
    json: JsonOption = False,
) -> None:
    """Remove old runs: show which, ask, and remove their folders.

    With both bounds, only runs beyond both are removed. Runs that are kept, are being measured or can't be read are
    never removed, and unfinished ones only with --unfinished.
    """
    if older_than is None and keep_newest is None:
        raise typer.BadParameter("Say which runs to remove: --older-than 30d, --keep-newest 10, or both.")
    if yes and dry_run:
        raise typer.BadParameter("--dry-run removes nothing, so it doesn't go with --yes.")
    from documents.report import PrunedRuns
    from experiment.record import Pruning, choose, list_runs, remove_remains, remove_run

    console = terminal(quiet=json)
    before = None if older_than is None else datetime.now(UTC) - timedelta(days=older_than)
    going, spared = choose(list_runs(RUNS), Pruning(before, keep_newest, unfinished))
    _show_choice(console, going, spared)
    if not dry_run:
        remove_remains(RUNS)
    if going and not dry_run:
        _confirm(going, yes=yes, json=json)
        for run in going:
            remove_run(RUNS, run.run_id)
        console.print(f"{_runs(len(going))} removed.")
    if json:
        size = sum(run.bytes for run in going)
        print_document(PrunedRuns(removed=not dry_run, runs=going, spared=spared, bytes=size))


def _confirm(going: "Sequence[ListedRun]", *, yes: bool, json: bool) -> None:
    if yes:
        return
    if json or not sys.stdin.isatty():
        raise RunError(
            "Nobody is at the terminal to confirm the removal of these runs, which `lab runs prune --dry-run` shows. "
            "To confirm it, add --yes."
        )
    if not typer.confirm(f"Remove {_runs(len(going))}?"):
        raise RunError("It wasn't confirmed, so nothing was removed.")


def _show_choice(console: "Console", going: "Sequence[ListedRun]", spared: "Sequence[SparedRun]") -> None:
    if going:
        console.print(_table(going))
    for run in spared:
        console.print(f"stays: {run.run_id}: {run.why}", markup=False, soft_wrap=True)
    size = _size(sum(run.bytes for run in going))
    total = f"{_runs(len(going))} to remove, {size}" if going else "There is no run to remove."
    console.print(total, markup=False, soft_wrap=True)


def _table(found: "Sequence[ListedRun]") -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    table.add_column("run", no_wrap=True)
    for title in ("stack", "state", "grade", "commit"):
        table.add_column(title)
    table.add_column("cells", justify="right")
    table.add_column("size", justify="right", no_wrap=True)
    table.add_column("")
    for run in found:
        table.add_row(
            Text(run.run_id),
            Text(run.stack or ""),
            run.standing,
            run.grade or "",
            Text(_commit(run)),
            _cells(run),
            _size(run.bytes),
            "kept" if run.kept else "",
        )
    return table


def _cells(run: "ListedRun") -> str:
    """The numbers of valid, due and void cells: ``44 of 45, 1 void``."""
    if run.cells is None:
        return ""
    return f"{run.valid_cells} of {run.cells}" + (f", {run.void_cells} void" if run.void_cells else "")


def _commit(run: "ListedRun") -> str:
    """A commit in short, with the lab's suffix."""
    commit, dash, mark = (run.git_commit or "").partition("-")
    return f"{commit[:9]}{dash}{mark}"


def _show_faults(console: "Console", found: "Sequence[ListedRun]") -> None:
    for run in found:
        if run.fault is not None:
            console.print(f"{run.run_id}: {run.fault}", markup=False, soft_wrap=True)


def _runs(count: int) -> str:
    return f"{count} {'run' if count == 1 else 'runs'}"


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
