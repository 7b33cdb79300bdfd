"""A lab that stands is never moved to another host by an edit of its document."""

import pytest

from documents.errors import LabError
from documents.host import Host, JumpHost
from documents.host_kinds import AnyHost, SshHost
from documents.host_kinds import JumpHost as JumpHostDocument
from documents.stack import Stack
from lab.lifecycle.lifecycle import stand_up
from lab.lifecycle.moved_host import refuse_move
from lab.lifecycle.state import Recorded, State, ensure_stack
from tests.unit.documents.samples import AWS_HOST, EXAMPLES, HETZNER_HOST, INVENTORY
from tests.unit.lab.engine_room import STEPS, EngineRoom

[CONTAINER_STACK] = [example for example in EXAMPLES if isinstance(example, Stack)]

SSH = SshHost(kind="ssh", address="bench.example")
GATE = JumpHostDocument(address="gate.example", port=2200)
HOST = Host(
    kind="ssh",
    address="bench.example",
    port=22,
    user="root",
    private_key_path=None,
    known_hosts_path="/nowhere",
    host_public_key="ssh-ed25519 AAAA",
)
BEHIND = HOST.model_copy(
    update={"jump_host": JumpHost(address="gate.example", port=2200, user="root", host_public_key="ssh-ed25519 AAAA")}
)


def stack(host: AnyHost) -> Stack:
    return CONTAINER_STACK.model_copy(update={"name": "bench", "host": host})


def state(host: Host | None, *, resources: int = 1) -> State:
    recorded = Recorded("pulumi-python:dynamic/fairground:ReadyHost", "ready-host", "id", "urn")
    return State(resources=resources * (recorded,), pending=False, host=host, host_id="id")


@pytest.mark.parametrize(
    ("recorded", "document"),
    [
        (HOST, SSH.model_copy(update={"address": "other.example"})),
        (HOST, SSH.model_copy(update={"port": 2222})),
        (HOST, SSH.model_copy(update={"jump_host": GATE})),
        (BEHIND, SSH),
        (BEHIND, SSH.model_copy(update={"jump_host": GATE.model_copy(update={"port": 22})})),
        (HOST, AWS_HOST),
        (HOST, CONTAINER_STACK.host),
        (HOST.model_copy(update={"kind": "container"}), SSH),
        (HOST.model_copy(update={"kind": "aws"}), HETZNER_HOST),
    ],
)
def test_another_host_than_the_recorded_one_is_refused(recorded: Host, document: AnyHost):
    with pytest.raises(LabError) as refusal:
        refuse_move(stack(document), state(recorded))
    assert str(refusal.value).startswith(
        f"The lab bench stands on root@bench.example:22, of the kind {recorded.kind}, and"
    )
    assert str(refusal.value).endswith("back into stacks/bench.yaml, run `lab down`, and then change it.")


@pytest.mark.parametrize(
    ("recorded", "document"),
    [
        (HOST, SSH),
        (HOST, SSH.model_copy(update={"user": "ada", "cpus": 2, "build_cache": "keep", "private_key": "~/key"})),
        (BEHIND, SSH.model_copy(update={"jump_host": GATE})),
        # A container's port may change, and a cloud gives each machine an address of its own.
        (HOST.model_copy(update={"kind": "container", "port": 22022}), CONTAINER_STACK.host),
        (HOST.model_copy(update={"kind": "aws"}), AWS_HOST),
    ],
)
def test_the_same_host_may_be_described_otherwise(recorded: Host, document: AnyHost):
    refuse_move(stack(document), state(recorded))


@pytest.mark.parametrize("there", [state(None), state(HOST, resources=0)])
def test_a_lab_that_stands_nowhere_may_have_any_host(there: State):
    refuse_move(stack(AWS_HOST), there)


def test_an_up_is_refused_before_anything_is_changed(room: EngineRoom):
    ensure_stack(room.engine)
    host = INVENTORY.host.model_copy(update={"kind": "aws"}).to_json()
    room.write(
        f"{STEPS}class ReadyHost(Resource, module='fairground', name='ReadyHost'):\n"
        "    def __init__(self, **inputs):\n        super().__init__(Provider(), 'ready', inputs)\n\n\n"
        f"ReadyHost(host={host!r}, host_id='x')\n"
    )
    room.up()
    before = room.recorded()
    with pytest.raises(LabError, match=r"of the kind aws, and its document names another host"):
        stand_up(room.engine, stack(SSH), progress=room.told.append)
    assert room.recorded() == before
