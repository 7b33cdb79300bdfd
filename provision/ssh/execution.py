"""Commands on a host: run, streamed, fed, and ended, also by another thread."""

import shlex
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from contextvars import ContextVar, copy_context
from threading import Lock, Timer
from typing import NamedTuple, Protocol, TypeVar

import paramiko

from documents.errors import DeadlineExceededError, HostError, HostUnreachableError, RemoteCommandError

ANSWER_SECONDS = 30
"""How long a host may take for what it can answer at once."""


def open_channel(transport: paramiko.Transport, label: str) -> paramiko.Channel:
    """Open a channel for one command or one subsystem.

    Raises:
        HostError: the host allows no further channel.
        HostUnreachableError: the connection was lost, or the host didn't answer.
    """
    try:
        return transport.open_session(timeout=ANSWER_SECONDS)
    except paramiko.ChannelException as error:
        raise HostError(
            f"{label} opened no further session on this connection ({error.text}): too many commands run at once. "
            "Raise MaxSessions in its sshd_config, as host preparation does."
        ) from error
    except (paramiko.SSHException, OSError, EOFError) as error:
        raise HostUnreachableError(f"The connection to {label} is lost ({error}). Connect again.") from error


@contextmanager
def in_time(channel: paramiko.Channel, label: str, what: str) -> Generator[None]:
    """Close the channel if the block isn't done in time, which ends all waits for it.

    `what` names the request in messages, such as "start `true`".

    Raises:
        HostUnreachableError: the connection was lost, or the host didn't answer.
    """
    timer = Timer(ANSWER_SECONDS, channel.close)
    timer.daemon = True
    timer.start()
    try:
        yield
    except (paramiko.SSHException, OSError, EOFError) as error:
        raise HostUnreachableError(
            f"The connection to {label} was lost as it was asked to {what}, or it didn't answer within "
            f"{ANSWER_SECONDS} s ({str(error) or type(error).__name__}). Check that the host runs, then connect again."
        ) from error
    finally:
        timer.cancel()


class Feed(Protocol):
    """What a command reads as it comes. Its feeder ends the feed once the command has ended."""

    def __iter__(self) -> Iterator[bytes]: ...

    def end(self) -> None:
        """End it; a second time does nothing."""
        ...


class Held:
    """Sends bytes, then holds the input open until `end()`, so that the command notices a lost controller."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._ended = threading.Event()

    def __iter__(self) -> Iterator[bytes]:
        yield self._data
        self._ended.wait()

    def end(self) -> None:
        """End the input; a second time does nothing."""
        self._ended.set()


class Beat(Held):
    """Sends a byte at once and then one every few seconds, until `end()` closes the input.

    Its feeder ends it once the command has ended.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(b"\n")
        self._seconds = seconds

    def __iter__(self) -> Iterator[bytes]:
        while not self._ended.is_set():
            yield self._data
            self._ended.wait(self._seconds)


GRACE_SECONDS = 10
"""How long past the deadline the host has to report that it ended the command."""

SUDO = ("sudo", "--non-interactive", "--")
"""How another user becomes root; sudo fails at once if it would ask for a password."""

KILLED = 128 + 9
"""The exit status of a command that SIGKILL ended."""

_CHUNK_BYTES = 1 << 16
_SHOWN_CHARACTERS = 300


class Completed(NamedTuple):
    """The output of a command that has ended, and its exit status."""

    stdout: str
    stderr: str
    exit_status: int

    @property
    def reason(self) -> str:
        """The last lines that a failed command wrote, on one line; empty if it wrote nothing."""
        return _tail(self.stderr) or _tail(self.stdout)


class Output:
    """The standard output of a command as it comes, usable as a `Feed` for a command on another host.

    At most SSH's window of 2 MiB of it is in memory.
    """

    def __init__(self, channel: paramiko.Channel, stderr: Future[bytes], shown: str, label: str) -> None:
        self._channel = channel
        self._stderr = stderr
        self._shown = shown
        self._label = label
        self._has_ended = False
        self._was_cut = False

    def __iter__(self) -> Iterator[bytes]:
        try:
            while chunk := self._channel.recv(_CHUNK_BYTES):
                yield chunk
        except TimeoutError:
            # The end of the command wasn't reported: `check` raises.
            pass
        self._has_ended = True

    def end(self) -> None:
        """Stop reading, which ends a command that goes on writing; a second time does nothing."""
        if not self._has_ended:
            self._was_cut = True
            self._channel.close()

    def check(self) -> None:
        """Check that an output that was read to its end is complete. One that was ended early isn't checked.

        Raises:
            RemoteCommandError: the command failed.
            HostUnreachableError: the connection was lost before the command's end.
        """
        if self._was_cut:
            return
        if not self._channel.status_event.wait(ANSWER_SECONDS) or self._channel.exit_status == -1:
            raise HostUnreachableError(
                f"The connection to {self._label} was lost during `{self._shown}`. Check that the host runs, then "
                "connect again."
            )
        if self._channel.exit_status:
            raise RemoteCommandError(
                f"`{self._shown}` on {self._label} ended with the status {self._channel.exit_status}: "
                f"{_tail(_text(self._stderr)) or 'it wrote no error.'}"
            )


