"""A checkout of its own for a test, with the installed engine, a state, and programs that the test writes."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from documents.lab.inventory import STACK_LABEL
from lab.lifecycle.engine import Engine, ResourceProgress
from tests.docker import docker

STEPS = '''
"""Declares steps: each takes its time, may wait for another, and may fail or run a command as it is made."""
import subprocess
import time

import pulumi
from pulumi.dynamic import CreateResult, Resource, ResourceProvider

from documents.errors import HostError, LabError


class Provider(ResourceProvider):
    def create(self, props):
        if props.get("command"):
            subprocess.run(props["command"], check=True, capture_output=True)
        time.sleep(props.get("seconds") or 0)
        if props.get("fails"):
            try:
                raise HostError("The cause.")
            except HostError as error:
                raise LabError(props["fails"]) from error
        return CreateResult(id_="made", outs=props)


class Step(Resource, module="fairground", name="Step"):
    def __init__(self, name, after=(), **props):
        super().__init__(Provider(), name, props, pulumi.ResourceOptions(depends_on=list(after)))


'''


@dataclass(frozen=True)
class EngineRoom:
    """An engine in a checkout of its own, and the progress that it reported."""

    engine: Engine
    reported: list[ResourceProgress] = field(default_factory=list[ResourceProgress])

    def write(self, program: str) -> None:
        (self.engine.root / "__main__.py").write_text(program)

    def up(self) -> list[ResourceProgress]:
        """Run `up` and return what it reported."""
        return self.operate("up", "--yes", "--skip-preview")

    def operate(self, *arguments: str) -> list[ResourceProgress]:
        self.reported.clear()
        self.engine.operate(*arguments, progress=self.reported.append)
        return list(self.reported)

    @property
    def locks(self) -> list[Path]:
        return sorted((self.engine.root / "state").rglob("locks/**/*.json"))

    def write_lock(self, process_id: int) -> None:
        """Leave the lock that an engine of that number would have left."""
        path = self.engine.root / "state/.pulumi/locks/organization/fairground" / self.engine.stack / "lock.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"pid": process_id, "username": "test", "hostname": "test"}))

    def processes(self) -> set[int]:
        """The processes that belong to this checkout's engine: its state is in their environment."""
        mark = f"PULUMI_BACKEND_URL={self.engine.environment['PULUMI_BACKEND_URL']}".encode()
        found: set[int] = set()
        for path in Path("/proc").glob("[0-9]*/environ"):
            try:
                if mark in path.read_bytes().split(b"\0"):
                    found.add(int(path.parent.name))
            except (FileNotFoundError, PermissionError, ProcessLookupError):
                continue
        return found

    def recorded(self) -> set[str]:
        """The names of the resources on record."""
        text = self.engine.query("stack", "export")
        return {item["urn"].rpartition("::")[2] for item in json.loads(text)["deployment"].get("resources", [])}


def import_empty_image(stack: str, *name: str) -> str:
    """Make an image of an empty tar with the stack's label, named if a name is given; returns its id."""
    return docker("import", "--change", f"LABEL {STACK_LABEL}={stack}", "-", *name, given=b"\0" * 10_240)
