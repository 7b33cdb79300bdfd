"""What can be known before anything is made: a free port, room on the disk, an engine that answers."""

import errno
import shutil
import socket
from pathlib import Path

from documents.errors import LabError
from documents.stack import Stack
from lab.lifecycle.leftovers import find_labelled, run_docker

_NEEDED_GB = 7
"""Measured with an empty engine: base 0.1, host image 0.7, and on the host 4.7 of build caches, 0.9 of images and 0.1
of data. The rest is room for a run's files."""


def check_machine(stack: Stack, root: Path) -> None:
    """Refuse early what would fail late on the controller, where the lab's host is made on it.

    Raises:
        LabError: Docker doesn't answer, the SSH port is taken, or the disk has too little room; says what to do.
    """
    if stack.host.kind != "container":
        return
    engine_folder = _engine_folder()
    running = any(thing.kind == "container" for thing in find_labelled(stack.name))
    if not running:
        for port in (stack.host.ssh_port, *(one.ssh_port for one in stack.load_host if one.kind == "container")):
            _check_port(port, stack.name)
        for folder in {engine_folder, root}:
            _check_room(folder)


def _engine_folder() -> Path:
    try:
        return Path(run_docker("info", "--format", "{{.DockerRootDir}}").strip())
    except LabError as error:
        raise LabError(f"The Docker engine can't be used: {error} `make setup` installs and starts one.") from error


def _check_port(port: int, stack: str) -> None:
    with socket.socket() as probe:
        # Connections that ended a moment ago don't count; a listener does.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            raise LabError(
                f"Port {port} on 127.0.0.1 is taken by another program; end that, or give the host another "
                f"ssh_port in stacks/{stack}.yaml."
            ) from error


def _check_room(folder: Path) -> None:
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(existing).free / 1024**3
    if free < _NEEDED_GB:
        raise LabError(
            f"The disk of {folder} has {free:.1f} GB free, and the lab needs {_NEEDED_GB} GB; make room and try again."
        )
