"""A host before it is made: its name, its folder, and the keys that somebody confirmed for it."""

from pathlib import Path

from documents.errors import HostKeyError
from documents.files import replace_file
from documents.stack import AnyHost, ExistingHost


def name_place(document: AnyHost | ExistingHost) -> str:
    """The place of a host in one word: where a machine that exists is, or the kind of one that the lab makes."""
    if isinstance(document, ExistingHost):
        return f"{document.address}-{document.port}".replace(":", "-")
    return document.kind


def host_folder(document: AnyHost | ExistingHost, folder: Path) -> Path:
    """Where the controller keeps what it has of a host, beside that of any host whose place it takes.

    Args:
        document: the host.
        folder: the stack's own on the controller.
    """
    return folder / "hosts" / name_place(document)


_FILE_NAME = "confirmed_hosts"


def pinned_key(folder: Path, address: str, port: int) -> str | None:
    """The key that was confirmed for a host, in one line of OpenSSH's format; None where none was.

    Args:
        folder: the stack's own on the controller.
        address: the host's.
        port: its sshd's.

    Raises:
        HostKeyError: the file can't be read.
    """
    path = folder / _FILE_NAME
    try:
        lines = path.read_text(encoding="ascii").splitlines() if path.exists() else []
    except (OSError, UnicodeDecodeError) as error:
        raise HostKeyError(
            f"The confirmed host keys in {path} can't be read: {error}. Remove the file; `lab up` asks again."
        ) from error
    for line in lines:
        name, _, key = line.partition(" ")
        if name == _name(address, port):
            return key
    return None


def pin_key(folder: Path, address: str, port: int, host_public_key: str) -> None:
    """Pin a key that was confirmed; one that was pinned before for the host is forgotten."""
    path = folder / _FILE_NAME
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lines = path.read_text(encoding="ascii").splitlines() if path.exists() else []
    name = _name(address, port)
    kept = [line for line in lines if line.partition(" ")[0] != name]
    # Whoever can write it can have another host pass for this one.
    replace_file(path, "".join(f"{line}\n" for line in (*kept, f"{name} {host_public_key}")), mode=0o600)


def _name(address: str, port: int) -> str:
    return f"[{address}]:{port}"
