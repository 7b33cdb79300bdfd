"""`lab verify`: check the contract, or with `--drift` compare the declared lab with the running one."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.context import (
    DEFAULT_STACK,
    ROOT,
    JsonOption,
    StackOption,
    complete_api,
    complete_check,
    open_engine,
    print_document,
    print_json,
    terminal,
)
from cli.progress import under_way
from documents.errors import LabError

if TYPE_CHECKING:
    from rich.text import Text

    from apis.contract.checks import CheckResult
    from documents.lab import Drift


def show_drift(stack: str, *, json: bool) -> None:
    """Compare, show all differences, and exit with 1 if there are any."""
    from experiment.bench import held
    from lab.cores import read_topology
    from lab.lifecycle import read_drift, read_lab
    from lab.stack_file import read_stack

    engine = open_engine(stack)
    inventory, secrets = read_lab(engine)
    # A fault in the document is reported with its line.
    read_stack(ROOT, stack, read_topology())
    console = terminal(quiet=json)
    with under_way(console, "comparing"):
        drift = read_drift(
            engine,
            inventory,
            secrets,
            hold=lambda connection: held(connection, "lab verify --drift"),
        )
    if json:
        print_document(drift)
    else:
        _show_drift(drift)
    if drift.differences:
        raise typer.Exit(1)


def _show_drift(drift: "Drift") -> None:
    from rich.table import Table
    from rich.text import Text

    console = terminal()
    table = Table("what", "compared", "differs", "declared", "runs", box=None, pad_edge=False)
    messages: list[str] = []
    for subject, count in drift.compared.items():
        found = [one for one in drift.differences if one.subject == subject]
        messages += [one.message for one in found]
        if not found:
            table.add_row(Text(subject), str(count), "nothing", "", "")
        for number, one in enumerate(found):
            first = (Text(subject), str(count)) if number == 0 else ("", "")
            table.add_row(*first, Text(one.what), _value(one.declared), _value(one.effective))
    console.print(table)
    for message in messages:
        console.print(message, markup=False, soft_wrap=True)
    if not drift.differences:
        console.print(f"The lab {drift.stack} runs as it is declared.")


def _value(value: str | None) -> "Text":
    from rich.text import Text

    return Text("\N{EN DASH}" if value is None else value)


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
    """Check that the APIs keep the contract, or with --drift that the lab is as declared.

    The database is reset to its seed afterwards. While a run holds the host, nothing is checked, because the checks
    would disturb the measurement.

    --drift checks no API and changes nothing. It compares the document, the containers, their effective CPUs and memory
    limits, the settings of PostgreSQL and Redis, and the seed with the declared lab, names a remedy for each
    difference, and exits with 1 if there is any. It also refuses while a run holds the host, because a run stops APIs
    and sets the kernel on purpose.
    """
    if drift:
        if api or only:
            raise typer.BadParameter("--drift compares the whole lab. Leave out the API names and --only.")
        show_drift(stack, json=json)
        return
    from apis.contract.checks import all_checks
    from experiment.bench import held, verify_api
    from lab.lifecycle import read_lab
    from provision.ssh import connect

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
    console = terminal(quiet=json)
    results: list[CheckResult] = []
    with (
        connect(inventory.host) as connection,
        held(connection, "lab verify"),
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
    from rich.table import Table

    console = terminal()
    for result in results:
        for detail in result.earlier:
            console.print(f"{result.target}: {result.check}: failed, and tried again: {detail}", markup=False)
        if result.outcome != "passed":
            console.print(f"{result.target}: {result.check}: {result.outcome}: {result.detail}", markup=False)
    table = Table("API", "passed", "failed", "skipped", box=None, pad_edge=False)
    for name in dict.fromkeys(result.target for result in results):
        outcomes = [result.outcome for result in results if result.target == name]
        table.add_row(name, *(str(outcomes.count(outcome)) for outcome in ("passed", "failed", "skipped")))
    console.print(table)
