"""`lab down`: take the lab down and show the receipt."""

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from cli.context import DEFAULT_STACK, ROOT, JsonOption, StackOption, open_engine, print_json, terminal
from cli.progress import EngineProgress, under_way
from documents.errors import DocumentError, LabError

if TYPE_CHECKING:
    from rich.console import Console

    from lab.lifecycle import Ended, Receipt


def down(
    context: typer.Context,
    *,
    stack: StackOption = DEFAULT_STACK,
    adopt: Annotated[
        bool,
        typer.Option(
            "--adopt", help="Also find, show and remove everything with the lab's labels that isn't on record."
        ),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --adopt: don't ask.")] = False,
    expired: Annotated[
        bool, typer.Option("--expired", help="Take down every lab at a cloud whose document says that it has expired.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Remove everything that the lab made, also after a failed or killed `lab up`.

    Ends with a receipt: what was on record, what was kept on purpose, what is left. Exits with 1 if anything is left.
    Results in runs/ stay. --adopt also works without the record, or if the host no longer exists. --expired takes down
    each lab that has expired; use it in cron.
    """
    console = terminal(quiet=json)
    if yes and not adopt:
        raise typer.BadParameter("--yes confirms the removal by --adopt. Use it only with --adopt.")
    if expired:
        if adopt or not _is_default(context, "stack"):
            raise typer.BadParameter("--expired looks at every lab on record. Leave out --stack and --adopt.")
        _take_down_expired(console, json=json)
        return
    receipt = _adopt(console, stack, yes=yes, json=json) if adopt else _take_down(console, stack)
    if json:
        print_json(_as_json(stack, receipt))
    else:
        _show(console, stack, receipt)
    if receipt.left:
        raise typer.Exit(1)


def _is_default(context: typer.Context, name: str) -> bool:
    """Whether the option isn't on the command line."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "DEFAULT"


def _take_down(console: "Console", stack: str) -> "Receipt":
    from lab.lifecycle import take_down
    from lab.stack_file import read_stack

    try:
        document = read_stack(ROOT, stack)
    except DocumentError as error:
        console.print(f"{error} The cache, if any, is kept.", markup=False, soft_wrap=True)
        document = None
    with under_way(console, "asking Pulumi") as doing:
        return take_down(open_engine(stack), document, progress=EngineProgress(console, doing))


def _adopt(console: "Console", stack: str, *, yes: bool, json: bool) -> "Receipt":
    from lab.lifecycle import adopt, look_around
    from lab.stack_file import read_stack

    document, engine = read_stack(ROOT, stack), open_engine(stack)
    with under_way(console, "looking for the lab's labels"):
        found = look_around(engine, document)
    for phrase in found.found:
        console.print(f"  found  {phrase}", markup=False, soft_wrap=True)
    if not found.found:
        console.print("Nothing was found.")
    elif not yes:
        if json or not sys.stdin.isatty():
            raise LabError("Nobody is at the terminal to confirm the removal. To confirm it, add --yes.")
        if not typer.confirm("Remove all of this?"):
            raise LabError("It wasn't confirmed, so nothing was removed.")
    with under_way(console, "asking Pulumi") as doing:
        return adopt(engine, document, found, progress=EngineProgress(console, doing))


def _take_down_expired(console: "Console", *, json: bool) -> None:
    from lab.lifecycle import list_recorded, take_down_expired
    from lab.stack_file import read_stacks

    stacks, faults = read_stacks(ROOT)
    for fault in faults.values():
        typer.echo(f"{fault} It isn't known whether this lab has expired.", err=True)
    ended: list[Ended] = []
    with under_way(console, "asking Pulumi") as doing:
        progress = EngineProgress(console, doing)
        for one in take_down_expired(
            stacks,
            list_recorded(open_engine(DEFAULT_STACK)),
            datetime.now(UTC),
            unreadable=faults.keys(),
            engine_of=open_engine,
            progress=progress,
        ):
            ended.append(one)
            if one.receipt is not None:
                _show(console, one.stack, one.receipt)
            else:
                typer.echo(f"The lab {one.stack} couldn't be taken down: {one.failure}", err=True)
    if json:
        print_json(
            [
                _as_json(one.stack, one.receipt) if one.receipt else {"stack": one.stack, "failure": one.failure}
                for one in ended
            ]
        )
    elif not ended:
        console.print("No lab that has expired is on record.")
    if faults or not all(one.left_nothing for one in ended):
        raise typer.Exit(1)


def _as_json(stack: str, receipt: "Receipt") -> dict[str, object]:
    return {"stack": stack, "made": receipt.made, "kept": receipt.kept, "left": receipt.left}


def _show(console: "Console", stack: str, receipt: "Receipt") -> None:
    console.print(f"Receipt for the lab {stack}:")
    console.print(f"  made  {receipt.made} resources on record")
    for thing in receipt.kept:
        console.print(f"  kept  {thing}", markup=False, soft_wrap=True)
    for thing in receipt.left:
        console.print(f"  LEFT  {thing}", markup=False, soft_wrap=True)
    if not receipt.left:
        console.print("  left  nothing")
