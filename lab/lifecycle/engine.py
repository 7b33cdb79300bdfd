"""Runs the Pulumi engine in its own session.

It turns the engine's events into progress and its errors into sentences. Pulumi's Automation API isn't used: it gives
an engine no session of its own and no deadline, adds the whole environment of this process, and after each operation
runs three commands more, for outputs and history.
"""

import importlib.metadata
import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from documents.errors import LabError

_END_SECONDS = 10.0
_END_POLL_SECONDS = 0.02


def command_of(process_id: int) -> str | None:
    """The name of a process that lives; None for one that has ended, also if it is a zombie.

    Source: proc(5), /proc/PID/stat.
    """
    try:
        stat = Path(f"/proc/{process_id}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    command, _, rest = stat.partition("(")[2].rpartition(") ")
    return None if rest[0] in "ZX" else command


def end_session(leader: int, backend: str) -> None:
    """Kill what is left of an engine's session, and wait until it is gone.

    A process counts if it is in the engine's session and has the backend's address in its environment: another program
    may have the engine's number by now.
    """
    deadline = time.monotonic() + _END_SECONDS
    while left := list(_members(leader, backend)):
        for process_id in left:
            try:
                os.kill(process_id, signal.SIGKILL)
            except ProcessLookupError:
                continue
        if time.monotonic() > deadline:
            return
        time.sleep(_END_POLL_SECONDS)


def _members(leader: int, backend: str) -> Iterator[int]:
    mark = f"PULUMI_BACKEND_URL={backend}".encode()
    for entry in Path("/proc").glob("[0-9]*"):
        process_id = int(entry.name)
        try:
            if os.getsid(process_id) == leader and mark in (entry / "environ").read_bytes().split(b"\0"):
                yield process_id
        except (FileNotFoundError, PermissionError, ProcessLookupError):
            continue


_POLL_SECONDS = 0.1
_QUERY_SECONDS = 120

_VERBS = {
    "create": ("creating", "created"),
    "create-replacement": ("creating", "created"),
    "delete": ("deleting", "deleted"),
    "delete-replaced": ("deleting", "deleted"),
    "refresh": ("reading", "read"),
    "update": ("updating", "updated"),
}
"""How the engine's operations are shown; the others (same, read, replace) do nothing themselves."""


@dataclass(frozen=True)
class ResourceProgress:
    """One operation on one resource: begun if `seconds` is None, else ended after that time."""

    name: str
    kind: str
    doing: str
    done: str
    seconds: float | None


Progress = Callable[[ResourceProgress], None]


@dataclass(frozen=True)
class Engine:
    """The Pulumi engine of one checkout, for one stack.

    Attributes:
        root: the checkout, where the program is.
        stack: the stack's name.
        environment: the whole environment of the engine: its path, home, state and passphrase file.
    """

    root: Path
    stack: str
    environment: Mapping[str, str] = field(repr=False)

    @property
    def stack_folder(self) -> Path:
        """The stack's own folder under `.lab`: SSH files and logs."""
        return self.root / ".lab" / "stacks" / self.stack

    def query(self, *arguments: str) -> str:
        """Run a command that only reads, and return what it prints. It may hold secrets: show it to no one.

        The engine gets a session of its own, and the whole session is ended if the time is up.

        Raises:
            LabError: there is no engine, it doesn't end in time, or it refused; has its own message.
        """
        try:
            process = subprocess.Popen(
                self._command(*arguments),
                cwd=self.root,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
        except FileNotFoundError as error:
            raise LabError("There is no pulumi command; run `make setup`, which installs it.") from error
        with process:
            try:
                output, errors = process.communicate(timeout=_QUERY_SECONDS)
            except BaseException as error:
                end_session(process.pid, self.environment["PULUMI_BACKEND_URL"])
                if isinstance(error, subprocess.TimeoutExpired):
                    raise LabError(
                        f"pulumi {arguments[0]} didn't end within {_QUERY_SECONDS} s and was ended. Check the load on "
                        "the controller (`uptime`), then try again."
                    ) from error
                raise
        if process.returncode:
            raise LabError(f"pulumi {arguments[0]} failed: {_tidy(errors) or 'it gave no reason'}")
        return output

    def operate(self, *arguments: str, progress: Progress) -> None:
        """Run an operation that changes the lab (up, refresh, destroy, cancel) to its end.

        The engine gets a session of its own, so that everything it started can be ended with it. At the first interrupt
        it finishes its present operations and stops; at the second the whole session is killed, and the next `lab up`
        or `lab down` cleans up.

        Raises:
            LabError: the operation failed; one sentence for each cause, and where the full output is.
            KeyboardInterrupt: it was interrupted.
        """
        self.stack_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        log = self.stack_folder / f"{arguments[0]}.log"
        events = self.stack_folder / f"{arguments[0]}.events"
        events.unlink(missing_ok=True)
        events.touch(mode=0o600)
        log.unlink(missing_ok=True)
        log.touch(mode=0o600)
        with log.open("w", encoding="utf-8") as output:
            process = subprocess.Popen(
                self._command(*arguments, "--event-log", str(events)),
                cwd=self.root,
                # Without it the engine hides --event-log; Pulumi's own Automation API sets it too.
                env={**self.environment, "PULUMI_DEBUG_COMMANDS": "true"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            follower = _EventFollower(progress)
            with events.open(encoding="utf-8") as stream:
                try:
                    interrupted = self._await_end(process, lambda: follower.read(stream))
                except BaseException:
                    # The progress can't be shown, as on a closed pipe: end the engine too.
                    process.send_signal(signal.SIGINT)
                    process.wait()
                    raise
                finally:
                    events.unlink(missing_ok=True)
        if interrupted:
            raise KeyboardInterrupt
        if process.returncode < 0:
            raise LabError(
                f"pulumi {arguments[0]} was ended by the signal {signal.Signals(-process.returncode).name}; "
                "the same command continues from there."
            )
        if process.returncode:
            causes = follower.errors or [_tidy(log.read_text(encoding="utf-8")[-2000:])]
            raise LabError(f"{' '.join(causes)} (all that pulumi said: {log.relative_to(self.root)})")

    def _command(self, *arguments: str) -> list[str]:
        return ["pulumi", *arguments, "--stack", self.stack, "--non-interactive", "--color", "never"]

    def _await_end(self, process: "subprocess.Popen[bytes]", tick: Callable[[], None]) -> bool:
        """Wait for the engine's end, calling `tick` regularly; returns whether the user interrupted it."""
        interrupts = 0
        while True:
            try:
                ended = process.poll() is not None
                tick()
                if ended:
                    return interrupts > 0
                time.sleep(_POLL_SECONDS)
            except KeyboardInterrupt:
                interrupts += 1
                if interrupts == 1:
                    process.send_signal(signal.SIGINT)
                else:
                    # Its language host and plugins are in process groups of their own.
                    end_session(process.pid, self.environment["PULUMI_BACKEND_URL"])


class _EventFollower:
    """Reads the engine's event log as it grows.

    The events are those of sdk/go/common/apitype/events.go in pulumi/pulumi.
    """

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._started: dict[str, float] = {}
        self._unfinished = ""
        self.errors: list[str] = []

    def read(self, stream: TextIO) -> None:
        """Process what was appended since the last call."""
        self._unfinished += stream.read()
        *lines, self._unfinished = self._unfinished.split("\n")
        for line in lines:
            if line:
                self._take(json.loads(line))

    def _take(self, event: dict[str, Any]) -> None:
        if before := event.get("resourcePreEvent"):
            self._report(before["metadata"], ended=False)
        elif after := event.get("resOutputsEvent"):
            self._report(after["metadata"], ended=True)
        elif (said := event.get("diagnosticEvent")) and said["severity"] == "error":
            self.errors += _explain(said)

    def _report(self, metadata: dict[str, Any], *, ended: bool) -> None:
        verbs = _VERBS.get(metadata["op"])
        kind = metadata["type"].rpartition(":")[2]
        if verbs is None or not _is_custom(metadata):
            return
        urn, now = metadata["urn"], time.monotonic()
        seconds = now - self._started.pop(urn, now) if ended else None
        if not ended:
            self._started[urn] = now
        self._progress(ResourceProgress(urn.rpartition("::")[2], kind, *verbs, seconds))


def _is_custom(metadata: dict[str, Any]) -> bool:
    """Whether the resource is a real one, not a component or a provider."""
    return not metadata["type"].startswith(("pulumi:", "fairground:"))


_MARKUP = re.compile(r"<\{%.*?%\}>")
# The last of a traceback: those before it are its causes.
_OWN_ERROR = re.compile(r".*^documents\.errors\.\w+: (.*)", re.MULTILINE | re.DOTALL)
_REPETITION = re.compile(
    r"(\w+ urn:\S+ )?1 error occurred"
    r"|an unhandled error occurred: Program exited with non-zero exit code"
    r"|preview failed"
    r"|update failed"
)
"""The beginnings of diagnostics that only repeat that something failed."""
_SOURCE = re.compile(r"sdk-v2/\S+: sdk\.helper_schema: |: provider=\S+@\S+")


def _explain(diagnostic: dict[str, Any]) -> list[str]:
    """The sentence of a diagnostic, with its resource; nothing for one that only repeats that something failed."""
    text = _MARKUP.sub("", diagnostic["message"]).strip()
    if _REPETITION.match(text):
        return []
    if own := _OWN_ERROR.search(text):
        return [own[1].strip()]
    urn = diagnostic.get("urn", "")
    sentence = _tidy(_SOURCE.sub("", text))
    # Without a resource, or with the stack's own, it is an error of the program, which names its cause.
    return [f"{urn.rpartition('::')[2]}: {sentence}" if urn and "::pulumi:pulumi:Stack::" not in urn else sentence]


def _tidy(text: str) -> str:
    """A message on one line, ending in a full stop."""
    line = " ".join(text.removeprefix("error: ").split())
    return line if line.endswith((".", "!", "?")) or not line else f"{line}."


def read_outputs(engine: Engine) -> dict[str, Any]:
    """The stack's outputs, secrets in plain text included.

    Raises:
        LabError: Pulumi refused.
    """
    return json.loads(engine.query("stack", "output", "--json", "--show-secrets"))


def has_plugin(plugin: str, version: str, environment: Mapping[str, str]) -> bool:
    """Whether the engine finds the plugin: in its home by its version, or on the PATH by its name alone."""
    file = f"pulumi-resource-{plugin}"
    installed = Path(environment["PULUMI_HOME"]) / "plugins" / f"resource-{plugin}-v{version}" / file
    return installed.is_file() or shutil.which(file, path=environment.get("PATH")) is not None


def require_docker_plugin(environment: Mapping[str, str]) -> None:
    """Refuse what needs the Docker plugin if it is missing: the engine would look for it at the vendor's.

    Raises:
        LabError: it is missing; says how to install it.
    """
    version = importlib.metadata.version("pulumi-docker")
    if not has_plugin("docker", version, environment):
        raise LabError(
            f"The Pulumi engine has no plugin docker {version}, by which a lab's containers are made and removed. "
            "`make setup` installs it, and `lab doctor` shows where it is expected."
        )
