"""Inputs of a command on a host that go on until either of the two ends."""

import threading
from collections.abc import Iterator
from typing import Protocol


class Feed(Protocol):
    """What a command reads as it comes. Once the command has ended, whoever feeds it ends the feed."""

    def __iter__(self) -> Iterator[bytes]: ...

    def end(self) -> None:
        """End it; a second time does nothing."""
        ...


class Held:
    """Some bytes, and then nothing until it is ended: the command sees its input end where the controller is gone."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._ended = threading.Event()

    def __iter__(self) -> Iterator[bytes]:
        yield self._data
        self._ended.wait()

    def end(self) -> None:
        """End the input; a second time does nothing."""
        self._ended.set()