class Commands(ABC):
    """Commands on a host, over the channels of one SSH connection; `Connection` says how it is opened and closed."""

    def __init__(self, label: str, *, sudo: bool) -> None:
        self._label = label
        self._sudo = sudo

    def __str__(self) -> str:
        return self._label

    @abstractmethod
    def _transport(self) -> paramiko.Transport:
        """The open transport.

        Raises:
            HostUnreachableError: the connection is closed or lost.
        """

    def run(
        self,
        command: str | Sequence[str],
        *,
        deadline_seconds: float,
        input: bytes | str | Feed | None = None,  # noqa: A002 - the name that subprocess.run gives it
        check: bool = True,
    ) -> Completed:
        """Run a command on the host and wait for its end.

        The host itself ends the command's whole process group at the deadline, so nothing is left behind even if
        the connection is lost.

        Args:
            command: a shell command, or an argument list, which no shell interprets. Arguments can be seen by
                every process on the host: secrets go by `input`.
            deadline_seconds: how long the command may take.
            input: what the command reads from its standard input; nothing unless given. A `Feed` goes on until
                either of the two ends.
            check: whether an exit status other than 0 raises.

        Returns:
            Both streams, decoded as UTF-8, and the exit status (128 + n for a command that signal n ended).

        Raises:
            RemoteCommandError: the exit status isn't 0 and `check` is set.
            DeadlineExceededError: the deadline passed; the command has been ended.
            HostUnreachableError: the connection was lost before the command's end.
        """
        label, shown = self._label, _shown(command)
        data = input.encode() if isinstance(input, str) else input
        started = time.monotonic()
        # Reading one stream to its end before the other would deadlock once the other has filled its window of 2 MiB.
        with (
            ThreadPoolExecutor(3, thread_name_prefix="ssh-stream") as pool,
            self._started(command, deadline_seconds) as channel,
        ):
            stdout = pool.submit(_drain, channel.recv)
            stderr = pool.submit(_drain, channel.recv_stderr)
            pool.submit(_feed, channel, data)
            try:
                answered = _wait(channel, (stdout, stderr), started + deadline_seconds + GRACE_SECONDS)
            finally:
                if data is not None and not isinstance(data, bytes):
                    data.end()
            elapsed = time.monotonic() - started
            if not answered and channel.exit_status_ready():
                raise DeadlineExceededError(
                    f"`{shown}` on {label} ended, but a process that it left behind still holds its output after "
                    f"{elapsed:.0f} s. Start such a process as a job."
                )
        status = channel.exit_status
        if not answered or (status == -1 and not channel.get_transport().is_active()):
            raise HostUnreachableError(
                f"The connection to {label} was lost after {elapsed:.1f} s of `{shown}`. The host ends the command by "
                "itself at its deadline. Check that the host runs, then connect again."
            )
        if status in {-1, KILLED} and elapsed >= deadline_seconds:
            raise DeadlineExceededError(
                f"`{shown}` on {label} wasn't done within {deadline_seconds:g} s; it and its process group were ended. "
                f"{_tail(_text(stderr)) or 'It wrote no error.'}"
            )
        completed = Completed(_text(stdout), _text(stderr), status)
        if check and status != 0:
            raise RemoteCommandError(
                f"`{shown}` on {label} ended with the status {status}: {completed.reason or 'it wrote nothing.'}"
            )
        return completed

    @contextmanager
    def stream(self, command: str | Sequence[str], *, deadline_seconds: float) -> Generator[Output]:
        """Run a command on the host and yield its output as it comes, never all of it at once.

        Returns:
            A context manager that yields the output. At its end the command is ended, if it still runs; whether the
            output was whole is checked before that by `Output.check`.

        Raises:
            HostUnreachableError: the connection was lost.
        """
        with (
            ThreadPoolExecutor(1, thread_name_prefix="ssh-stream") as pool,
            self._started(command, deadline_seconds) as channel,
        ):
            pool.submit(_feed, channel, None)
            # The host ends the command before that; later there is no more output.
            channel.settimeout(deadline_seconds + GRACE_SECONDS)
            yield Output(channel, pool.submit(_drain, channel.recv_stderr), _shown(command), self._label)

    @contextmanager
    def _started(self, command: str | Sequence[str], deadline_seconds: float) -> Generator[paramiko.Channel]:
        channel = open_channel(self._transport(), self._label)
        with closing(channel), checkpoint(channel.close):
            with in_time(channel, self._label, f"start `{_shown(command)}`"):
                channel.exec_command(_bounded(command, deadline_seconds, sudo=self._sudo))
            yield channel


