"""What a lab at a cloud costs is shown, and confirmed once for each cost, by the record of the real engine."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from cli.up import confirm_cost
from documents.errors import LabError
from documents.stack.hosts import Bill, Price
from documents.stack.stack import Stack
from lab.lifecycle.preflight import cost_lines, cost_until_expiry
from lab.lifecycle.state import ensure_stack, read_state
from tests.unit.documents.samples import AWS_HOST, EXAMPLES, HETZNER_HOST
from tests.unit.lab.engine_room import EngineRoom

[CONTAINER_STACK] = [example for example in EXAMPLES if isinstance(example, Stack)]

NOW = datetime(2026, 1, 30, 12, tzinfo=UTC)
TOMORROW = NOW + timedelta(hours=24)
IN_A_YEAR = datetime.now(UTC).replace(microsecond=0) + timedelta(days=365)


def bill(machines: int = 1, amount: float = 0.41, expires: datetime = TOMORROW) -> Bill:
    return HETZNER_HOST.bill(machines).model_copy(
        update={"price_per_hour": Price(amount=amount, currency="EUR"), "expires": expires}
    )


@pytest.mark.parametrize(
    ("machines", "left", "per_hour", "hours", "total"),
    [
        (1, timedelta(hours=24), 0.41, 24, 9.84),
        (3, timedelta(hours=24), 1.23, 24, 29.52),
        (1, timedelta(hours=24, seconds=1), 0.41, 25, 10.25),
        (2, timedelta(seconds=1), 0.82, 1, 0.82),
    ],
)
def test_every_machine_and_every_begun_hour_counts(
    machines: int, left: timedelta, per_hour: float, hours: int, total: float
):
    cost = cost_until_expiry(bill(machines, expires=NOW + left), NOW)
    assert cost.per_hour == pytest.approx(per_hour)
    assert cost.hours == hours
    assert cost.total == pytest.approx(total)


@pytest.mark.parametrize("past", [timedelta(0), timedelta(seconds=1), timedelta(days=400)])
def test_lab_that_has_expired_is_refused_with_its_moment(past: timedelta):
    with pytest.raises(LabError) as refusal:
        cost_until_expiry(bill(expires=NOW - past), NOW)
    assert str(refusal.value) == (
        f"This lab expired at {NOW - past:%Y-%m-%d %H:%M} UTC: its host's `expires` has passed. Take it down by "
        "`lab down --expired`, or give its document a later moment."
    )


def test_price_per_hour_total_and_end_are_shown():
    first, second, third = cost_lines("mine", cost_until_expiry(bill(), NOW))
    assert first == "The lab mine has 1 machine at hetzner, ccx33 in fsn1: 0.41 EUR an hour."
    assert second == (
        "Until it expires, at 2026-01-31 12:00 UTC, 24 hours begin: 9.84 EUR. The price is the document's own, and "
        "traffic isn't in it."
    )
    assert "`lab down --expired`" in third


def test_price_of_several_machines_is_shown_with_that_of_each():
    first, second, _ = cost_lines("mine", cost_until_expiry(bill(3, 0.0712, NOW + timedelta(days=300)), NOW))
    assert first == "The lab mine has 3 machines at hetzner, ccx33 in fsn1: 0.2136 EUR an hour, 0.0712 EUR each."
    assert "7,200 hours begin: 1,537.92 EUR." in second


# Confirmed once


def cloud_stack(room: EngineRoom, **changes: object) -> Stack:
    """A stack of the room's name at a cloud, which expires in a year."""
    host = AWS_HOST.model_copy(update={"expires": IN_A_YEAR, **changes})
    return CONTAINER_STACK.model_copy(update={"name": room.engine.stack, "host": host})


def record(room: EngineRoom, stated: object) -> None:
    """Have the engine record a component as it records that of a cloud."""
    ensure_stack(room.engine)
    room.write(
        "import json\nimport pulumi\n\n\nclass AwsHost(pulumi.ComponentResource):\n    pass\n\n\n"
        f"AwsHost('fairground:hosts:AwsHost', 'cloud-host', {{'bill': {stated!r}}})\n"
    )
    room.up()


class Asked:
    """Somebody who is asked, and what was shown before."""

    def __init__(self, answer: bool) -> None:
        self.answer = answer
        self.questions: list[str] = []
        self.shown: list[str] = []

    def ask(self, question: str) -> bool:
        self.questions.append(question)
        return self.answer

    def confirm(self, room: EngineRoom, stack: Stack, *, machines: int = 1) -> None:
        confirm_cost(room.engine, stack, machines=machines, accepted=False, ask=self.ask, show=self.shown.append)


def test_new_lab_needs_confirmation_after_its_cost_was_shown(room: EngineRoom):
    asked = Asked(answer=True)
    asked.confirm(room, cloud_stack(room), machines=2)
    assert asked.questions == ["Make it?"]
    assert "1.00 USD an hour, 0.50 USD each" in asked.shown[0]


def test_cost_that_is_declined_ends_it(room: EngineRoom):
    with pytest.raises(LabError, match=r"^The cost wasn't confirmed, so nothing was made or changed\.$"):
        Asked(answer=False).confirm(room, cloud_stack(room))


def test_where_nobody_can_be_asked_the_command_line_has_to_accept_it(room: EngineRoom):
    stack, shown = cloud_stack(room), list[str]()
    with pytest.raises(LabError, match=rf"lab up --stack {stack.name} --accept-cost$"):
        confirm_cost(room.engine, stack, machines=1, accepted=False, ask=None, show=shown.append)
    confirm_cost(room.engine, stack, machines=1, accepted=True, ask=None, show=shown.append)
    assert len(shown) == 6


def test_lab_that_costs_nothing_is_not_asked_about(room: EngineRoom):
    asked = Asked(answer=False)
    asked.confirm(room, CONTAINER_STACK.model_copy(update={"name": room.engine.stack}))
    assert (asked.questions, asked.shown) == ([], [])


def test_cost_on_record_is_not_asked_about_again_and_any_other_is(room: EngineRoom):
    stack = cloud_stack(room)
    record(room, AWS_HOST.model_copy(update={"expires": IN_A_YEAR}).bill(2).model_dump(mode="json"))
    assert read_state(room.engine).bill is not None
    asked = Asked(answer=False)
    asked.confirm(room, stack, machines=2)
    assert (asked.questions, asked.shown) == ([], [])
    changes: dict[str, Callable[[], None]] = {
        "machines": lambda: asked.confirm(room, stack, machines=3),
        "type": lambda: asked.confirm(room, cloud_stack(room, instance_type="c7a.4xlarge"), machines=2),
        "price": lambda: asked.confirm(
            room, cloud_stack(room, price_per_hour=Price(amount=0.6, currency="USD")), machines=2
        ),
        "place": lambda: asked.confirm(room, cloud_stack(room, region="eu-west-1"), machines=2),
        "end": lambda: asked.confirm(room, cloud_stack(room, expires=IN_A_YEAR + timedelta(hours=1)), machines=2),
    }
    for what, confirm in changes.items():
        with pytest.raises(LabError, match="wasn't confirmed"):
            confirm()
        assert len(asked.questions) == list(changes).index(what) + 1, what


@pytest.mark.nightly
def test_bill_of_another_release_counts_as_none(room: EngineRoom):
    record(room, {"kind": "aws", "tomorrow": "another shape"})
    assert read_state(room.engine).bill is None
