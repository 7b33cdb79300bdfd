"""What had to stay on a host whose changes were undone, because something else there needs it by now.

A resource's provider has no way to tell of what isn't a failure: it leaves a file in the stack's own folder.
"""

from collections.abc import Sequence
from pathlib import Path

_FILE_NAME = "kept-on-host"


def write_kept(folder: Path, phrases: Sequence[str]) -> None:
    """Note what was kept, a phrase each in place of what was noted before."""
    path = folder / _FILE_NAME
    if phrases:
        path.write_text("".join(f"{phrase}\n" for phrase in phrases), encoding="utf-8")
    else:
        path.unlink(missing_ok=True)


def take_kept(folder: Path) -> tuple[str, ...]:
    """What was noted, which is forgotten by it."""
    path = folder / _FILE_NAME
    phrases = tuple(path.read_text(encoding="utf-8").splitlines()) if path.exists() else ()
    path.unlink(missing_ok=True)
    return phrases
