"""What the engine has on record: the resources of a stack, operations that never ended, and the lock."""

import json
import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from documents.errors import LabError
from documents.host import Host
from lab.lifecycle.engine import Engine


@dataclass(frozen=True)
class Recorded:
    """One resource on record: its type, its name in the program, and what its provider calls it."""

    kind: str
    name: str
    id: str


@dataclass(frozen=True)
class State:
    """The stack as the engine recorded it."""

    resources: tuple[Recorded, ...]
    pending: bool
    host: Host | None


def read_state(engine: Engine) -> State:
    """Read the record of the stack.

    Raises:
        LabError: the engine can't read it.
    """
    deployment: dict[str, Any] = json.loads(engine.query("stack", "export"))["deployment"]
    resources = [resource for resource in deployment.get("resources", []) if resource.get("custom")]
    host = None
    for resource in resources:
        if resource["type"].endswith(":ReadyHost"):
            host = Host.from_json(resource["inputs"]["host"], name="the recorded host")
    return State(
        resources=tuple(
            Recorded(resource["type"], resource["urn"].rpartition("::")[2], resource.get("id", ""))
            for resource in resources
            if not resource["type"].startswith("pulumi:")
        ),
        pending=bool(deployment.get("pending_operations")),
        host=host,
    )


def release_stale_lock(engine: Engine) -> bool:
    """Remove the lock of an engine that is no more, and end what it left running; whether there was one.

    A killed engine leaves its language host, program and plugins alive. Where it was started by `lab`, they are
    in the session that it led, and only those are ended.

    Raises:
        LabError: the engine that holds the lock is at work.
    """
    released = False
    for path in _lock_files(engine):
        lock = json.loads(path.read_text(encoding="utf-8"))
        process_id = int(lock["pid"])
        if _command_of(process_id) == "pulumi":
            raise LabError(
                f"The stack {engine.stack} is being worked on by pulumi, process {process_id}; "
                "wait for its end, or end it and try again."
            )
        _end_session(process_id)
        path.unlink(missing_ok=True)
        released = True
    return released


def _lock_files(engine: Engine) -> list[Path]:
    """The lock files of pulumi's file backend (pkg/backend/diy/lock.go): one for each holder, JSON with its pid."""
    folder = Path(engine.environment["PULUMI_BACKEND_URL"].removeprefix("file://"))
    return sorted(folder.glob(f".pulumi/locks/**/{engine.stack}/*.json"))


def _command_of(process_id: int) -> str | None:
    try:
        return Path(f"/proc/{process_id}/comm").read_text(encoding="utf-8").strip()
    except (FileNotFoundError, ProcessLookupError):
        return None


def _end_session(leader: int) -> None:
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        process_id = int(entry.name)
        try:
            if os.getsid(process_id) == leader:
                os.kill(process_id, signal.SIGKILL)
        except ProcessLookupError:
            continue
