"""What the engine has on record, and whose lock is stale."""

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from documents.errors import LabError
from lab.lifecycle.engine import Engine
from lab.lifecycle.state import State, ensure_stack, is_recorded, read_state, release_stale_lock, require_own_code
from tests.unit.documents.samples import INVENTORY
from tests.unit.lab.engine_room import STEPS, EngineRoom


@contextmanager
def running(program: Path | str, environment: dict[str, str] | None = None) -> "Generator[subprocess.Popen[bytes]]":
    """A program that leads a session of its own and sleeps."""
    with subprocess.Popen([program, "600"], env=environment, start_new_session=True) as process:
        try:
            # The kernel has closed the pipe that Popen waits for before it sets the new environment.
            while not Path(f"/proc/{process.pid}/environ").read_bytes():
                continue
            yield process
        finally:
            process.kill()


def test_record_is_made_once_and_another_selected_stack_stays_selected(room: EngineRoom):
    engine = room.engine
    replace(engine, stack="other").query("stack", "init")
    assert not is_recorded(engine)
    ensure_stack(engine)
    assert is_recorded(engine)
    before = (engine.root / f"Pulumi.{engine.stack}.yaml").read_text()
    ensure_stack(engine)
    assert (engine.root / f"Pulumi.{engine.stack}.yaml").read_text() == before
    selected = subprocess.run(
        ["pulumi", "stack", "--show-name"],
        cwd=engine.root,
        env=dict(engine.environment),
        capture_output=True,
        text=True,
        check=True,
    )
    assert selected.stdout == "other\n"


@pytest.mark.nightly
def test_record_that_was_removed_with_its_passphrase_is_recreated(room: EngineRoom):
    engine = room.engine
    ensure_stack(engine)
    configuration = engine.root / f"Pulumi.{engine.stack}.yaml"
    before = configuration.read_text()
    for kept in ("", "config:\n  fairground:own: value\n"):
        shutil.rmtree(engine.root / "state")
        (engine.root / "state").mkdir()
        (engine.root / "passphrase").write_text(f"another horse {kept}")
        configuration.write_text(before + kept)
        ensure_stack(engine)
        assert is_recorded(engine)
        assert before.strip() not in configuration.read_text()
        assert kept in configuration.read_text()


def test_host_and_reservations_are_known_from_the_record_alone(room: EngineRoom):
    assert read_state(room.engine) == State()
    ensure_stack(room.engine)
    assert read_state(room.engine) == State()
    load = INVENTORY.host.model_copy(update={"address": "load.example"})
    classes = "".join(
        f'class {name}(Resource, module="fairground", name="{name}"):\n    pass\n'
        for name in ("ReadyHost", "ReservedHost")
    )
    ready = f"ReadyHost(Provider(), 'ready', {{'host': {INVENTORY.host.to_json()!r}}})"
    reservations = [
        f"ReservedHost(Provider(), {name!r}, {{'host': {host.to_json()!r}, 'for_load': {for_load}}})"
        for name, host, for_load in (("one", load, True), ("two", INVENTORY.host, False), ("three", load, True))
    ]
    room.write("\n".join([STEPS + classes, ready, *reservations, "Step('first')"]))
    room.up()
    state = read_state(room.engine)
    assert state.host == INVENTORY.host
    assert state.is_ready
    assert {resource.name: resource.kind.rpartition(":")[2] for resource in state.resources} == {
        "ready": "ReadyHost",
        **dict.fromkeys(("one", "two", "three"), "ReservedHost"),
        "first": "Step",
    }
    assert {address: reservation.host for address, reservation in state.reservations.items()} == {
        load.address: load,
        INVENTORY.host.address: INVENTORY.host,
    }
    assert state.reservations[INVENTORY.host.address].urn.endswith("::two")


def recorded_by(module: str, folder: Path) -> Engine:
    """An engine whose record has the lab's credentials, which a class of this module created."""
    words = b"".join(b"\x8c" + bytes([len(word)]) + word for word in (module.encode(), b"_Provider"))
    provider = base64.b64encode(b"\x80\x04" + words + b"\x93)\x81.").decode()
    secret = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}
    credentials = {
        "urn": "urn:pulumi:local::fairground::pulumi-python:dynamic/fairground:Credentials::credentials",
        "type": "pulumi-python:dynamic/fairground:Credentials",
        "custom": True,
        "id": "credentials-1",
        "outputs": {"__provider": {**secret, "plaintext": json.dumps(provider)}},
    }

    class Record(Engine):
        def query(self, *arguments: str) -> str:
            assert arguments == ("stack", "export", "--show-secrets")
            return json.dumps({"deployment": {"resources": [credentials]}})

    record = folder / ".pulumi/stacks/fairground/local.json"
    record.parent.mkdir(parents=True)
    record.touch()
    return Record(root=folder, stack="local", environment={"PULUMI_BACKEND_URL": f"file://{folder}"})


def test_a_lab_of_this_release_can_be_changed(tmp_path: Path):
    engine = recorded_by("lab.resources.access", tmp_path)
    require_own_code(engine, read_state(engine))


@pytest.mark.parametrize("module", ["lab.credentials", "lab.gone.credentials"])
def test_a_lab_of_another_release_is_refused_with_what_to_do(module: str, tmp_path: Path):
    engine = recorded_by(module, tmp_path)
    said = rf"The lab local was stood up by another release .* \({module}\)\. .* check out the commit that stood it up"
    with pytest.raises(LabError, match=said):
        require_own_code(engine, read_state(engine))


def test_no_lock_is_nothing_to_release(room: EngineRoom):
    assert not release_stale_lock(room.engine)


def test_lock_of_an_engine_that_is_gone_is_released(room: EngineRoom):
    with running("/bin/sleep") as process:
        pass
    room.write_lock(process.pid)
    assert release_stale_lock(room.engine)
    assert room.locks == []


def test_lock_of_another_stack_is_left(room: EngineRoom):
    with running("/bin/sleep") as process:
        pass
    room.write_lock(process.pid)
    assert not release_stale_lock(replace(room.engine, stack="other"))
    assert len(room.locks) == 1


def test_program_that_has_the_engine_s_number_by_now_is_not_ended(room: EngineRoom):
    with running("/bin/sleep") as process:
        room.write_lock(process.pid)
        assert release_stale_lock(room.engine)
        assert process.poll() is None


def test_what_the_engine_left_in_its_session_is_ended_and_no_one_else(room: EngineRoom):
    inherited = {"PULUMI_BACKEND_URL": room.engine.environment["PULUMI_BACKEND_URL"]}
    with running("/bin/sleep", inherited) as left, running("/bin/sleep", inherited) as other:
        room.write_lock(left.pid)
        assert release_stale_lock(room.engine)
        assert left.wait(timeout=5) == -9
        assert other.poll() is None


def test_engine_that_lives_keeps_its_lock_and_one_that_nobody_buried_does_not(room: EngineRoom, tmp_path: Path):
    pulumi = tmp_path / "pulumi"
    shutil.copy("/bin/sleep", pulumi)
    with running(pulumi) as process:
        # Its name is its own only once it has become the program.
        while Path(f"/proc/{process.pid}/comm").read_text() != "pulumi\n":
            continue
        room.write_lock(process.pid)
        with pytest.raises(LabError, match=f"is being worked on by pulumi, process {process.pid};"):
            release_stale_lock(room.engine)
        assert len(room.locks) == 1
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert release_stale_lock(room.engine)
