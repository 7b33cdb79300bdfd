"""What had to stay on a host whose changes were undone, because something else there needs it by now.

A resource's provider has no way to tell of what isn't a failure: it leaves a file in the stack's own folder.
"""

from collections.abc import Sequence
from pathlib import Path

_FILE_NAME = "kept-on-host"


def add_kept(folder: Path, phrases: Sequence[str]) -> None:
    """Note what was kept, a phrase each, beside what was noted before: a lab may have several hosts."""
    if phrases:
        with (folder / _FILE_NAME).open("a", encoding="utf-8") as file:
            file.writelines(f"{phrase}\n" for phrase in phrases)


def take_kept(folder: Path) -> tuple[str, ...]:
    """What was noted, which is forgotten by it."""
    path = folder / _FILE_NAME
    phrases = tuple(path.read_text(encoding="utf-8").splitlines()) if path.exists() else ()
    path.unlink(missing_ok=True)
    return phrases
