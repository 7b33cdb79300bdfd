"""The content of a build context, as one hash: an image is rebuilt when, and only when, its sources change."""

import hashlib
import os
from pathlib import Path

from docker.utils.build import exclude_paths


def hash_build_context(folder: Path) -> str:
    """SHA-256 over the path, mode and bytes of every file that the folder's `.dockerignore` lets into the build.

    The rules are Docker's own, by the Docker SDK for Python. Only the executable bit of a mode counts: the rest
    depends on the umask of the clone. A symbolic link counts by where it points to, as the build gets it.
    """
    ignore = folder / ".dockerignore"
    patterns = ignore.read_text(encoding="utf-8").splitlines() if ignore.exists() else []
    patterns = [line.strip() for line in patterns if line.strip() and not line.startswith("#")]
    digest = hashlib.sha256()
    for name in sorted(exclude_paths(str(folder), patterns)):
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