def _bounded(command: str | Sequence[str], deadline_seconds: float, *, sudo: bool) -> str:
    """The command under `timeout`, which leads a process group of its own and kills all of it at the deadline.

    The shell around it turns death by a signal into the status 128 + n, which SSH's exit-status message can carry.
    """
    argv = ["sh", "-c", command] if isinstance(command, str) else list(command)
    bounded = shlex.join(
        [*(SUDO if sudo else ()), "env", "LC_ALL=C.UTF-8", "timeout", "--signal=KILL", f"{deadline_seconds:.3f}", *argv]
    )
    return shlex.join(["sh", "-c", f"{bounded}; exit $?"])


def _drain(receive: Callable[[int], bytes]) -> bytes:
    chunks: list[bytes] = []
    while chunk := receive(_CHUNK_BYTES):
        chunks.append(chunk)
    return b"".join(chunks)


def _feed(channel: paramiko.Channel, data: bytes | Feed | None) -> None:
    try:
        for chunk in (data or b"",) if data is None or isinstance(data, bytes) else data:
            # Of one long string, Paramiko would copy all that is left for each packet.
            for start in range(0, len(chunk), _CHUNK_BYTES):
                channel.sendall(chunk[start : start + _CHUNK_BYTES])
        channel.shutdown_write()
    except OSError:
        # The command ended, or closed its input, before it had read all: its exit status shows whether that is fine.
        return


def _wait(channel: paramiko.Channel, streams: tuple[Future[bytes], ...], ends_at: float) -> bool:
    """Wait for the end of both streams and for the exit status; False if the time is up first."""
    if wait(streams, timeout=ends_at - time.monotonic()).not_done:
        return False
    return channel.status_event.wait(max(ends_at - time.monotonic(), 0))


def _text(stream: Future[bytes]) -> str:
    return stream.result().decode(errors="replace")


def _shown(command: str | Sequence[str]) -> str:
    line = " ".join((command if isinstance(command, str) else shlex.join(command)).split())
    return line if len(line) <= _SHOWN_CHARACTERS else f"{line[:_SHOWN_CHARACTERS]}…"


def _tail(text: str) -> str:
    """The last lines of a text, on one line."""
    return " / ".join(text.strip().splitlines()[-5:])[-2 * _SHOWN_CHARACTERS :]


Result = TypeVar("Result")

_current: "ContextVar[CancelScope | None]" = ContextVar("current", default=None)


class CancelScope:
    """Work that another thread can ask to end; its other threads are in it if they run in a copy of its context.

    A request to end must not reach a thread while it talks to a host: an exception between two instructions of
    Paramiko's can leave half a packet sent or a lock taken, and the connection is lost, and nothing can be restored on
    the host. So the work goes on in a scope, as trio has it, and ends at its next checkpoint by `KeyboardInterrupt`,
    which no handler of errors catches. A command on a host is a checkpoint from its beginning to its end, and so is
    each piece of a file that is copied. Code that removes what the work created has a `shield`.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._is_cancelled = False
        self._closings: set[Callable[[], None]] = set()

    def run(self, work: Callable[[], Result]) -> Result:
        """Do the work in this thread.

        Raises:
            KeyboardInterrupt: `cancel` was called, and the work reached a checkpoint.
        """
        context = copy_context()
        context.run(_current.set, self)
        return context.run(work)

    def cancel(self) -> None:
        """End the work at its current or next checkpoint; a second time does nothing."""
        with self._lock:
            self._is_cancelled = True
            closings, self._closings = self._closings, set()
        for close in closings:
            close()

    @contextmanager
    def checkpoint(self, close: Callable[[], None]) -> Generator[None]:
        """See the function of that name."""
        with self._lock:
            self._check()
            self._closings.add(close)
        try:
            yield
        except Exception:
            self._check()
            raise
        finally:
            with self._lock:
                self._closings.discard(close)
        self._check()

    def _check(self) -> None:
        if self._is_cancelled:
            raise KeyboardInterrupt


def checkpoint(close: Callable[[], None] = lambda: None) -> AbstractContextManager[None]:
    """A wait that `CancelScope.cancel` ends by `close`, if this thread is in a scope.

    Returns:
        A context manager. It raises `KeyboardInterrupt` if the scope is cancelled before its end.
    """
    scope = _current.get()
    return nullcontext() if scope is None else scope.checkpoint(close)


@contextmanager
def shield() -> Generator[None]:
    """Code in this context runs to its end even if the work was cancelled. It should be short."""
    token = _current.set(None)
    try:
        yield
    finally:
        _current.reset(token)
