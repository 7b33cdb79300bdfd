"""What a lab costs: shown, and confirmed before it is made."""

from collections.abc import Callable
from datetime import UTC, datetime

import typer

from documents.cloud_hosts import as_cloud_host
from documents.errors import LabError
from documents.stack import Stack
from lab.lifecycle.cost import cost_lines, cost_until_expiry
from lab.lifecycle.engine import Engine
from lab.lifecycle.state import is_recorded, read_state

ACCEPT_COST = "--accept-cost"


def confirm_cost(
    engine: Engine,
    stack: Stack,
    *,
    machines: int,
    accepted: bool,
    ask: Callable[[str], bool] | None,
    tell: Callable[[str], None] = typer.echo,
) -> None:
    """Have the cost of a lab confirmed, unless it costs nothing or stands on record at just this cost.

    Args:
        engine: the stack's engine, which has the cost on record that was confirmed last.
        stack: the stack document.
        machines: how many machines of the host's type the lab has.
        accepted: whether the command line says that the cost is accepted.
        ask: asks a question and returns whether the answer is yes; None where there is nobody to ask.
        tell: shows a sentence.

    Raises:
        LabError: the lab has expired, or its cost isn't confirmed; nothing is made then.
    """
    host = as_cloud_host(stack.host)
    if host is None:
        return
    bill = host.bill(machines)
    cost = cost_until_expiry(bill, datetime.now(UTC))
    if is_recorded(engine) and read_state(engine).bill == bill:
        return
    for line in cost_lines(stack.name, cost):
        tell(line)
    if accepted:
        return
    if ask is None:
        raise LabError(
            f"The lab {stack.name} costs money, and there is nobody here to confirm it. To accept what it costs, run: "
            f"lab up --stack {stack.name} {ACCEPT_COST}"
        )
    if not ask("Make it?"):
        raise LabError("The cost wasn't confirmed, so nothing was made or changed.")
