"""Build contexts on the controller: the hash that says whether an image is rebuilt, and what a build is sent.

The rules for ignored files are those of Docker's SDK. It is imported at the first call, because it is slow to import
and most users of this room don't need it.
"""

import gzip
import hashlib
import os
from pathlib import Path
from typing import BinaryIO, cast


def hash_build_context(folder: Path) -> str:
    """SHA-256 over the path, mode and bytes of every file that the folder's ignore file lets into the build.

    An image is rebuilt when, and only when, it changes. The rules are Docker's own, by the Docker SDK for Python. Only
    the executable bit of a mode counts: the rest depends on the umask of the clone. A symbolic link counts by its
    target's path, as in the build.
    """
    from docker.utils.build import exclude_paths  # noqa: PLC0415

    digest = hashlib.sha256()
    for name in sorted(exclude_paths(str(folder), _ignored(folder, "Dockerfile"))):
        path = folder / name
        if path.is_symlink():
            kind, content = "link", os.fsencode(path.readlink())
        elif path.is_file():
            kind, content = ("program" if path.stat().st_mode & 0o100 else "file"), path.read_bytes()
        else:
            continue
        digest.update(f"{name}\0{kind}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def archive_build_context(folder: Path, dockerfile: str) -> bytes:
    """The context of a build by the Dockerfile of that name in the folder, as a compressed tar archive.

    The Dockerfile itself is always part of it. It is compressed because buildx 0.13 looks for a tar header in the first
    1,024 octets only, and Python's archives begin with an extended one that may be longer.
    """
    from docker.utils.build import tar  # noqa: PLC0415

    patterns = _ignored(folder, dockerfile)
    with cast("BinaryIO", tar(folder, exclude=patterns, dockerfile=(dockerfile, None))) as made:
        # Docker's SDK would compress as well as it can: 20 s of CPU for three programs of Go.
        return gzip.compress(made.read(), compresslevel=1)


def _ignored(folder: Path, dockerfile: str) -> list[str]:
    """The patterns of the folder's ignore file; with BuildKit a Dockerfile may have its own."""
    for name in (f"{dockerfile}.dockerignore", ".dockerignore"):
        path = folder / name
        if path.is_file():
            lines = path.read_text(encoding="utf-8").splitlines()
            return [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    return []
