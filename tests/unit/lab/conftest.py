"""Real parts for the tests of the lab: the installed engine, and a Docker engine with labels of a test's own."""

import os
import signal
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from documents.lab.inventory import STACK_LABEL
from lab.lifecycle.engine import Engine
from tests.docker import docker
from tests.unit.lab.engine_room import EngineRoom, import_empty_image
from tests.unit.toolchain.pulumi_project import lay_project
from toolchain.layout import project_layout


@pytest.fixture
def stack_name() -> str:
    """A name that no other stack has, so that the test finds and removes nothing but its own."""
    return f"test-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def room(tmp_path: Path, stack_name: str) -> Iterator[EngineRoom]:
    root = tmp_path / "checkout"
    environment = lay_project("fairground", root, tmp_path / "home", project_layout())
    room = EngineRoom(Engine(root=root, stack=stack_name, environment=environment))
    yield room
    for process_id in room.processes():
        # It may end by itself, as its command did.
        with suppress(ProcessLookupError):
            os.kill(process_id, signal.SIGKILL)


@pytest.fixture
def image(stack_name: str) -> Iterator[str]:
    """An empty image with the stack's label; whatever else carries the label is removed with it."""
    label = f"{STACK_LABEL}={stack_name}"
    name = f"fairground-{stack_name}:1"
    import_empty_image(stack_name, name)
    yield name
    for kind, remove in (("container", ["rm", "-f"]), ("network", ["network", "rm"]), ("volume", ["volume", "rm"])):
        found = docker(kind, "ls", "--quiet", "--filter", f"label={label}", *(["--all"] if kind == "container" else []))
        for identity in found.split():
            docker(*remove, identity)
    for identity in docker("images", "--quiet", "--filter", f"label={label}").split():
        docker("rmi", "--force", identity)
