"""What has expired is taken down, by the real engine; what can't be stays on record."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from documents.errors import LabError
from documents.stack.stack import Stack
from lab.lifecycle import Ended, Receipt, take_down, take_down_expired
from lab.lifecycle.engine import Engine
from lab.lifecycle.reconciliation import reconcile
from lab.lifecycle.state import ensure_stack, is_recorded, list_recorded, read_state
from tests.unit.documents.samples import AWS_HOST, EXAMPLES, INVENTORY
from tests.unit.lab.engine_room import STEPS, EngineRoom

[CONTAINER_STACK] = [example for example in EXAMPLES if isinstance(example, Stack)]

END = datetime(2026, 1, 31, 12, tzinfo=UTC)

STUBBORN = """
class Stubborn(Provider):
    def delete(self, _id, _props):
        raise HostError("The cloud says no.")
"""

MACHINE = f"""
class Machine(Resource, module="fairground", name="Machine"):
    def __init__(self, provider, name, after=()):
        super().__init__(provider, name, {{}}, pulumi.ResourceOptions(depends_on=list(after)))


class ReadyHost(Resource, module="fairground", name="ReadyHost"):
    def __init__(self, name, machine):
        inputs = {{"host": {INVENTORY.host.model_copy(update={"kind": "aws"}).to_json()!r}, "host_id": machine.id}}
        super().__init__(Provider(), name, inputs)
"""


def cloud_stack(name: str, expires: datetime = END) -> Stack:
    host = AWS_HOST.model_copy(update={"expires": expires})
    return CONTAINER_STACK.model_copy(update={"name": name, "host": host})


def engines(room: EngineRoom) -> Callable[[str], Engine]:
    return lambda name: replace(room.engine, stack=name)


def ended(
    room: EngineRoom, stacks: list[Stack], now: datetime = END, *, unreadable: tuple[str, ...] = ()
) -> list[Ended]:
    return list(
        take_down_expired(
            stacks,
            list_recorded(room.engine),
            now,
            unreadable=unreadable,
            engine_of=engines(room),
            progress=room.reported.append,
        )
    )


def record_at_cloud(room: EngineRoom, expires: datetime = END) -> None:
    """Have the engine record a machine, and its bill as the component of a cloud has one."""
    ensure_stack(room.engine)
    bill = AWS_HOST.model_copy(update={"expires": expires}).bill(1).model_dump(mode="json")
    component = f"pulumi.ComponentResource('fairground:hosts:AwsHost', 'cloud-host', {{'bill': {bill!r}}})"
    room.write(f"{STEPS}{component}\nStep('machine')\n")
    room.up()


def test_a_lab_is_left_until_its_end_and_then_ends_as_it_is_on_record(room: EngineRoom):
    record_at_cloud(room)
    later = cloud_stack(room.engine.stack, expires=END + timedelta(seconds=1))
    assert ended(room, [later]) == []
    # Without its document, or with one of another host by now, the machine of the last `up` still costs money.
    container = CONTAINER_STACK.model_copy(update={"name": room.engine.stack})
    assert ended(room, [container], END - timedelta(seconds=1)) == []
    assert ended(room, [], unreadable=(room.engine.stack,)) == []
    assert ended(room, []) == [Ended(room.engine.stack, Receipt(made=1, kept=(), left=()), None)]
    assert read_state(room.engine).resources == ()
    assert ended(room, [cloud_stack(room.engine.stack)]) == []


def test_an_expired_lab_that_was_never_up_leaves_no_record(room: EngineRoom):
    assert ended(room, [cloud_stack(room.engine.stack)]) == []
    assert not is_recorded(room.engine)


@pytest.mark.nightly
def test_a_lab_that_can_not_be_taken_down_is_reported_and_does_not_keep_the_next(room: EngineRoom):
    stubborn = replace(room.engine, stack=f"{room.engine.stack}-stubborn")
    ensure_stack(stubborn)
    room.write(f"{STEPS}{STUBBORN}{MACHINE}Machine(Stubborn(), 'machine')\n")
    stubborn.operate("up", "--yes", "--skip-preview", progress=room.reported.append)
    ensure_stack(room.engine)
    room.write(STEPS + "Step('first')\n")
    room.up()
    failed, taken = ended(room, [cloud_stack(stubborn.stack), cloud_stack(room.engine.stack)])
    assert "The cloud says no." in str(failed.failure)
    assert not failed.left_nothing
    assert taken == Ended(room.engine.stack, Receipt(made=1, kept=(), left=()), None)


def test_a_machine_that_may_cost_money_stays_on_record(room: EngineRoom):
    """Where its host can't be reached, and where what is on it can't be destroyed."""
    ensure_stack(room.engine)
    room.write(
        f"{STEPS}{STUBBORN}{MACHINE}"
        "machine = Machine(Provider(), 'machine')\n"
        "ready = ReadyHost('ready', machine)\n"
        "Machine(Stubborn(), 'on-it', after=[ready])\n"
    )
    room.up()
    stack = cloud_stack(room.engine.stack)
    with pytest.raises(LabError, match=r"It stays on record, because it may cost money\. See at its cloud"):
        reconcile(room.engine, stack, read_state(room.engine), killed=False, progress=room.reported.append)
    with pytest.raises(LabError, match=r"The cloud says no\."):
        take_down(room.engine, stack, progress=room.reported.append)
    assert {"machine", "ready", "on-it"} <= room.recorded()


@pytest.mark.parametrize(
    ("one", "nothing"),
    [
        (Ended("x", Receipt(made=1, kept=(), left=()), None), True),
        (Ended("x", Receipt(made=1, kept=("image y",), left=()), None), True),
        (Ended("x", Receipt(made=1, kept=(), left=("container y",)), None), False),
        (Ended("x", None, "The cloud says no."), False),
    ],
)
def test_only_a_receipt_without_anything_left_says_that_nothing_is(one: Ended, nothing: bool):
    assert one.left_nothing is nothing
