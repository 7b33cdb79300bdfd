"""Steps that show they are alive, commands whose output goes to a log, and commands that need root."""

import contextlib
import os
import select
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import BinaryIO

from documents.errors import ToolchainError


def as_root(arguments: Sequence[str | Path], *, purpose: str) -> list[str | Path]:
    """The command to run something as root: unchanged, or through sudo, which may ask for the password here.

    Args:
        arguments: the command.
        purpose: what it is for, as in "install docker.io"; part of the error.

    Raises:
        ToolchainError: this user isn't root, and may not become root.
    """
    if os.geteuid() == 0:
        return list(arguments)
    if shutil.which("sudo"):
        allowed = subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0
        if not allowed and sys.stdin.isatty():
            allowed = subprocess.run(["sudo", "-v"], check=False).returncode == 0
        if allowed:
            return ["sudo", "-n", *arguments]
    raise ToolchainError(
        f"This user may not {purpose}: it is neither root nor allowed to use sudo. Have an administrator "
        f"run: {' '.join(str(argument) for argument in arguments)}"
    )


def signal_group(group: int, number: signal.Signals) -> None:
    """Send a signal to a process group that this process started, also if it runs as root by sudo.

    Args:
        group: the group's number. An ended group is fine.
        number: the signal.
    """
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return
    except PermissionError:
        subprocess.run(["sudo", "-n", "kill", f"-{number.value}", "--", f"-{group}"], capture_output=True, check=False)


_REFRESH_SECONDS = 1.0
_LINE_SECONDS = 15.0
_GRACE_SECONDS = 10.0

_drawing = threading.RLock()
_open: list["Step"] = []
"""The open steps. On a terminal they share its last line."""

_stopping = threading.Event()


class Step:
    """One step of the installation, with its elapsed time."""

    def __init__(self, title: str, log: Path) -> None:
        self._title = title
        self._log = log
        self._started = time.monotonic()
        self._last_line = self._started
        self._terminal = sys.stdout.isatty()
        with _drawing:
            _open.append(self)
            self._write(f"{title} ...")

    def _write(self, text: str) -> None:
        """Write the line of an open step."""
        if self._terminal:
            line = "; ".join(f"{opened._title} ... {opened.elapsed()}" for opened in _open)
            sys.stdout.write(f"\r\x1b[K{line}")
        else:
            sys.stdout.write(text + "\n")
        sys.stdout.flush()

    def elapsed(self) -> str:
        """Since the step began, as ``9 s`` or ``4 min 05 s``."""
        minutes, seconds = divmod(int(time.monotonic() - self._started), 60)
        return f"{minutes} min {seconds:02} s" if minutes else f"{seconds} s"

    def tick(self) -> None:
        """Show the elapsed time: on a terminal every time, in a log sometimes.

        Raises:
            KeyboardInterrupt: another thread ends all steps.
        """
        if _stopping.is_set():
            raise KeyboardInterrupt
        with _drawing:
            if self._terminal or time.monotonic() - self._last_line >= _LINE_SECONDS:
                self._last_line = time.monotonic()
                self._write(f"{self._title} ... {self.elapsed()}")

    def done(self, result: str) -> None:
        """Close the step with its result."""
        with _drawing:
            _open.remove(self)
            sys.stdout.write("\r\x1b[K" if self._terminal else "")
            sys.stdout.write(f"{self._title}: {result} ({self.elapsed()})\n")
            if self._terminal and _open:
                self._write("")
            sys.stdout.flush()

    def broken(self) -> None:
        """Leave the line of a step that failed, so that its error starts on the next."""
        with _drawing:
            _open.remove(self)
            if self._terminal:
                sys.stdout.write("\n")
                sys.stdout.flush()

    def run(
        self,
        arguments: Sequence[str | Path],
        *,
        remedy: str,
        environment: Mapping[str, str] | None = None,
        deadline: float | None = None,
    ) -> None:
        """Run a command to its end, its output appended to the log.

        The command gets its own process group: Ctrl-C reaches only this process, which then ends the command with all
        its children. It stays in the terminal's session, where sudo remembers the password.

        Args:
            arguments: the command.
            remedy: what the user can do when it fails; the end of the error.
            environment: added to this process's own.
            deadline: seconds until it is ended.

        Raises:
            ToolchainError: it isn't there, ended with a status other than 0, or missed its deadline.
        """
        command = [str(argument) for argument in arguments]
        name = Path(command[0]).name
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as log:
            log.write(f"$ {' '.join(command)}\n".encode())
            log.flush()
            try:
                with _started(command, output=log, environment=environment) as process:
                    status = self._wait(process, deadline)
            except FileNotFoundError as error:
                raise ToolchainError(f"{self._title}: the command {name} isn't on this machine. {remedy}") from error
        if status is None:
            raise ToolchainError(
                f"{self._title}: {name} wasn't done within {deadline:.0f} s and was ended. {remedy} "
                f"What it printed is in {self._log}."
            )
        if status != 0:
            raise ToolchainError(
                f"{self._title}: {name} failed with status {status}, last saying {last_line(self._log)!r}. {remedy} "
                f"All that it printed is in {self._log}."
            )

    def _wait(self, process: subprocess.Popen[bytes], deadline: float | None) -> int | None:
        end = None if deadline is None else time.monotonic() + deadline
        # Popen.wait with a timeout polls twenty times a second, which costs too much during a build on a small machine.
        descriptor = os.pidfd_open(process.pid)
        try:
            while not select.select([descriptor], [], [], _REFRESH_SECONDS)[0]:
                if end is not None and time.monotonic() >= end:
                    return None
                self.tick()
        finally:
            os.close(descriptor)
        return process.wait()


@contextlib.contextmanager
def _started(
    command: Sequence[str], *, output: BinaryIO, environment: Mapping[str, str] | None
) -> Generator[subprocess.Popen[bytes]]:
    """Start a command, and end it with its children if the context ends before it does."""

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=os.environ | dict(environment or {}),
            process_group=0,
        )

    # An interrupt reaches the main thread alone. There it would lose a process that has just begun.
    with ThreadPoolExecutor(max_workers=1) as starter:
        starting = starter.submit(start)
        try:
            yield starting.result()
        finally:
            if starting.exception() is None:
                _end_with_children(starting.result())


def _end_with_children(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        signal_group(process.pid, signal.SIGTERM)
        try:
            process.wait(timeout=_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            signal_group(process.pid, signal.SIGKILL)
            process.wait()


@contextlib.contextmanager
def beside(work: Callable[[], None]) -> Generator[None]:
    """Run work in a thread during the context, and wait for its end.

    An error in the context ends the command that the work runs.

    Raises:
        BaseException: what the work raised, or the context's own.
    """
    with ThreadPoolExecutor(max_workers=1) as pool:
        running = pool.submit(work)
        try:
            yield
            running.result()
        except BaseException:
            # The thread's command ends at its next check.
            _stopping.set()
            raise
        finally:
            wait([running])
            _stopping.clear()


@contextlib.contextmanager
def step(title: str, log: Path) -> Generator[Step]:
    """Open a step; close it with `Step.done`."""
    opened = Step(title, log)
    try:
        yield opened
    except BaseException:
        opened.broken()
        raise


def last_line(log: Path) -> str:
    """The last line of a log that isn't empty, or an empty text."""
    lines = log.read_text(errors="replace").splitlines() if log.is_file() else []
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
