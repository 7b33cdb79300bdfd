"""An image is carried from the host that has it, or built; and it is on record for as long as its host is."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from documents.errors import HostError, HostUnreachableError, LabError
from documents.lab.host import Host
from lab.resources import images
from lab.resources.images import (
    _BaseImageProvider,  # pyright: ignore[reportPrivateUsage]
    _BuiltImageProvider,  # pyright: ignore[reportPrivateUsage]
)
from provision.containers import HostDocker
from provision.images import build
from provision.images.build import MadeImage, forget_image, note_image
from provision.system.base_image import BaseImage

NAME = "fairground-api-echo:0123456789ab-5789545b5a99"


class Hosts:
    """Hosts of a stack, their images, and what was done to have them there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.images: dict[str, dict[str, str]] = {}
        self.away: set[str] = set()
        self.done: list[str] = []
        self.waited: list[float] = []

    def host(self, address: str) -> Host:
        return Host(
            kind="ssh",
            address=address,
            port=22,
            user="root",
            private_key_path=None,
            known_hosts_path=str(self.folder / f"ssh-{address}" / "known_hosts"),
            host_public_key=f"ssh-ed25519 {address}",
        )

    @contextmanager
    def connect(self, host: Host, *, deadline_seconds: float = 30) -> Generator[str]:
        self.waited.append(deadline_seconds)
        if host.address in self.away:
            raise HostUnreachableError(f"{host.address} gave no SSH answer.")
        yield host.address

    def carry(self, source: str, target: str, name: str, image_id: str) -> None:
        if self.images.get(source, {}).get(name) != image_id:
            raise HostError(f"{source} no longer has the image {name}.")
        self.images.setdefault(target, {})[name] = image_id
        self.done.append(f"carried from {source} to {target}")

    def carry_from_here(self, container: str, name: str) -> None:
        if name in self.images["here"]:
            self.carry("here", container, name, self.images["here"][name])

    def build(self, connection: str, context: Path, *, name: str, **_: object) -> str:
        self.done.append(f"built on {connection} from {context}")
        self.images.setdefault(connection, {})[name] = f"sha256:of-{connection}"
        return self.images[connection][name]

    def make_base(self, connection: str, _image: str, tag: str) -> BaseImage:
        if tag not in (there := self.images.setdefault(connection, {})):
            self.done.append(f"made on {connection}")
            there[tag] = f"sha256:of-{connection}"
        return BaseImage(there[tag], "pulled")

    def find(self, docker: HostDocker, name: str) -> str | None:
        return self.images.get(str(docker.connection), {}).get(name)


@pytest.fixture
def hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hosts:
    made = Hosts(tmp_path)
    for module in (build, images):
        monkeypatch.setattr(module, "connect", made.connect)
    monkeypatch.setattr(build, "carry_image", made.carry)
    monkeypatch.setattr(images, "build_image", made.build)
    monkeypatch.setattr(images, "find_image", made.find)
    monkeypatch.setattr(images, "make_base_image_on_host", made.make_base)
    monkeypatch.setattr(images, "_carry_into", made.carry_from_here)
    return made


def declared(host: Host, **changes: object) -> dict[str, Any]:
    properties: dict[str, object] = {
        "image": "fairground-api-echo",
        "context": "apis/echo",
        "source": "0123456789abcdef",
        "base": "fairground-test-base:5789545b5a99",
        "base_id": "sha256:base",
        "target": None,
        "stack": "test",
        "host": host.to_json(),
        "host_id": f"the host {host.address}",
    }
    return {**properties, **changes}


def create(host: Host, **changes: object) -> dict[str, Any]:
    created = _BuiltImageProvider().create(declared(host, **changes))
    assert created.id == NAME
    assert created.outs is not None
    return created.outs


def test_an_image_is_built_once_and_carried_to_the_next_host_and_the_one_after(
    hosts: Hosts, capsys: pytest.CaptureFixture[str]
):
    made = [create(hosts.host(address))["image_id"] for address in ("one", "two")]
    # The first host goes, and what is on record of it.
    hosts.away.add("one")
    (hosts.folder / "ssh-one" / "images" / f"{NAME}.json").unlink()
    made.append(create(hosts.host("three"))["image_id"])
    assert made == ["sha256:of-one"] * 3
    assert hosts.done == ["built on one from apis/echo", "carried from one to two", "carried from two to three"]
    assert capsys.readouterr().err.splitlines() == [
        f"The image {NAME} was carried from one to two.",
        f"The image {NAME} was carried from two to three.",
    ]


@pytest.mark.parametrize(
    "change", [{"source": "0123456789ab-another"}, {"base_id": "sha256:another"}, {"target": "slow"}, {"stack": "b"}]
)
def test_an_image_of_that_name_that_is_made_of_something_else_is_built(hosts: Hosts, change: dict[str, object]):
    create(hosts.host("one"))
    create(hosts.host("two"), **change)
    assert hosts.done[1:] == ["built on two from apis/echo"]
    was, will_be = declared(hosts.host("one")), declared(hosts.host("one"), **change)
    assert _BuiltImageProvider().diff(NAME, was, will_be).replaces == list(change)


