"""Images of two real engines, this machine's and an older one's: carried from one to the other, and built."""

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

from documents.errors import HostError, HostUnreachableError, RemoteCommandError
from documents.lab.host import Host
from provision.containers.control import LOCAL_DOCKER, HostDocker, find_labelled, remove_labelled
from provision.images import build
from provision.images.build import build_image, carry_image, find_image
from provision.ssh.connection import Connection, connect
from provision.system import base_image_tag, make_base_image_here
from tests.docker import docker
from tests.machines.machine import WITH_OLDER_ENGINE, Machine
from tests.ssh.services import BASE, STACK, base
from tests.ssh.waiting import wait_until


class Elsewhere(NamedTuple):
    """A machine with an engine of its own."""

    machine: Machine
    host: Host


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Elsewhere]:
    folder = tmp_path_factory.mktemp("elsewhere")
    with Machine(WITH_OLDER_ENGINE, folder) as machine:
        machine.put_engine_to_work()
        yield Elsewhere(machine, machine.host(folder))


@pytest.fixture
def elsewhere(other: Elsewhere) -> Iterator[Connection]:
    with connect(other.host) as connection:
        yield connection


class Image:
    """An image on this machine whose like no other build makes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = f"{STACK}-carried:{secrets.token_hex(4)}"
        (folder / "Dockerfile").write_text("FROM scratch\nCOPY content /\n")
        (folder / "content").write_bytes(secrets.token_bytes(3_000_000))
        docker("build", "--quiet", f"--label=org.fairground.stack={STACK}", f"--tag={self.name}", str(folder))
        self.id = docker("image", "inspect", "--format={{.Id}}", self.name)

    def remove(self) -> None:
        docker("image", "rm", "--force", self.name)


@pytest.fixture
def image(tmp_path: Path) -> Iterator[Image]:
    (tmp_path / "context").mkdir()
    made = Image(tmp_path / "context")
    yield made
    made.remove()


def test_an_image_has_one_id_on_both_hosts_there_and_back(connection: Connection, elsewhere: Connection, image: Image):
    assert find_image(HostDocker(elsewhere), image.name) is None
    carry_image(connection, elsewhere, image.name, image.id)
    assert find_image(HostDocker(elsewhere), image.name) == image.id
    image.remove()
    carry_image(elsewhere, connection, image.name, image.id)
    assert find_image(HostDocker(connection), image.name) == image.id
    # The layers came, not their names alone.
    made = docker("create", image.name, "/nothing")
    try:
        docker("cp", f"{made}:/content", str(image.folder / "copied"))
    finally:
        docker("rm", made)
    assert (image.folder / "copied").read_bytes() == (image.folder / "content").read_bytes()


def test_an_image_that_is_there_already_is_not_sent(
    connection: Connection, elsewhere: Connection, image: Image, monkeypatch: pytest.MonkeyPatch
):
    carry_image(connection, elsewhere, image.name, image.id)
    monkeypatch.setattr(build, "_SAVE", "exit 3")
    carry_image(connection, elsewhere, image.name, image.id)


def test_an_image_that_was_rebuilt_since_is_not_carried(connection: Connection, elsewhere: Connection, image: Image):
    with pytest.raises(HostError, match=f"no longer has the image {image.name} as it was made there"):
        carry_image(connection, elsewhere, image.name, "sha256:another")
    assert find_image(HostDocker(elsewhere), image.name) is None


def test_an_image_for_another_platform_is_not_carried(connection: Connection, elsewhere: Connection, other: Elsewhere):
    name = f"{STACK}-foreign:{secrets.token_hex(4)}"
    other.machine.shell(
        "mkdir -p /srv/foreign && printf 'FROM scratch\nCOPY Dockerfile /\n' >/srv/foreign/Dockerfile\n"
        f"DOCKER_BUILDKIT=1 docker build --quiet --platform=linux/s390x --tag {name} /srv/foreign"
    )
    foreign = find_image(HostDocker(elsewhere), name)
    assert foreign is not None
    with pytest.raises(HostError, match=rf"The image {name} on root@\S+ is for linux/s390x, and root@\S+ is linux/"):
        carry_image(elsewhere, connection, name, foreign)
    assert find_image(HostDocker(connection), name) is None


def test_an_image_that_arrives_in_part_is_an_error(
    connection: Connection, elsewhere: Connection, image: Image, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(build, "_SAVE", '(docker save -- "$0" || :) | head -c 1000000')
    with pytest.raises(HostError, match="didn't take the image"):
        carry_image(connection, elsewhere, image.name, image.id)
    assert find_image(HostDocker(elsewhere), image.name) is None


def test_an_image_that_can_not_be_saved_is_reported_by_its_host(
    connection: Connection, elsewhere: Connection, image: Image, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(build, "_SAVE", "docker save -- no-such-image | gzip -1")
    with pytest.raises(RemoteCommandError, match="no-such-image"):
        carry_image(connection, elsewhere, image.name, image.id)


def test_an_image_that_arrives_as_another_is_an_error(
    connection: Connection, elsewhere: Connection, image: Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "other").mkdir()
    other = Image(tmp_path / "other")
    try:
        # Another image goes under this one's name, as where an engine reckons its ids in another way.
        monkeypatch.setattr(build, "_SAVE", f'docker tag {other.name} "$0" && docker save -- "$0" | gzip -1')
        with pytest.raises(HostError, match=rf"has the id {other.id} on root@\S+, and {image.id} on root@"):
            carry_image(connection, elsewhere, image.name, image.id)
    finally:
        other.remove()


def test_an_image_is_built_from_its_base_to_its_target(elsewhere: Connection, tmp_path: Path):
    (tmp_path / "Dockerfile").write_text(
        "ARG BASE\nFROM ${BASE} AS wanted\nCOPY content /\nFROM wanted\nENV LATER=yes\n"
    )
    (tmp_path / "content").write_text(secrets.token_hex(8))
    image_id = build_image(
        elsewhere, tmp_path, name="built:1", base="own:1", target="wanted", labels={"org.fairground.stack": "built"}
    )
    assert find_image(HostDocker(elsewhere), "built:1") == image_id
    told = "{{json .Config.Labels}} {{json .Config.Env}} {{len .RootFS.Layers}}"
    shown = elsewhere.run(["docker", "image", "inspect", "--format", told, image_id], deadline_seconds=30).stdout
    assert '"org.fairground.stack":"built"' in shown
    assert "LATER" not in shown
    assert shown.split()[-1] == "2"
    build_image(elsewhere, tmp_path, name="built:1", base="own:1", target=None, labels={})
    shown = elsewhere.run(["docker", "image", "inspect", "--format", told, "built:1"], deadline_seconds=30).stdout
    assert "LATER=yes" in shown


def test_a_build_that_fails_says_what_its_step_wrote(elsewhere: Connection, tmp_path: Path):
    (tmp_path / "Dockerfile").write_text('ARG BASE\nFROM ${BASE}\nRUN ["/usr/bin/sleep", "a while"]\n')
    with pytest.raises(HostError, match=r"/Dockerfile can't be built on root@(?s:.)*invalid time interval .a while."):
        build_image(elsewhere, tmp_path, name="built:2", base="own:1", target=None, labels={})
    assert find_image(HostDocker(elsewhere), "built:2") is None


def test_a_build_ends_with_whoever_wanted_it(other: Elsewhere, tmp_path: Path):
    (tmp_path / "Dockerfile").write_text('ARG BASE\nFROM ${BASE}\nRUN ["/usr/bin/sleep", "271"]\n')

    def is_at_work() -> bool:
        return "--tag=built:3" in other.machine.run("ps", "-eo", "args=")

    def leave(connection: Connection) -> None:
        wait_until(lambda: "/usr/bin/sleep 271" in other.machine.run("ps", "-eo", "args=").splitlines(), 60)
        assert is_at_work()
        connection.close()

    connection = connect(other.host)
    with ThreadPoolExecutor(1) as pool:
        leaving = pool.submit(leave, connection)
        with pytest.raises(HostUnreachableError):
            build_image(connection, tmp_path, name="built:3", base="own:1", target=None, labels={})
        leaving.result()
    wait_until(lambda: not is_at_work(), 60)


def test_labs_share_a_base_until_the_last_of_them_is_gone():
    first, another = base(), f"{STACK}-{secrets.token_hex(4)}"
    name = base_image_tag(BASE, another)
    assert make_base_image_here(BASE, name).id == first
    [found] = find_labelled(LOCAL_DOCKER, another)
    assert (found.id, found.name) == (first, name)
    remove_labelled(LOCAL_DOCKER, found)
    assert find_labelled(LOCAL_DOCKER, another) == ()
    assert find_image(LOCAL_DOCKER, base_image_tag(BASE, STACK)) == first
