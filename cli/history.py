"""`lab history`: runs over time."""

from typing import Annotated

import typer

from cli.context import RUNS, JsonOption, as_rich, print_document, terminal
from cli.progress import under_way
from documents.errors import RunError

PAGE = RUNS / "history.html"


def history(
    last: Annotated[int, typer.Option("--last", min=1, help="How many of the newest runs are looked at.")] = 20,
    json: JsonOption = False,
) -> None:
    """Draw runs over time: throughput and p99 of each API under each load.

    Writes runs/history.html. Runs that were measured under the same conditions are in one group; each other group says
    what differs. From run to run an API's throughput is judged against the APIs with the same build in both.
    """
    from analysis.compare import read_history
    from analysis.pages.history import NOTE, history_tables, render_history_html, why_apart
    from analysis.pages.html import write_page
    from documents.run import MANIFESTS

    folders = sorted(path.parent for path in RUNS.glob(MANIFESTS))[-last:]
    if not folders:
        raise RunError(f"There is no run in {RUNS} yet; run `lab run`.")
    console = terminal(quiet=json)
    with under_way(console, f"reading {len(folders)} runs"):
        found = read_history(folders)
    write_page(PAGE, render_history_html(found))
    if json:
        print_document(found)
        return
    for group, table in zip(found.groups, history_tables(found), strict=True):
        console.print(as_rich(table))
        if group.differences:
            console.print(why_apart(group), markup=False)
        console.print()
    if found.groups:
        console.print(NOTE, style="dim", markup=False)
    for run in found.left_out:
        console.print(f"Not drawn: {run.run_id}: {run.why}", markup=False)
    console.print(f"History: {PAGE}", markup=False, soft_wrap=True)
