"""`lab report`: compute and show the numbers of a run."""

import shlex
import webbrowser
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.context import FACTS, RUNS, JsonOption, as_rich, complete_run, terminal
from documents.errors import RunError, ToolchainError

if TYPE_CHECKING:
    from rich.console import Console

    from documents.report import Report


class ReportFormat(StrEnum):
    """The formats in which a report can be printed."""

    MARKDOWN = "md"
    HTML = "html"
    JSON = "json"
    CSV = "csv"


def report(
    run: Annotated[
        str | None,
        typer.Argument(help="A run's id or folder; the newest unless given.", autocompletion=complete_run),
    ] = None,
    print_as: Annotated[
        ReportFormat | None,
        typer.Option("--format", help="Print the whole report, for a pipe or a file, instead of the screen."),
    ] = None,
    in_browser: Annotated[bool, typer.Option("--open", help="Also open report.html in the browser.")] = False,
    show_all: Annotated[bool, typer.Option("--all", help="Print every table before the verdicts.")] = False,
    json: JsonOption = False,
) -> None:
    """Compute a run's numbers from its raw files, write its report, and show the verdicts."""
    if json and print_as not in {None, ReportFormat.JSON}:
        raise typer.BadParameter(f"--json is --format json, so it doesn't go with --format {print_as}.")
    if show_all and (json or print_as is not None):
        raise typer.BadParameter("--all prints tables, so it doesn't go with --json or --format.")
    folder = find_run(run)
    from analysis.pages.html import PAGE, write_report

    numbers, page = write_report(folder, FACTS), folder / PAGE
    if json or print_as is not None:
        print(_as_text(folder, numbers, print_as or ReportFormat.JSON), end="")  # noqa: T201 - the command's output
    else:
        console = terminal()
        if show_all:
            _show_tables(console, numbers)
        show_screen(console, numbers, page, run=_as_argument(folder), whole=show_all)
    if in_browser:
        _open(page)


def _as_text(folder: Path, numbers: "Report", print_as: ReportFormat) -> str:
    if print_as is ReportFormat.CSV:
        from analysis.pages.summary_csv import render_csv

        return render_csv(numbers)
    return (folder / f"report.{print_as}").read_text(encoding="utf-8")


def _show_tables(console: "Console", numbers: "Report") -> None:
    from analysis.pages.terminal import terminal_tables

    for table in terminal_tables(numbers):
        if table.rows:
            console.print(as_rich(table))
            console.print(table.note, style="dim", markup=False)
        else:
            console.print(f"{table.title}: {table.note}", markup=False)
        console.print()


def show_screen(console: "Console", numbers: "Report", page: Path, *, run: str, whole: bool = False) -> None:
    """Print a report in about 25 lines: verdicts, one small table, caveats in a line each, and the page's path.

    Args:
        console: the output.
        numbers: the report.
        page: its page.
        run: the argument by which `lab report` finds the run.
        whole: print each caveat with its details, and the meaning of the host's grade.
    """
    from rich.table import Table
    from rich.text import Text

    from analysis.pages.run import grade_text
    from analysis.pages.terminal import screen

    shown = screen(numbers)
    console.print(shown.heading, style="bold", markup=False)
    console.print(shown.extent, markup=False)
    console.print()
    verdicts = Table.grid(padding=(0, 2, 0, 0))
    for load, verdict in shown.verdicts:
        verdicts.add_row(Text(load, style="dim"), Text(verdict))
    console.print(verdicts)
    console.print()
    drawn = [as_rich(table) for table in shown.tables]
    if drawn:
        fitting = (table for table in drawn if console.measure(table).maximum <= console.width)
        console.print(next(fitting, drawn[-1]))
        console.print()
    caveats = (f"Grade of the host: {grade_text(numbers)}", *numbers.caveats) if whole else shown.caveats
    if caveats:
        console.print("Before you quote these numbers:")
        for caveat in caveats:
            console.print(f"- {caveat}", markup=False)
        console.print()
    if not whole:
        console.print(f"Every table: lab report --all {shlex.quote(run)}", markup=False, soft_wrap=True)
    console.print(f"Report: {page}", markup=False, soft_wrap=True)


def _open(page: Path) -> None:
    """Open a page in the browser that the environment variable BROWSER names, or in the default one.

    Raises:
        ToolchainError: there is none, or it couldn't be started.
    """
    if not webbrowser.open(page.resolve().as_uri()):
        raise ToolchainError(
            f"No browser could be started to show {page}: this machine has no display, or no browser. The report is "
            "one file that needs nothing else: copy it to a machine with a browser and open it there, or name a "
            "browser in the environment variable BROWSER."
        )


def _as_argument(folder: Path) -> str:
    return folder.name if folder.parent == RUNS else str(folder)


def find_run(run: str | None, *, stack: str | None = None) -> Path:
    """The folder of the run with that id or path; without one, of the newest run, or of the newest of a stack.

    Raises:
        RunError: there is none.
        DocumentError: the manifest of a run that may be the newest of the stack is invalid; names its file.
    """
    from documents.run import MANIFESTS, Manifest

    if run is None:
        for path in sorted(RUNS.glob(MANIFESTS), reverse=True):
            if stack is None or Manifest.from_json(path.read_bytes(), name=str(path)).inventory.stack == stack:
                return path.parent
        if stack is not None:
            raise RunError(
                f"There is no run of the stack {stack} in {RUNS}. `lab runs` shows the stack of each run; name it with "
                "--stack, or start a run with `lab run`."
            )
        raise RunError(f"There is no run in {RUNS} yet; run `lab run`.")
    for folder in (RUNS / run, Path(run)):
        if (folder / "manifest.json").is_file():
            return folder
    like = get_close_matches(run, (path.parent.name for path in RUNS.glob(MANIFESTS)), n=1)
    meant = f"Is it {like[0]}? " if like else ""
    raise RunError(
        f"There is no run {run}: neither {RUNS / run} nor {run} has a manifest.json. {meant}`lab runs` lists all."
    )
