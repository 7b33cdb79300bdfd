"""`lab logs`: what the containers on the host print."""

from typing import Annotated

import typer

from cli.context import DEFAULT_STACK, JsonOption, StackOption, complete_log, open_engine, print_json, terminal
from documents.errors import LabError


def logs(
    name: Annotated[
        str | None,
        typer.Argument(help="postgres, redis or an API's name; all unless given.", autocompletion=complete_log),
    ] = None,
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, help="How many lines of each.")] = 50,
    stack: StackOption = DEFAULT_STACK,
    json: JsonOption = False,
) -> None:
    """Show the last lines that the services and the APIs wrote."""
    from lab.lifecycle import read_lab
    from provision.containers import control
    from provision.ssh import connect

    inventory, _secrets = read_lab(open_engine(stack))
    known: dict[str, str] = {name: service.container for name, service in inventory.services.items()}
    known |= {api.name: api.container for api in inventory.apis}
    if name is not None and name not in known:
        raise LabError(f"The lab {stack} has no {name}; it has {', '.join(known)}.")
    chosen = known if name is None else {name: known[name]}
    with connect(inventory.host) as connection:
        texts = {key: control.logs(connection, container, lines=lines) for key, container in chosen.items()}
    if json:
        print_json({key: text.splitlines() for key, text in texts.items()})
        return
    console = terminal()
    for key, text in texts.items():
        for line in text.splitlines():
            console.print(f"{key:>10} | {line}", markup=False, soft_wrap=True)
