"""`lab api check`: check an implementation step by step."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from cli.context import DEFAULT_STACK, ROOT, JsonOption, StackOption, open_engine, terminal
from cli.progress import under_way
from lab.lifecycle import read_lab
from lab.stack_file import read_stack

if TYPE_CHECKING:
    from documents.report import ApiCheckStep

GUIDE = "docs/adding-an-api.md"

_MARKS = {"passed": ("\N{CHECK MARK}", "green"), "failed": ("\N{BALLOT X}", "red"), "not checked": ("-", "dim")}

api = typer.Typer(name="api", no_args_is_help=True, add_completion=False)


@api.callback()
def of_an_api() -> None:
    """Work on an implementation of the API."""


@api.command("check")
def check(
    name: Annotated[str, typer.Argument(help="The API's name in the stack.")],
    stack: StackOption = DEFAULT_STACK,
    json: JsonOption = False,
) -> None:
    """Check an implementation step by step: what is right, and what to fix first.

    The steps are its entry in the stack, its folder, its image, its container, and the contract with the checks of
    `lab verify`, after which the database is reset to its seed. Exits with 1 unless all steps pass.
    """
    # Imported here, because it is slow and other subcommands don't need it.
    from experiment.api_check import check_api  # noqa: PLC0415

    console = terminal()
    console.quiet = json

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
        print(found.to_json(), end="")  # noqa: T201 - the command's output
    first = found.first_failure
    if first is None:
        console.print(f"The API {name} keeps the contract, and is ready to be measured.", markup=False)
        return
    console.print(f"Fix {first.name} first: {GUIDE}, “{first.section}”.", markup=False, soft_wrap=True)
    raise typer.Exit(1)
