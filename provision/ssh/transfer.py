"""Files to and from a host: whole and checked, or not at all.

Paramiko's own `get` and `put` write directly to their target and compare only the size. Here a file goes to
a temporary name beside its target, the SHA-256 of both sides is compared, and only then is it renamed.
"""

import hashlib
import secrets
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import paramiko

from documents.errors import HostUnreachableError, RemoteCommandError, TransferError
from documents.files import replacing
from provision.ssh.answers import SHA256, matching
from provision.ssh.execution import checkpoint

if TYPE_CHECKING:
    from provision.ssh.connection import Connection

_CHUNK_BYTES = 1 << 15
"""SFTP servers need not accept more in one request. Source: draft-ietf-secsh-filexfer-02, section 3."""

_STALL_SECONDS = 60
_CHECKSUM_DEADLINE_SECONDS = 300


def push(connection: "Connection", source: BinaryIO, remote: str, mode: int) -> None:
    """Copy an open file to `remote`; see `Connection.push`."""
    temporary = f"{remote}.{secrets.token_hex(8)}.part"
    with _session(connection, remote) as sftp:
        try:
            digest = _upload(sftp, source, temporary, mode)
            _compare(
                digest,
                remote_sha256(connection, temporary),
                f"{remote} didn't reach {connection} whole, and nothing was replaced",
            )
            sftp.posix_rename(temporary, remote)
        except BaseException:
            _discard(sftp, temporary)
            raise


def pull(connection: "Connection", remote: str, local: Path) -> str:
    """Copy `remote` to a local file; see `Connection.pull`."""
    expected = remote_sha256(connection, remote)
    with _session(connection, remote) as sftp, replacing(local) as target:
        digest = _download(sftp, remote, target)
        _compare(digest, expected, f"{remote} didn't arrive whole from {connection}, and {local} was not written")
    return digest


def _upload(sftp: paramiko.SFTPClient, source: BinaryIO, temporary: str, mode: int) -> str:
    digest = hashlib.sha256()
    with sftp.open(temporary, "wx") as target:
        # Before the first byte: the server creates the file with its default permissions.
        target.chmod(mode)
        # Writes aren't confirmed one by one; the checksum detects a failed one.
        target.set_pipelined(pipelined=True)
        while chunk := source.read(_CHUNK_BYTES):
            digest.update(chunk)
            with checkpoint():
                target.write(chunk)
    return digest.hexdigest()


def _download(sftp: paramiko.SFTPClient, remote: str, target: BinaryIO) -> str:
    digest = hashlib.sha256()
    with sftp.open(remote, "rb") as source:
        source.prefetch(source.stat().st_size)
        while chunk := source.read(_CHUNK_BYTES):
            digest.update(chunk)
            with checkpoint():
                target.write(chunk)
    return digest.hexdigest()


def _compare(here: str, there: str, failure: str) -> None:
    if here != there:
        raise TransferError(
            f"{failure}: its SHA-256 is {there} on the host and {here} here. Check the free space on the host, and "
            "that nothing else writes to the file; then try again."
        )


def remote_sha256(connection: "Connection", remote: str) -> str:
    """The SHA-256 of a file on the host, in hexadecimal.

    Raises:
        TransferError: there is no such file, or it can't be read.
        HostError: the host answered something else.
    """
    try:
        completed = connection.run(["sha256sum", "--", remote], deadline_seconds=_CHECKSUM_DEADLINE_SECONDS)
    except RemoteCommandError as error:
        raise TransferError(f"{remote} on {connection} can't be read, so it can't be copied: {error}") from error
    # A leading backslash means that the name beside the sum is escaped. Source: sha256sum(1).
    answer = completed.stdout.partition(" ")[0].removeprefix("\\")
    return matching(SHA256, answer, what=f"the SHA-256 of {remote}", where=connection)[0]


@contextmanager
def _session(connection: "Connection", remote: str) -> Generator[paramiko.SFTPClient]:
    """An SFTP session whose failures are raised as the lab's errors."""
    with connection.open_sftp() as sftp:
        channel = sftp.get_channel()
        if channel is not None:
            channel.settimeout(_STALL_SECONDS)
        try:
            yield sftp
        except (paramiko.SSHException, EOFError, OSError) as error:
            if isinstance(error, OSError) and not isinstance(error, TimeoutError) and connection.is_open:
                raise TransferError(
                    f"{remote} couldn't be copied to or from {connection}: {error}. "
                    "Check that the folders exist, the permissions, and the free space on both sides."
                ) from error
            raise HostUnreachableError(
                f"The connection to {connection} was lost while {remote} was copied. Connect again, and repeat it."
            ) from error


def _discard(sftp: paramiko.SFTPClient, temporary: str) -> None:
    """Remove a temporary file on the host. On a lost connection it stays, under a name that nothing else uses."""
    try:
        sftp.remove(temporary)
    except (paramiko.SSHException, EOFError, OSError):
        return
