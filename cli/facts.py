"""`lab facts`: measure how the lab's APIs are built and start."""

from typing import Annotated

import typer

from cli.context import (
    DEFAULT_STACK,
    FACTS,
    ROOT,
    JsonOption,
    StackOption,
    as_rich,
    complete_api,
    open_engine,
    print_json,
    terminal,
)
from cli.progress import under_way


def facts(  # noqa: PLR0917 - typer's options are keywords on the command line
    api: Annotated[
        list[str] | None,
        typer.Option("--api", help="Measure only this API; repeatable.", autocompletion=complete_api),
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Measure known images again.")] = False,
    builds: Annotated[int, typer.Option("--builds", min=1, help="How many clean builds of each API.")] = 3,
    starts: Annotated[int, typer.Option("--starts", min=1, help="How many starts of each API.")] = 5,
    stack: StackOption = DEFAULT_STACK,
    json: JsonOption = False,
) -> None:
    """Measure build time, size, lines of code, dependencies, start and memory at rest of the APIs.

    Known facts of an image aren't measured again. `lab report` judges the article's claims by the facts.
    """
    from analysis.claims import LINES
    from analysis.pages.article import facts_table
    from analysis.report import summarise_facts
    from experiment.facts.measure import measure_facts
    from lab.lifecycle import read_lab

    inventory, secrets = read_lab(open_engine(stack))
    console = terminal(quiet=json)
    with under_way(console, "starting") as doing:

        def progress(name: str, what: str) -> None:
            doing.become(f"{name}: {what}")
            if not console.is_interactive:
                console.print(f"{name}: {what}", markup=False)

        measured = measure_facts(
            inventory,
            secrets,
            project=ROOT,
            folder=FACTS,
            apis=api or (),
            again=again,
            builds=builds,
            starts=starts,
            progress=progress,
        )
    if json:
        print_json([document.model_dump(mode="json") for document in measured])
        return
    table = facts_table([summarise_facts(document, document.host) for document in measured], LINES, brief=True)
    console.print(as_rich(table))
    console.print(table.note, style="dim", markup=False)
    console.print(f"Kept in {FACTS}; `lab report` includes them.", markup=False, soft_wrap=True)
