"""Files arrive whole and checked, or not at all, in both directions."""

import hashlib
import io
import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import paramiko
import pytest

from documents.errors import HostUnreachableError, TransferError
from provision.ssh import transfer
from provision.ssh.connection import Connection, connect
from tests.ssh.sshd import Sshd

SFTP_SERVER = "/usr/lib/openssh/sftp-server"


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    """A folder that plays the host's side."""
    folder = tmp_path / "remote"
    folder.mkdir()
    return folder


@pytest.fixture
def local(tmp_path: Path) -> Path:
    folder = tmp_path / "local"
    folder.mkdir()
    return folder


@pytest.fixture
def damaging(tmp_path: Path) -> Iterator[Callable[[str], Connection]]:
    """Connections to an sshd whose SFTP server damages what is read."""
    with ExitStack() as stack:

        def make(damage: str) -> Connection:
            folder = tmp_path / f"sshd-{damage}"
            folder.mkdir()
            filter_path = Path(__file__).with_name("damaging_sftp.py")
            server = Sshd(folder, sftp_server=f"{sys.executable} {filter_path} {SFTP_SERVER} {damage}")
            server.start()
            stack.callback(server.stop)
            return stack.enter_context(connect(server.host))

        yield make


@pytest.mark.parametrize("size", [0, 32769, 3_000_000])
def test_a_file_goes_there_and_back(connection: Connection, local: Path, remote: Path, size: int):
    content = os.urandom(size)
    (local / "sent").write_bytes(content)
    connection.push(local / "sent", str(remote / "file"), 0o640)
    assert (remote / "file").read_bytes() == content
    assert stat.S_IMODE((remote / "file").stat().st_mode) == 0o640
    assert connection.pull(str(remote / "file"), local / "received") == hashlib.sha256(content).hexdigest()
    assert (local / "received").read_bytes() == content


def test_pushed_bytes_can_be_read_by_their_owner_only(connection: Connection, remote: Path):
    connection.push_bytes(b"secret", str(remote / "file"))
    assert stat.S_IMODE((remote / "file").stat().st_mode) == 0o600


def test_pushed_bytes_can_be_read_by_nobody_else_while_they_are_on_their_way(connection: Connection, remote: Path):
    modes: list[int] = []

    class Watched(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            modes.extend(stat.S_IMODE(path.stat().st_mode) for path in remote.iterdir())
            return super().read(size)

    transfer.push(connection, Watched(b"secret"), str(remote / "file"), 0o600)
    assert modes == [0o600, 0o600]


def test_a_push_replaces_what_was_there_and_leaves_nothing_beside_it(connection: Connection, remote: Path):
    for content in (b"first", b"second"):
        connection.push_bytes(content, str(remote / "file"))
    assert (remote / "file").read_bytes() == b"second"
    assert names(remote) == ["file"]


def test_names_with_spaces_quotes_and_line_breaks_arrive(connection: Connection, local: Path, remote: Path):
    name = str(remote / "a 'b' \"c\" $d\ne\\f")
    connection.push_bytes(b"content", name)
    connection.pull(name, local / "file")
    assert (local / "file").read_bytes() == b"content"


@pytest.mark.parametrize("damage", ["flip", "truncate"])
def test_a_damaged_pull_is_refused_and_the_target_stays_as_it_was(
    damaging: Callable[[str], Connection], local: Path, remote: Path, damage: str
):
    connection = damaging(damage)
    (remote / "file").write_bytes(b"DAMAGE" + os.urandom(200_000))
    (remote / "sound").write_bytes(os.urandom(200_000))
    connection.pull(str(remote / "sound"), local / "sound")
    with pytest.raises(TransferError, match="didn't arrive whole"):
        connection.pull(str(remote / "file"), local / "new")
    (local / "old").write_text("old")
    with pytest.raises(TransferError, match="didn't arrive whole"):
        connection.pull(str(remote / "file"), local / "old")
    assert (local / "old").read_text() == "old"
    assert names(local) == ["old", "sound"]


def test_a_pull_whose_server_dies_leaves_no_half_file(damaging: Callable[[str], Connection], local: Path, remote: Path):
    (remote / "file").write_bytes(b"DAMAGE" + os.urandom(200_000))
    with pytest.raises(HostUnreachableError, match="was lost while"):
        damaging("hang-up").pull(str(remote / "file"), local / "file")
    assert names(local) == []


def test_a_file_that_grows_while_it_is_pulled_is_refused(
    connection: Connection, local: Path, remote: Path, monkeypatch: pytest.MonkeyPatch
):
    (remote / "file").write_bytes(b"before")
    open_sftp = connection.open_sftp

    def grow_then_open() -> paramiko.SFTPClient:
        with (remote / "file").open("ab") as file:
            file.write(b" and after")
        return open_sftp()

    monkeypatch.setattr(connection, "open_sftp", grow_then_open)
    with pytest.raises(TransferError, match="didn't arrive whole"):
        connection.pull(str(remote / "file"), local / "file")
    assert names(local) == []


def test_a_missing_file_is_reported_by_name(connection: Connection, local: Path, remote: Path):
    with pytest.raises(TransferError, match="nothing-here"):
        connection.pull(str(remote / "nothing-here"), local / "file")
    assert names(local) == []


def test_a_push_into_a_missing_folder_is_reported(connection: Connection, remote: Path):
    with pytest.raises(TransferError, match="Check that the folders exist"):
        connection.push_bytes(b"x", str(remote / "missing" / "file"))


def test_a_push_onto_a_full_disk_leaves_nothing(connection: Connection, tmp_path: Path):
    full = tmp_path / "full"
    full.mkdir()
    connection.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(full)], deadline_seconds=5)
    try:
        connection.push_bytes(b"old", str(full / "file"))
        with pytest.raises(TransferError, match="free space"):
            connection.push_bytes(os.urandom(1_000_000), str(full / "file"))
        assert (full / "file").read_bytes() == b"old"
        assert names(full) == ["file"]
    finally:
        connection.run(["umount", str(full)], deadline_seconds=5)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())
