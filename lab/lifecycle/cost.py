"""What a lab at a cloud costs: told and confirmed before anything is made."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from documents.cloud_hosts import Bill
from documents.errors import LabError


@dataclass(frozen=True)
class Cost:
    """What the machines of a bill come to.

    Attributes:
        bill: the machines, with the price of one.
        per_hour: of all of them, in the bill's currency.
        hours: how many begin before the lab expires; a cloud may count one that has begun as a whole one.
        total: what these hours come to.
    """

    bill: Bill
    per_hour: float
    hours: int
    total: float


def cost_until_expiry(bill: Bill, now: datetime) -> Cost:
    """What the machines cost from now until they expire.

    Raises:
        LabError: they have expired.
    """
    if bill.expires <= now:
        raise LabError(
            f"This lab expired at {moment(bill.expires)}: its host's `expires` has passed. Take it down by "
            "`lab down --expired`, or give its document a later moment."
        )
    hours = math.ceil((bill.expires - now) / timedelta(hours=1))
    per_hour = bill.machines * bill.price_per_hour.amount
    return Cost(bill=bill, per_hour=per_hour, hours=hours, total=per_hour * hours)


def cost_lines(stack: str, cost: Cost) -> Iterator[str]:
    """What it costs, in whole sentences."""
    bill, currency = cost.bill, cost.bill.price_per_hour.currency
    machines = "1 machine" if bill.machines == 1 else f"{bill.machines} machines"
    each = "" if bill.machines == 1 else f", {_amount(bill.price_per_hour.amount)} {currency} each"
    yield (
        f"The lab {stack} has {machines} at {bill.kind}, {bill.machine_type} in {bill.place}: "
        f"{_amount(cost.per_hour)} {currency} an hour{each}."
    )
    hours = "1 hour begins" if cost.hours == 1 else f"{cost.hours:,} hours begin"
    yield (
        f"Until it expires, at {moment(bill.expires)}, {hours}: "
        f"{_amount(cost.total)} {currency}. The price is the document's own, and traffic isn't in it."
    )
    yield "It goes on costing until it is taken down by `lab down`, or by `lab down --expired` once it has expired."


def moment(when: datetime) -> str:
    """A moment as a reader writes it: ``2026-12-01 18:00 UTC``."""
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _amount(amount: float) -> str:
    """An amount of money with the digits that it has, two at least and four at most."""
    return re.sub(r"0{1,2}$", "", f"{amount:,.4f}")
