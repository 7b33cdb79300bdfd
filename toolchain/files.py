"""Folders that are filled before they get their name, links to files, and a lock between processes."""

import contextlib
import fcntl
import hashlib
import shutil
from collections.abc import Callable, Generator, Iterable
from pathlib import Path


def fingerprint(parts: Iterable[str | Path]) -> str:
    """Twelve hexadecimal digits of the SHA-256 over texts and the contents of files."""
    digest = hashlib.sha256()
    for part in parts:
        content = part.read_bytes() if isinstance(part, Path) else part.encode()
        digest.update(len(content).to_bytes(8, "big"))
        digest.update(content)
    return digest.hexdigest()[:12]


def make_folder_whole(folder: Path, fill: Callable[[Path], None]) -> Path:
    """Makes a folder under another name, has it filled, and renames it; one that is there is left as it is.

    What a killed process left under the other name is removed first: hold the `lock` of the parent.
    """
    if not folder.is_dir():
        partial = folder.with_name(f".{folder.name}.partial")
        if partial.exists():
            shutil.rmtree(partial)
        partial.mkdir(parents=True)
        try:
            fill(partial)
        except BaseException:
            shutil.rmtree(partial)
            raise
        partial.rename(folder)
    return folder


def place(source: Path, target: Path) -> None:
    """Makes `target` the same file as `source`: a hard link, or a copy where the two are on different disks.

    A symbolic link wouldn't do: the Pulumi engine looks for its language host beside its own resolved path.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.partial")
    partial.unlink(missing_ok=True)
    try:
        partial.hardlink_to(source)
    except OSError:
        shutil.copy2(source, partial)
    partial.replace(target)
    # rename(2) does nothing, not even remove the old name, where both already are the same file.
    partial.unlink(missing_ok=True)


@contextlib.contextmanager
def lock(folder: Path, waiting: Callable[[], None]) -> Generator[None]:
    """Holds a folder's lock, which ends with the process; `waiting` is called once where another holds it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
