"""Up and down with the real engines, Pulumi's and Docker's, after all that can go wrong between them."""

import shutil
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from documents.errors import DocumentError, LabError
from documents.lab.inventory import STACK_LABEL
from documents.stack.hosts import ContainerHost
from documents.stack.stack import Api, Stack
from lab.lifecycle import Receipt, read_lab, stand_up, take_down
from lab.lifecycle.state import ensure_stack, is_recorded, read_state
from provision.containers import LOCAL_DOCKER, find_labelled
from tests.docker import docker
from tests.unit.documents.samples import INVENTORY, SECRETS
from tests.unit.lab.engine_room import STEPS, EngineRoom, import_empty_image

EXPORTS = f"""
import json
pulumi.export("inventory", json.loads({INVENTORY.to_json()!r}))
pulumi.export("secrets", pulumi.Output.secret(json.loads({SECRETS.to_json()!r})))
"""


def document(name: str, *, build_cache: str = "discard") -> Stack:
    """A stack whose host wants a port that is free."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    host = ContainerHost.model_validate({"kind": "container", "ssh_port": port, "build_cache": build_cache})
    return Stack(version=1, name=name, host=host, apis=(Api(name="go", source="apis/go", port=18080),))


@pytest.fixture(autouse=True)
def _roomy_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage("/")._replace(free=100 * 1024**3)

    def disk_usage(_path: Path) -> object:
        return usage

    monkeypatch.setattr(shutil, "disk_usage", disk_usage)


@pytest.mark.nightly
def test_lab_that_is_stood_up_is_read_and_taken_down_with_a_receipt(room: EngineRoom):
    engine, stack = room.engine, document(room.engine.stack)
    room.write(STEPS + "Step('first')\nStep('second')\n" + EXPORTS)
    assert stand_up(engine, stack, progress=room.reported.append) == (INVENTORY, SECRETS)
    assert {step.name for step in room.reported} == {"first", "second"}
    assert read_lab(engine) == (INVENTORY, SECRETS)
    assert take_down(engine, stack, progress=room.reported.append) == Receipt(made=2, kept=(), left=())
    assert read_state(engine).resources == ()
    with pytest.raises(LabError, match=rf"^The lab {engine.stack} isn't up; run `lab up`\.$"):
        read_lab(engine)
    assert take_down(engine, stack, progress=room.reported.append) == Receipt(made=0, kept=(), left=())


def test_a_missing_docker_plugin_is_named_before_anything_is_done(room: EngineRoom, tmp_path: Path):
    without = replace(room.engine, environment={**room.engine.environment, "PULUMI_HOME": str(tmp_path)})
    said = r"^The Pulumi engine has no plugin docker [\d.]+, .* `make setup` installs it"
    with pytest.raises(LabError, match=said):
        stand_up(without, document(room.engine.stack), progress=room.reported.append)
    assert not is_recorded(room.engine)


@pytest.mark.nightly
def test_inventory_of_another_release_is_refused_by_the_stack_s_name(room: EngineRoom):
    ensure_stack(room.engine)
    room.write(STEPS + EXPORTS.replace('"version": 1', '"version": 2'))
    room.up()
    with pytest.raises(DocumentError, match=rf"^the inventory of {room.engine.stack} is not a valid .*version:"):
        read_lab(room.engine)


def test_what_a_half_failed_up_left_is_removed_by_its_label(room: EngineRoom, image: str):
    engine = room.engine
    label = f"{STACK_LABEL}={engine.stack}"
    ensure_stack(engine)
    room.write(STEPS + "first = Step('first')\nStep('second', after=[first], fails='It broke.')\n")
    with pytest.raises(LabError, match=r"^It broke\."):
        room.up()
    docker("create", image, "none")
    docker("volume", "create", "--label", label, f"{engine.stack}-volume")
    docker("network", "create", "--label", label, f"{engine.stack}-network")
    receipt = take_down(engine, document(engine.stack), progress=room.reported.append)
    assert receipt == Receipt(made=1, kept=(), left=())
    assert find_labelled(LOCAL_DOCKER, engine.stack) == ()


KEEPER = """
from pathlib import Path

