"""`lab compare`: compare two runs."""

from typing import Annotated

import typer

from cli.context import JsonOption, as_rich, complete_run, print_document, terminal
from cli.report import find_run


def compare(
    first: Annotated[
        str,
        typer.Argument(
            help="The id or folder of the run that the other is compared with.", autocompletion=complete_run
        ),
    ],
    second: Annotated[str, typer.Argument(help="The id or folder of the other run.", autocompletion=complete_run)],
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Compare them even if their conditions differ; the page says so.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Compare two runs: the same APIs under the same loads, the second over the first.

    Refuses runs of another host, protocol, PostgreSQL or Redis, and names all differences. Whatever else changed
    between the two runs is in every change, so APIs are judged against those with the same build in both runs. To judge
    a change of the code, use `lab gate`.
    """
    from analysis.compare import compare_folders
    from analysis.pages.run_comparison import change_tables, comparison_heading, run_lines, write_comparison

    folder = find_run(second)
    comparison = compare_folders(find_run(first), folder, anyway=anyway)
    page = write_comparison(comparison, folder)
    if json:
        print_document(comparison)
        return
    console = terminal()
    console.print(comparison_heading(comparison), style="bold", markup=False)
    for name, value in run_lines(comparison):
        console.print(f"{name}: {value}", markup=False)
    console.print()
    for table in change_tables(comparison):
        console.print(as_rich(table))
        console.print()
    console.print(change_tables(comparison)[0].note, style="dim", markup=False)
    for difference in comparison.differences:
        console.print(f"Differs: {difference}.", markup=False)
    if comparison.notes:
        console.print("Before you quote these numbers:")
    for note in comparison.notes:
        console.print(f"- {note}", markup=False)
    console.print(f"Comparison: {page}", markup=False, soft_wrap=True)
