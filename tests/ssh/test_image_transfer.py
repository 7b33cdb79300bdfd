"""An image carried between two real engines, this machine's and an older one's."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from documents.errors import HostError, RemoteCommandError
from documents.host import Host
from lab.known_hosts import list_known_hosts
from provision import image_transfer
from provision.connection import Connection, connect
from provision.image_transfer import carry_image
from provision.images import find_image
from tests.machines.machine import WITH_OLDER_ENGINE, Machine
from tests.ssh.services import STACK, docker


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    """A connection to a machine with an engine of its own."""
    folder = tmp_path_factory.mktemp("elsewhere")
    with Machine(WITH_OLDER_ENGINE, folder) as machine:
        host = Host(
            kind="ssh",
            address=machine.address,
            port=22,
            user="root",
            private_key_path=str(machine.user_key),
            known_hosts_path=str(folder / "known_hosts"),
            host_public_key=machine.host_public_key,
        )
        Path(host.known_hosts_path).write_text(list_known_hosts(host))
        with connect(host) as connection:
            yield connection


class Image:
    """An image on this machine whose like no other build makes."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.name = f"{STACK}-carried:{secrets.token_hex(4)}"
        (folder / "Dockerfile").write_text("FROM scratch\nCOPY content /\n")
        (folder / "content").write_bytes(secrets.token_bytes(3_000_000))
        docker("build", "--quiet", f"--label=org.fairground.stack={STACK}", f"--tag={self.name}", *options, str(folder))
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
    assert find_image(elsewhere, image.name) is None
    carry_image(connection, elsewhere, image.name, image.id)
    assert find_image(elsewhere, image.name) == image.id
    image.remove()
    carry_image(elsewhere, connection, image.name, image.id)
    assert find_image(connection, image.name) == image.id
    # The layers came, not their names alone.
    made = docker("create", image.name, "/nothing")
    try:
        assert docker("cp", f"{made}:/content", "-")
    finally:
        docker("rm", made)


def test_an_image_that_is_there_already_is_not_sent(
    connection: Connection, elsewhere: Connection, image: Image, monkeypatch: pytest.MonkeyPatch
):
    carry_image(connection, elsewhere, image.name, image.id)
    monkeypatch.setattr(image_transfer, "_SAVE", "exit 3")
    carry_image(connection, elsewhere, image.name, image.id)


def test_an_image_that_was_made_anew_since_is_not_carried(connection: Connection, elsewhere: Connection, image: Image):
    with pytest.raises(HostError, match=f"no longer has the image {image.name} as it was made there"):
        carry_image(connection, elsewhere, image.name, "sha256:another")
    assert find_image(elsewhere, image.name) is None


def test_an_image_for_another_platform_is_not_carried(connection: Connection, elsewhere: Connection, image: Image):
    docker("import", "--platform=linux/s390x", "/dev/null", image.name)
    foreign = docker("image", "inspect", "--format={{.Id}}", image.name)
    with pytest.raises(HostError, match=r"is for linux/s390x, and root@\S+ is linux/"):
        carry_image(connection, elsewhere, image.name, foreign)
    assert find_image(elsewhere, image.name) is None


def test_an_image_that_arrives_in_part_is_an_error(
    connection: Connection, elsewhere: Connection, image: Image, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(image_transfer, "_SAVE", 'docker save -- "$0" | head -c 1000000')
    with pytest.raises(HostError, match="didn't take the image"):
        carry_image(connection, elsewhere, image.name, image.id)
    assert find_image(elsewhere, image.name) is None


def test_an_image_that_can_not_be_saved_is_told_by_the_host_that_has_it(
    connection: Connection, elsewhere: Connection, image: Image, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(image_transfer, "_SAVE", "docker save -- no-such-image | gzip -1")
    with pytest.raises(RemoteCommandError, match="no-such-image"):
        carry_image(connection, elsewhere, image.name, image.id)


def test_an_image_that_arrives_as_another_is_an_error(
    connection: Connection, elsewhere: Connection, image: Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "other").mkdir()
    other = Image(tmp_path / "other")
    try:
        # Another image goes under this one's name, as where an engine reckons its ids in another way.
        monkeypatch.setattr(image_transfer, "_SAVE", f'docker tag {other.name} "$0" && docker save -- "$0" | gzip -1')
        with pytest.raises(HostError, match=rf"has the id {other.id} on root@\S+, and {image.id} on root@"):
            carry_image(connection, elsewhere, image.name, image.id)
    finally:
        other.remove()
