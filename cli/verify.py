"""`lab verify`: does every API keep the contract? And, with --drift, does the lab run as it is declared?"""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from cli.completion import complete_api, complete_check
from cli.context import DEFAULT_STACK, JsonOption, StackOption, open_engine, print_json, terminal
from cli.drift import show_drift
from cli.progress import under_way
from documents.errors import LabError
from lab.lifecycle.lifecycle import read_lab
from provision.connection import connect

if TYPE_CHECKING:
    from apis.contract.checks import CheckResult


def verify(
    api: Annotated[
        list[str] | None, typer.Argument(help="Names of APIs; all unless given.", autocompletion=complete_api)
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", help="A check or a group of checks, repeatable.", autocompletion=complete_check),
    ] = None,
    drift: Annotated[
        bool, typer.Option("--drift", help="Instead, compare what is declared with what runs on the host.")
    ] = False,
    stack: StackOption = DEFAULT_STACK,
    json: JsonOption = False,
) -> None:
    """Check every route of the APIs, good and bad, through an SSH tunnel; exits with 1 where one breaks the contract.

    The database is put back to its seeded state afterwards. While a run holds the host, nothing is checked: the checks
    would be measured with it.

    --drift checks no API and changes nothing. It compares the document, the containers, their effective CPUs and memory
    limits, the settings of PostgreSQL and Redis, and the seed with what was declared, says what puts each difference
    right, and exits with 1 where there is one. It, too, refuses while a run holds the host, for a run stops APIs and
    sets the kernel on purpose.
    """
    if drift:
        if api or only:
            raise typer.BadParameter("--drift compares the whole lab, so it goes with no API and no --only.")
        show_drift(stack, json=json)
        return
    # Here, for they take their time, and the other subcommands don't need them.
    from apis.contract.checks import all_checks  # noqa: PLC0415
    from experiment.holding import name_holder  # noqa: PLC0415
    from experiment.run_lock import held  # noqa: PLC0415
    from experiment.verification import verify_api  # noqa: PLC0415

    checks = all_checks()
    groups = sorted({check.group for check in checks})
    for name in only or []:
        if name not in {*groups, *(check.name for check in checks)}:
            raise LabError(f"There is no check or group of checks named {name}; the groups: {', '.join(groups)}.")
    inventory, secrets = read_lab(open_engine(stack))
    services = {service.name: service for service in inventory.apis}
    for name in api or []:
        if name not in services:
            raise LabError(f"The lab {stack} has no API {name}; it has {', '.join(services)}.")
    console = terminal()
    console.quiet = json
    results: list[CheckResult] = []
    with (
        connect(inventory.host) as connection,
        held(connection, name_holder("lab verify")),
        under_way(console, "starting") as doing,
    ):
        for name in api or list(services):
            doing.become(f"checking {name}")
            results += verify_api(connection, inventory, secrets, services[name], only)
    failed = [result for result in results if result.outcome != "passed"]
    if json:
        print_json([result.model_dump(mode="json") for result in results])
    else:
        _show(results)
    if failed:
        raise typer.Exit(1)


def _show(results: "list[CheckResult]") -> None:
    console = terminal()
    for result in results:
        if result.outcome != "passed":
            console.print(f"{result.target}: {result.check}: {result.outcome}: {result.detail}", markup=False)
    table = Table("API", "passed", "failed", "skipped", box=None, pad_edge=False)
    for name in dict.fromkeys(result.target for result in results):
        outcomes = [result.outcome for result in results if result.target == name]
        table.add_row(name, *(str(outcomes.count(outcome)) for outcome in ("passed", "failed", "skipped")))
    console.print(table)
