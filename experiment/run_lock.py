"""One run at a time on a host: a lock that lives exactly as long as the run's SSH connection."""

import time
import uuid
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path

from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from documents.errors import HostError, HostUnreachableError, RunError
from provision import paths
from provision.connection import Completed, Connection

_SCRIPT = Path(__file__).with_name("host") / "hold.py"
LOCK = f"{paths.HOME}/run.lock"
"""The lock file on every host."""

_HELD_BY_ANOTHER = 75

_LONGEST_RUN_SECONDS = 30 * 86_400
_DEADLINE_SECONDS = 15
_ENDING_SECONDS = 3
"""How long a holder may take to end: one that was told to, or one whose controller was killed a moment ago, which sshd
has to notice first."""


@contextmanager
def held(connection: Connection, holder: str, *, lock: str = LOCK) -> Generator[None]:
    """Hold the host while the context is open.

    Args:
        connection: to the host; when it ends, the lock is free. Close it where the lock couldn't be taken: a holder
            that was about to take it ends only then.
        holder: what others are told of who holds it.
        lock: the lock file on the host.

    Raises:
        RunError: another run holds it; names its holder.
        HostError: the lock can't be taken.
    """
    # Two holders of one name, as of a run that is resumed twice at once, must be told apart.
    signature = f"{holder} [{uuid.uuid4().hex[:12]}]"
    # Not a context manager: whatever ends the taking must not wait for a holder that nobody has told to end. What is
    # left of it ends with the connection.
    pool = ThreadPoolExecutor(1, thread_name_prefix="run-lock")
    try:
        # A controller that was killed a moment ago may still be seen to hold it.
        retrying = Retrying(
            retry=retry_if_exception_type(RunError),
            stop=stop_after_delay(_ENDING_SECONDS),
            wait=wait_fixed(0.25),
            reraise=True,
        )
        holding, process_id = retrying(_take, pool, connection, signature, lock)
        try:
            yield
        finally:
            _release(connection, holding, process_id)
    finally:
        pool.shutdown(wait=False)


def _take(
    pool: ThreadPoolExecutor, connection: Connection, signature: str, lock: str
) -> "tuple[Future[Completed], str]":
    """Start the holder on the host and wait until it says that it has the lock; returns it and its process number."""
    holding = pool.submit(
        connection.run,
        ["python3", "-I", "-", lock, signature],
        input=_SCRIPT.read_bytes(),
        deadline_seconds=_LONGEST_RUN_SECONDS,
        check=False,
    )
    ends_at = time.monotonic() + _DEADLINE_SECONDS
    while not holding.done():
        lines = connection.run(["cat", lock], deadline_seconds=_DEADLINE_SECONDS, check=False).stdout.splitlines()
        if len(lines) == 2 and lines[0] == signature:
            return holding, lines[1]
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


def _release(connection: Connection, holding: "Future[Completed]", process_id: str) -> None:
    """End the holder, and wait for its end, so that the next one finds the lock free."""
    try:
        connection.run(["kill", process_id], deadline_seconds=_DEADLINE_SECONDS, check=False)
    except HostUnreachableError:
        # The lock went with the connection.
        return
    wait([holding], timeout=_ENDING_SECONDS)