def test_an_image_is_recreated_only_with_its_host(hosts: Hosts):
    was = declared(hosts.host("one"))
    assert not _BuiltImageProvider().diff(NAME, was, {**was, "host": hosts.host("two").to_json()}).changes
    assert _BuiltImageProvider().diff(NAME, was, {**was, "host_id": "another"}).replaces == ["host_id"]


def test_an_image_on_a_host_that_does_not_answer_soon_is_built_and_said_to_be(
    hosts: Hosts, capsys: pytest.CaptureFixture[str]
):
    create(hosts.host("one"))
    hosts.away.add("one")
    assert create(hosts.host("two"))["image_id"] == "sha256:of-two"
    assert hosts.waited[-1] <= 10
    assert capsys.readouterr().err == f"The image {NAME} is built again on two: one gave no SSH answer.\n"


def test_an_image_that_one_host_lost_comes_from_another(hosts: Hosts):
    create(hosts.host("one"))
    create(hosts.host("two"))
    del hosts.images["one"][NAME]
    create(hosts.host("three"))
    assert hosts.done[2:] == ["carried from two to three"]


def test_an_image_is_never_carried_from_its_own_host(hosts: Hosts):
    create(hosts.host("one"))
    create(hosts.host("one"), host_id="made again")
    assert hosts.done == ["built on one from apis/echo"] * 2


def create_base(host: Host) -> str:
    properties = {"image": "debian:trixie-slim", "tag": "fairground-test-base:1"}
    created = _BaseImageProvider().create({**properties, "host": host.to_json(), "host_id": host.address})
    assert created.outs is not None
    return created.outs["image_id"]


def test_a_base_is_carried_too(hosts: Hosts):
    assert create_base(hosts.host("one")) == create_base(hosts.host("two")) == "sha256:of-one"
    assert hosts.done == ["made on one", "carried from one to two"]


@pytest.mark.parametrize(
    ("controllers", "image_id", "done"),
    [
        ({"fairground-test-base:1": "sha256:here"}, "sha256:here", ["carried from here to one"]),
        ({}, "sha256:of-one", ["made on one"]),
    ],
)
def test_base_of_a_container_is_the_controller_s_or_made_where_that_is_gone(
    hosts: Hosts, controllers: dict[str, str], image_id: str, done: list[str]
):
    hosts.images["here"] = controllers
    assert create_base(hosts.host("one").model_copy(update={"kind": "container"})) == image_id
    assert create_base(hosts.host("one").model_copy(update={"kind": "container"})) == image_id
    assert hosts.done == done


def test_a_refresh_finds_an_image_that_is_gone_or_another(hosts: Hosts):
    made = create(hosts.host("one"))
    provider = _BuiltImageProvider()
    assert provider.read(NAME, made).id == NAME
    hosts.images["one"][NAME] = "sha256:another"
    assert provider.read(NAME, made).id == ""
    del hosts.images["one"][NAME]
    assert provider.read(NAME, made).id == ""


def test_an_image_is_off_the_record_with_its_resource_unless_another_took_its_name(hosts: Hosts):
    host = hosts.host("one")
    old = create(host)
    note_image(MadeImage(host=host, name=NAME, image_id="sha256:newer", recipe="newer"))
    _BuiltImageProvider().delete(NAME, old)
    (record,) = (hosts.folder / "ssh-one" / "images").iterdir()
    assert MadeImage.from_json(record.read_text(), name="").image_id == "sha256:newer"
    forget_image(host, NAME, "sha256:newer")
    assert not record.exists()
    _BuiltImageProvider().delete(NAME, old)


def test_a_record_of_another_release_is_neither_carried_nor_in_the_way(hosts: Hosts):
    made = create(hosts.host("one"))
    (record,) = (hosts.folder / "ssh-one" / "images").iterdir()
    record.write_text('{"image": 1}')
    create(hosts.host("two"))
    assert hosts.done == [f"built on {address} from apis/echo" for address in ("one", "two")]
    _BuiltImageProvider().delete(NAME, made)
    assert not record.exists()


def test_a_build_that_fails_is_reported_in_one_line(hosts: Hosts, monkeypatch: pytest.MonkeyPatch):
    def fail(*_: object, **__: object) -> str:
        raise HostError("echo/Dockerfile can't be built on one: first\n  second\n")

    monkeypatch.setattr(images, "build_image", fail)
    with pytest.raises(LabError, match=r"^echo/Dockerfile can't be built on one: first second$"):
        create(hosts.host("one"))
    assert not (hosts.folder / "ssh-one").exists()
