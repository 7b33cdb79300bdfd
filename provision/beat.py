"""An input that tells a command on a host, all the time, that the controller is still there."""

import threading
from collections.abc import Iterator


class Beat:
    """A byte at once and another one every so many seconds, until it is ended; then the input's end.

    Once its command has ended, whoever feeds it ends it.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._ended = threading.Event()

    def __iter__(self) -> Iterator[bytes]:
        while not self._ended.is_set():
            yield b"\n"
            self._ended.wait(self._seconds)

    def end(self) -> None:
        """End the input; a second time does nothing."""
        self._ended.set()
