"""One run at a time on a host: a lock that ends with the run's SSH connection.

If the network is cut, only the controller notices: the host's sshd has nothing to send, and would wait for hours. So
the controller sends a signal of life to the holder of the lock on the host, and the holder releases the lock if none
arrives. A run that has lost its holder closes its connection, so that it can't continue beside another run.
"""

import getpass
import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Generator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from functools import partial

from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from documents.errors import HostError, RunError
from experiment.bench.bench import Beside
from provision.payload import HOME, PROGRAMS
from provision.ssh import DEAD_PEER_SECONDS, Beat, Completed, Connection

_logger = logging.getLogger(__name__)

_SCRIPT = PROGRAMS / "hold.py"
LOCK = f"{HOME}/run.lock"
"""The lock file on every host."""

_HELD_BY_ANOTHER = 75

BEAT_SECONDS = 5.0
"""How often the controller sends a signal of life: a packet and a read of one byte."""

SILENT_SECONDS: float = DEAD_PEER_SECONDS
"""How long the holder waits for one: as long as the controller waits for a silent host, so that the lock is free when
the controller gives up the connection."""

_LONGEST_RUN_SECONDS = 30 * 86_400
_DEADLINE_SECONDS = 15
_ENDING_SECONDS = 3
"""How long a holder may take to end, whether it was asked to or its controller was killed, which sshd notices late."""


@contextmanager
def held(connection: Connection, work: str, *, lock: str = LOCK) -> Generator[None]:
    """Hold the host while the context is open.

    Args:
        connection: to the host. When it ends, the lock is free; when the lock is lost, it is closed.
        work: what it is held for. Others see this, the user and the process.
        lock: the lock file on the host.

    Raises:
        RunError: another run holds it; names its holder.
        HostError: the lock can't be taken.
    """
    holder = f"{work} of {getpass.getuser()}@{socket.gethostname()}, process {os.getpid()}"
    # Two locks of one process have the same holder.
    signature = f"{holder} [{uuid.uuid4().hex[:12]}]"
    # The lock of a controller that was just killed may not be free yet.
    retrying = Retrying(
        retry=retry_if_exception_type(RunError),
        stop=stop_after_delay(_ENDING_SECONDS),
        wait=wait_fixed(0.25),
        reraise=True,
    )
    holding, beat = retrying(_take, connection, signature, lock)
    released = threading.Event()
    holding.add_done_callback(lambda ended: released.is_set() or _give_up(connection, ended))
    try:
        yield
    finally:
        released.set()
        beat.end()
        # So that the next one finds the lock free.
        wait([holding], timeout=_ENDING_SECONDS)


def _take(connection: Connection, signature: str, lock: str) -> "tuple[Future[Completed], Beat]":
    """Start the holder on the host and wait until it has the lock; returns it and its signal of life."""
    beat = Beat(BEAT_SECONDS)
    holding = Beside().begin(
        partial(
            connection.run,
            ["python3", "-I", "-c", _SCRIPT.read_text(), lock, signature, str(SILENT_SECONDS)],
            input=beat,
            deadline_seconds=_LONGEST_RUN_SECONDS,
            check=False,
        )
    )
    try:
        _wait_for_lock(connection, holding, signature, lock)
    except BaseException:
        beat.end()
        raise
    return holding, beat


def _wait_for_lock(connection: Connection, holding: "Future[Completed]", signature: str, lock: str) -> None:
    ends_at = time.monotonic() + _DEADLINE_SECONDS
    while not holding.done():
        lines = connection.run(["cat", lock], deadline_seconds=_DEADLINE_SECONDS, check=False).stdout.splitlines()
        if len(lines) == 2 and lines[0] == signature:
            return
        if time.monotonic() > ends_at:
            raise HostError(
                f"The lock of {connection} wasn't taken within {_DEADLINE_SECONDS} s. Wait until the host is less "
                "busy, then run the same command again."
            )
        time.sleep(0.02)
    raise _refusal(connection, holding, lock)


def _refusal(connection: Connection, holding: "Future[Completed]", lock: str) -> RunError | HostError:
    completed = holding.result()
    if completed.exit_status == _HELD_BY_ANOTHER:
        holder = completed.stdout.partition("\n")[0].rpartition(" [")[0]
        return RunError(
            f"Another run holds {connection}: {holder or 'one that has just begun'}. Two runs at once would measure "
            "each other: wait for its end, or end it."
        )
    said = completed.stderr.strip() or "its holder wrote nothing"
    return HostError(
        f"The lock {lock} of {connection} can't be taken: {said}. See that the host has python3 and that the file "
        "can be written."
    )


def _give_up(connection: Connection, ended: "Future[Completed]") -> None:
    """Close the connection of a run that has lost the lock."""
    # If the connection itself was lost, its next use reports that.
    if ended.exception() is None and ended.result().exit_status != -1:
        _logger.warning(
            "The lock of %s was lost: its holder there was ended, or received nothing from here for %g s. The "
            "connection is closed, because another run may hold the host now.",
            connection,
            SILENT_SECONDS,
        )
    connection.close()
