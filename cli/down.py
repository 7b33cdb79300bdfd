"""`lab down`: take the lab down and show the receipt."""

import typer

from cli.context import DEFAULT_STACK, ROOT, JsonOption, StackOption, open_engine, print_json, terminal
from cli.progress import EngineProgress, under_way
from documents.errors import DocumentError
from lab.lifecycle.lifecycle import take_down
from lab.stack_file import read_stack


def down(stack: StackOption = DEFAULT_STACK, json: JsonOption = False) -> None:
    """Remove everything that the lab made, also after a half-failed or killed `lab up`.

    Ends with a receipt: what was on record, what was kept on purpose, what is left. Exits with 1 where anything is
    left. Results in runs/ stay.
    """
    console = terminal()
    console.quiet = json
    try:
        document = read_stack(ROOT, stack)
    except DocumentError as error:
        console.print(f"{error} The cache, if any, is kept.", markup=False, soft_wrap=True)
        document = None
    with under_way(console, "asking the engine") as doing:
        receipt = take_down(open_engine(stack), document, progress=EngineProgress(console, doing))
    if json:
        print_json({"stack": stack, "made": receipt.made, "kept": receipt.kept, "left": receipt.left})
    else:
        console.print(f"Receipt for the lab {stack}:")
        console.print(f"  made  {receipt.made} resources on record")
        for thing in receipt.kept:
            console.print(f"  kept  {thing} (build_cache: keep)", markup=False, soft_wrap=True)
        for thing in receipt.left:
            console.print(f"  LEFT  {thing}", markup=False, soft_wrap=True)
        if not receipt.left:
            console.print("  left  nothing")
    if receipt.left:
        raise typer.Exit(1)
