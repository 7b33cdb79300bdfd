"""The generator of the open loop on the host: built there once from its sources, and its result fetched.

A load host gets the program that was built on the lab's host. It runs as a job, as wrk does.
"""

import logging
import tempfile
from pathlib import Path

from documents.lab import STACK_LABEL, Inventory
from documents.run import OPEN_LOOP_FILE, OpenLoopResult
from provision.images import build, hash_build_context
from provision.load import jobs
from provision.load.jobs import Job
from provision.payload import HOME
from provision.ssh import Connection

_logger = logging.getLogger(__name__)

_TARGET = "open-loop"
FOLDER = f"{HOME}/open-loop"
"""Where the program is on every host; its name is the hash of its sources."""

_DEADLINE_SECONDS = 60

_COPY = """
set -eu
image=$1 folder=$2 name=$3 label=$4
container=$(docker create --label="$label" "$image")
trap 'docker rm --force "$container" >/dev/null' EXIT
rm -rf -- "$folder"
install -d -m 0700 "$folder"
docker cp "$container:/open-loop" "$folder/.$name.part"
chmod 0755 "$folder/.$name.part"
mv -- "$folder/.$name.part" "$folder/$name"
"""


def install(connection: Connection, inventory: Inventory, source: Path) -> str:
    """Install the generator on the host; it is built there unless these sources were built before.

    It is built from the lab's base into the lab's folder, and is removed with that; its image is removed at once.

    Args:
        connection: to the host.
        inventory: the lab.
        source: the folder of the sources on the controller; its Dockerfile's target ``open-loop`` has ``/open-loop``.

    Returns:
        The program's path on the host.

    Raises:
        HostError: it can't be built; ends with what the step that failed wrote.
        DeadlineExceededError: the build wasn't done in time.
    """
    name = hash_build_context(source)
    path = f"{FOLDER}/{name}"
    if connection.run(["test", "-x", path], deadline_seconds=_DEADLINE_SECONDS, check=False).exit_status == 0:
        return path
    _logger.info("%s lacks the generator of the open loop: building", connection)
    with build.built(connection, inventory, source, target=_TARGET) as image:
        label = f"{STACK_LABEL}={inventory.stack}"
        copy = ["sh", "-c", _COPY, "copy", image, FOLDER, name, label]
        connection.run(copy, deadline_seconds=_DEADLINE_SECONDS)
    return path


def carry_over(built_on: Connection, connection: Connection, path: str) -> None:
    """Copy the program from the host that built it to another one, to the same path, unless it is there already.

    Its name is the hash of its sources, and its SHA-256 is compared on both copies.

    Raises:
        HostError: it can't be copied.
    """
    if connection.run(["test", "-x", path], deadline_seconds=_DEADLINE_SECONDS, check=False).exit_status == 0:
        return
    _logger.info("%s lacks the generator of the open loop: copying it from %s", connection, built_on)
    connection.run(["install", "-d", "-m", "0700", FOLDER], deadline_seconds=_DEADLINE_SECONDS)
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder, _TARGET)
        built_on.pull(path, program)
        connection.push(program, path, mode=0o755)


def finish(connection: Connection, job: Job, folder: Path, *, prefix: str = "") -> OpenLoopResult:
    """Wait for the generator's end and fetch its result into the folder, as the prefix and ``open-loop.json``.

    Raises:
        HostError: it failed, or wrote no result.
        DeadlineExceededError: it hung and was ended.
        DocumentError: its result isn't of the shape that it must have.
        TransferError: the file didn't arrive whole.
    """
    target = folder / f"{prefix}{OPEN_LOOP_FILE}"
    status = jobs.wait(connection, job)
    result = jobs.pull_result(connection, job, status, OPEN_LOOP_FILE, target, program="open-loop")
    return OpenLoopResult.from_json(result, name=target.name)