from lab.resources.hosts import add_kept


class Keeper(Provider):
    def delete(self, _id, props):
        add_kept(Path(props["folder"]), [props["phrase"]])


class Host(Resource, module="fairground", name="Host"):
    def __init__(self, **props):
        super().__init__(Keeper(), "host", props)


"""


@pytest.mark.nightly
def test_what_a_host_keeps_is_reported_without_a_readable_document_too(room: EngineRoom):
    engine, phrase = room.engine, "package wrk on the host, which bench needs by now"
    ensure_stack(engine)
    room.write(STEPS + KEEPER + f"Host(folder={str(engine.stack_folder)!r}, phrase={phrase!r})\n")
    room.up()
    assert take_down(engine, None, progress=room.reported.append) == Receipt(made=1, kept=(phrase,), left=())


@pytest.mark.parametrize("readable", [True, False], ids=["declared", "document-unreadable"])
def test_cache_that_the_document_keeps_stays_and_is_reported(room: EngineRoom, image: str, readable: bool):
    engine = room.engine
    docker("volume", "create", "--label", f"{STACK_LABEL}={engine.stack}", f"{engine.stack}-volume")
    docker("create", image, "none")
    stack = document(engine.stack, build_cache="keep") if readable else None
    receipt = take_down(engine, stack, progress=room.reported.append)
    kept = tuple(f"{thing} (build_cache: keep)" for thing in (f"image {image}", f"volume {engine.stack}-volume"))
    assert receipt == Receipt(made=0, kept=kept, left=())
    assert [thing.kind for thing in find_labelled(LOCAL_DOCKER, engine.stack)] == ["image", "volume"]


@pytest.mark.nightly
def test_base_that_was_killed_in_its_making_is_no_cache(room: EngineRoom):
    engine = room.engine
    unfinished = f"fairground-{engine.stack}-base:0123456789ab-rootfs"
    # As the script leaves it where the image was pulled, it has no label.
    import_empty_image("of-no-lab", unfinished)
    receipt = take_down(engine, document(engine.stack, build_cache="keep"), progress=room.reported.append)
    assert (receipt.kept, receipt.left) == ((), ())
    assert docker("images", "--quiet", unfinished) == ""


def test_what_can_not_be_removed_is_reported_with_the_reason_and_the_rest_goes(room: EngineRoom, image: str):
    engine = room.engine
    volume = f"{engine.stack}-volume"
    docker("volume", "create", "--label", f"{STACK_LABEL}={engine.stack}", volume)
    docker("create", image, "none")
    plain = f"fairground-{engine.stack}-unlabelled"
    docker("create", "--name", plain, "--label", f"{STACK_LABEL}=other", "--volume", f"{volume}:/x", image, "none")
    try:
        receipt = take_down(engine, document(engine.stack), progress=room.reported.append)
        assert [left.partition(" (")[0] for left in receipt.left] == [f"image {image}", f"volume {volume}"]
        assert "docker volume rm failed: " in receipt.left[1]
        assert "volume is in use" in receipt.left[1]
    finally:
        docker("rm", plain)


def test_lab_that_never_was_is_an_error_and_leaves_no_record(room: EngineRoom):
    engine = room.engine
    with pytest.raises(LabError, match=rf"^There is no lab {engine.stack}: nothing is on record, and nothing carries"):
        take_down(engine, None, progress=room.reported.append)
    with pytest.raises(LabError, match=rf"^There is no lab {engine.stack}: .*stacks/{engine.stack}\.yaml"):
        read_lab(engine)
    assert not is_recorded(engine)
    assert not list(Path(engine.root).glob("Pulumi.*.yaml"))
