"""`lab report`: the numbers of a run."""

from difflib import get_close_matches
from pathlib import Path
from typing import Annotated

import typer

from cli.completion import complete_run
from cli.context import FACTS, RUNS, JsonOption, terminal
from cli.tables import as_rich
from documents.errors import RunError
from documents.report import Report


def report(
    run: Annotated[
        str | None,
        typer.Argument(help="A run's id or folder; the newest unless given.", autocompletion=complete_run),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Compute a run's numbers from its raw files, write report.json, report.md and report.html, and show the table."""
    # Here, for they take their time, and the other subcommands don't need them.
    from analysis.pages.facts import grade_text  # noqa: PLC0415
    from analysis.pages.terminal import terminal_tables  # noqa: PLC0415
    from analysis.pages.write import write_report  # noqa: PLC0415

    folder = find_run(run)
    page = write_report(folder, FACTS)
    text = (folder / "report.json").read_text(encoding="utf-8")
    if json:
        print(text, end="")  # noqa: T201 - the command's output
        return
    numbers = Report.from_json(text, name=str(folder / "report.json"))
    console = terminal()
    for table in terminal_tables(numbers):
        console.print(as_rich(table))
        console.print(table.note, style="dim", markup=False)
        console.print()
    console.print(f"Grade of the host: {grade_text(numbers)}", markup=False)
    for caveat in numbers.caveats:
        console.print(f"Mind: {caveat}", markup=False)
    console.print(f"Report: {page}", markup=False, soft_wrap=True)


def find_run(run: str | None) -> Path:
    """The folder of the run with that id or path, or of the newest.

    Raises:
        RunError: there is none.
    """
    if run is None:
        runs = sorted(path.parent for path in RUNS.glob("*/manifest.json"))
        if not runs:
            raise RunError(f"There is no run in {RUNS} yet; run `lab run`.")
        return runs[-1]
    for folder in (RUNS / run, Path(run)):
        if (folder / "manifest.json").is_file():
            return folder
    like = get_close_matches(run, (path.parent.name for path in RUNS.glob("*/manifest.json")), n=1)
    meant = f"Is it {like[0]}? " if like else ""
    raise RunError(
        f"There is no run {run}: neither {RUNS / run} nor {run} has a manifest.json. {meant}`lab runs` lists all."
    )
