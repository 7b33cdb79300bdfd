"""The contents of files, each directly in the upload directory under a random name."""

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Content:
    """A content that was written: its name in the directory, its size in octets and its SHA-256."""

    name: str
    size: int
    sha256: str


class Storage:
    """The directory. What touches the disk is done by a thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def write(self, pieces: AsyncIterator[bytes]) -> Content:
        """Write a content. Whatever ends this early, nothing of it is left."""
        name = secrets.token_hex(16)
        digest, size = hashlib.sha256(), 0
        try:
            with await asyncio.to_thread((self._folder / name).open, "xb") as file:
                async for piece in pieces:
                    digest.update(piece)
                    size += len(piece)
                    await asyncio.to_thread(file.write, piece)
        except BaseException:
            self.remove(name)
            raise
        return Content(name, size, digest.hexdigest())

    async def read(self, name: str) -> bytes:
        """A content.

        Raises:
            OSError: it isn't there.
        """
        return await asyncio.to_thread((self._folder / name).read_bytes)

    def remove(self, name: str) -> None:
        """Remove a content, if it is there."""
        with suppress(FileNotFoundError):
            (self._folder / name).unlink()
