"""`lab down`: take the lab down and show the receipt."""

import sys
from typing import Annotated

import typer
from rich.console import Console

from cli.context import DEFAULT_STACK, ROOT, JsonOption, StackOption, open_engine, print_json, terminal
from cli.progress import EngineProgress, under_way
from documents.errors import DocumentError, LabError
from lab.lifecycle.adoption import adopt as adopt_lab
from lab.lifecycle.adoption import look_around
from lab.lifecycle.lifecycle import Receipt, take_down
from lab.stack_file import read_stack


def down(
    stack: StackOption = DEFAULT_STACK,
    adopt: Annotated[
        bool,
        typer.Option(
            "--adopt", help="Find also what isn't on record but carries the lab's labels, show it, and remove it."
        ),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --adopt: don't ask.")] = False,
    json: JsonOption = False,
) -> None:
    """Remove everything that the lab made, also after a half-failed or killed `lab up`.

    Ends with a receipt: what was on record, what was kept on purpose, what is left. Exits with 1 where anything is
    left. Results in runs/ stay. With --adopt a record that is lost, or a host that is gone, stands in no way.
    """
    console = terminal()
    console.quiet = json
    if adopt:
        receipt = _adopt(console, stack, yes=yes)
        _show(console, stack, receipt, json=json)
        return
    try:
        document = read_stack(ROOT, stack)
    except DocumentError as error:
        console.print(f"{error} The cache, if any, is kept.", markup=False, soft_wrap=True)
        document = None
    with under_way(console, "asking the engine") as doing:
        receipt = take_down(open_engine(stack), document, progress=EngineProgress(console, doing))
    _show(console, stack, receipt, json=json)


def _adopt(console: Console, stack: str, *, yes: bool) -> Receipt:
    document, engine = read_stack(ROOT, stack), open_engine(stack)
    with under_way(console, "looking for what carries the lab's labels"):
        found = look_around(engine, document)
    for phrase in found.found:
        console.print(f"  found  {phrase}", markup=False, soft_wrap=True)
    if not found.found:
        console.print("Nothing of it was found.")
    elif not yes:
        if not sys.stdin.isatty():
            raise LabError(
                "Nobody is at the terminal to confirm that this is to go: see what was found, and add --yes."
            )
        typer.confirm("Remove all of this?", abort=True)
    with under_way(console, "asking the engine") as doing:
        return adopt_lab(engine, document, found, progress=EngineProgress(console, doing))


def _show(console: Console, stack: str, receipt: Receipt, *, json: bool) -> None:
    if json:
        print_json({"stack": stack, "made": receipt.made, "kept": receipt.kept, "left": receipt.left})
    else:
        console.print(f"Receipt for the lab {stack}:")
        console.print(f"  made  {receipt.made} resources on record")
        for thing in receipt.kept:
            console.print(f"  kept  {thing}", markup=False, soft_wrap=True)
        for thing in receipt.left:
            console.print(f"  LEFT  {thing}", markup=False, soft_wrap=True)
        if not receipt.left:
            console.print("  left  nothing")
    if receipt.left:
        raise typer.Exit(1)
