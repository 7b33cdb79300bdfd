"""Writing a file atomically and durably: the one way in which every room replaces a file.

It is the only module of `documents/` that does I/O, and needs only the standard library.
"""

import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO


@contextmanager
def named_in_errors(path: Path) -> Generator[None]:
    """Add the file's name to an `OSError` of a write, such as to a full disk, which lacks it."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(path)
        raise


@contextmanager
def replacing(path: Path, *, mode: int = 0o666) -> Generator[BinaryIO]:
    """A new file, open for writing, that takes the place of `path` when the context ends without an error.

    Atomic: at every moment, also if this process is killed, the path has all of the new content or what it had before.
    The new file is the hidden neighbour ``.NAME.partial`` until it is renamed. A killed process leaves that, and the
    next call removes it. Durable: after the context, content and name are on the disk, so they outlive a power failure.
    Two processes must not replace one file at the same time.

    Args:
        path: the file, in a folder that exists.
        mode: its mode from the first byte on, less the umask.

    Raises:
        OSError: it can't be written; names the file. What was there before is still there.
    """
    partial = path.with_name(f".{path.name}.partial")
    partial.unlink(missing_ok=True)
    try:
        with named_in_errors(path):
            with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
            sync_folder(path.parent)
    except BaseException:
        with suppress(OSError):
            partial.unlink()
        raise


def replace_file(path: Path, content: str | bytes, *, mode: int = 0o666) -> None:
    """Write a file, in place of the one that is there, if any; atomic and durable as `replacing`. Text is UTF-8.

    Raises:
        OSError: it can't be written; names the file. What was there before is still there.
    """
    with replacing(path, mode=mode) as file:
        file.write(content.encode() if isinstance(content, str) else content)


def sync_folder(folder: Path) -> None:
    """Write a folder's list of files to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_lines(path: Path, beginning: str) -> None:
    """Remove the lines of a text file that begin so, and the file if nothing else is left. A missing file is fine.

    Raises:
        OSError: it can't be read or written.
    """
    if not path.is_file():
        return
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = "".join(line for line in lines if not line.startswith(beginning))
    if kept.strip():
        replace_file(path, kept)
    else:
        path.unlink()
