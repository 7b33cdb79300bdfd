"""The content of a build context, as one hash: an image is rebuilt when, and only when, its sources change."""

import hashlib
from pathlib import Path

from docker.utils.build import exclude_paths


def hash_build_context(folder: Path) -> str:
    """SHA-256 over the path, mode and bytes of every file that the folder's `.dockerignore` lets into the build.

    The rules are Docker's own, by the Docker SDK for Python. Only the executable bit of a mode counts: the rest
    depends on the umask of the clone.
    """
    ignore = folder / ".dockerignore"
    patterns = ignore.read_text(encoding="utf-8").splitlines() if ignore.exists() else []
    patterns = [line.strip() for line in patterns if line.strip() and not line.startswith("#")]
    digest = hashlib.sha256()
    for name in sorted(exclude_paths(str(folder), patterns)):
        path = folder / name
        if not path.is_file():
            continue
        content = path.read_bytes()
        executable = bool(path.stat().st_mode & 0o100)
        digest.update(f"{name}\0{executable}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()
