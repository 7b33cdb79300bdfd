"""One run at a time on a host: a lock that lives exactly as long as the run's SSH connection.

A network that is cut ends the connection at the controller's side alone: the host's sshd has nothing to send, and would
wait for hours. So the controller keeps signalling the holder of the lock on the host that it is there, and the holder
lets go where it doesn't. A run whose holder has ended loses its connection, so that it can't go on beside another one.
"""

import logging
import threading
import time
import uuid
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager

from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from documents.errors import HostError, RunError
from provision.payload import FOLDER as PAYLOAD
from provision.payload import HOME
from provision.ssh import Beat, Completed, Connection

_logger = logging.getLogger(__name__)

_SCRIPT = PAYLOAD / "hold.py"
LOCK = f"{HOME}/run.lock"
"""The lock file on every host."""

_HELD_BY_ANOTHER = 75

_BEAT_SECONDS = 5.0
"""How often the controller signals the holder that it is there: a packet and a read of one byte."""

_SILENT_SECONDS = 30.0
"""How long it may be silent: as long as the controller waits for a host that doesn't answer, so that by the time it
gives the connection up the lock is free."""

_LONGEST_RUN_SECONDS = 30 * 86_400
_DEADLINE_SECONDS = 15
_ENDING_SECONDS = 3
"""How long a holder may take to end: one that was asked to, or one whose controller was killed a moment ago, which sshd
has to notice first."""


@contextmanager
def held(connection: Connection, holder: str, *, lock: str = LOCK) -> Generator[None]:
    """Hold the host while the context is open.

    Args:
        connection: to the host; when it ends, the lock is free, and when the lock is lost, it is closed.
        holder: the name that others see.
        lock: the lock file on the host.

    Raises:
        RunError: another run holds it; names its holder.
        HostError: the lock can't be taken.
    """
    # Two holders of one name, as of a run that is resumed twice at once, must be distinguished.
    signature = f"{holder} [{uuid.uuid4().hex[:12]}]"
    # Not a context manager: whatever ends the taking must not wait for a holder that has yet to end.
    pool = ThreadPoolExecutor(1, thread_name_prefix="run-lock")
    try:
        # A controller that was killed a moment ago may still be seen to hold it.
        retrying = Retrying(
            retry=retry_if_exception_type(RunError),
            stop=stop_after_delay(_ENDING_SECONDS),
            wait=wait_fixed(0.25),
            reraise=True,
        )
        holding, beat = retrying(_take, pool, connection, signature, lock)
        released = threading.Event()
        holding.add_done_callback(lambda ended: released.is_set() or _give_up(connection, ended))
        try:
            yield
        finally:
            released.set()
            beat.end()
            # So that the next one finds the lock free.
            wait([holding], timeout=_ENDING_SECONDS)
    finally:
        pool.shutdown(wait=False)


def _take(
    pool: ThreadPoolExecutor, connection: Connection, signature: str, lock: str
) -> "tuple[Future[Completed], Beat]":
    """Start the holder on the host and wait until it says that it has the lock; returns it, and what keeps it."""
    beat = Beat(_BEAT_SECONDS)
    holding = pool.submit(
        connection.run,
        ["python3", "-I", "-c", _SCRIPT.read_text(), lock, signature, str(_SILENT_SECONDS)],
        input=beat,
        deadline_seconds=_LONGEST_RUN_SECONDS,
        check=False,
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
                f"The lock of {connection} wasn't taken within {_DEADLINE_SECONDS} s. Is the host very busy?"
            )
        time.sleep(0.02)
    raise _refusal(connection, holding)


def _refusal(connection: Connection, holding: "Future[Completed]") -> RunError | HostError:
    completed = holding.result()
    if completed.exit_status == _HELD_BY_ANOTHER:
        holder = completed.stdout.partition("\n")[0].rpartition(" [")[0]
        return RunError(
            f"Another run holds {connection}: {holder or 'one that has just begun'}. Two runs at once would measure "
            "each other: wait for its end, or end it."
        )
    return HostError(f"The lock of {connection} can't be taken: {completed.stderr.strip()}")


def _give_up(connection: Connection, ended: "Future[Completed]") -> None:
    """Close the connection of a run that has lost the lock."""
    # Where the connection is what was lost, whatever uses it reports that.
    if ended.exception() is None and ended.result().exit_status != -1:
        _logger.warning(
            "The lock of %s was lost: its holder there was ended, or heard nothing from here for %g s. The connection "
            "is closed, for another run may have the host by now.",
            connection,
            _SILENT_SECONDS,
        )
    connection.close()
