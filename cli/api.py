"""`lab api check`: check an implementation step by step."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.context import (
    DEFAULT_STACK,
    ROOT,
    JsonOption,
    StackOption,
    open_engine,
    print_document,
    require_subcommand,
    terminal,
)
from cli.progress import under_way

if TYPE_CHECKING:
    from documents.report import ApiCheckStep

GUIDE = "docs/adding-an-api.md"

_MARKS = {"passed": ("\N{CHECK MARK}", "green"), "failed": ("\N{BALLOT X}", "red"), "not checked": ("-", "dim")}

api = typer.Typer(name="api", add_completion=False, rich_markup_mode=None)


@api.callback(invoke_without_command=True)
def of_an_api(context: typer.Context) -> None:
    """Work on an implementation of the API."""
    require_subcommand(context)


@api.command("check")
def check(
    name: Annotated[str, typer.Argument(help="The API's name in the stack.")],
    stack: StackOption = DEFAULT_STACK,
    json: JsonOption = False,
) -> None:
    """Check an implementation step by step, and say what to fix first.

    The steps are its entry in the stack, its folder, its image, its container, and the contract with the checks of
    `lab verify`, after which the database is reset to its seed. Exits with 1 unless all steps pass.
    """
    from rich.text import Text

    from experiment.api_check import check_api
    from lab.lifecycle import read_lab
    from lab.stack_file import read_stack

    console = terminal(quiet=json)

    def show(step: "ApiCheckStep") -> None:
        mark, style = _MARKS[step.outcome]
        first, *others = step.details
        console.print(Text.assemble((mark, style), f" {step.name:<20}{step.outcome:<14} ", first), soft_wrap=True)
        for detail in others:
            console.print(Text(f"{'':<37}{detail}"), soft_wrap=True)

    with under_way(console, f"checking {name}"):
        found = check_api(
            ROOT,
            name,
            stack=stack,
            read_document=lambda: read_stack(ROOT, stack),
            read_lab=lambda: read_lab(open_engine(stack)),
            show=show,
        )
    if json:
        print_document(found)
    first = found.first_failure
    if first is None:
        console.print(f"The API {name} keeps the contract, and is ready to be measured.", markup=False)
        return
    console.print(f"Fix {first.name} first: {GUIDE}, “{first.section}”.", markup=False, soft_wrap=True)
    raise typer.Exit(1)
