"""Starts of the API's own container: how long until its first right answer, and what memory it then rests at."""

import json
from collections.abc import Callable
from pathlib import Path

from apis.contract.checks.answers import Author, Post
from apis.contract.seed import seeded_post, seeded_user
from documents.base import Document
from documents.errors import HostError, RemoteCommandError
from documents.facts import Starting
from documents.inventory import ApiService, Inventory
from documents.run import Nanoseconds
from provision import containers, database
from provision.answers import Amount, read_answer, unexpected
from provision.connection import Connection
from provision.readiness import wait_for_api

REST_SECONDS = 5
"""How long after the first answer the memory is looked at: what an API does once it is up is done by then."""

_SCRIPT = Path(__file__).parents[1] / "host" / "first_answer.py"
_POST_ID = 1
_ANSWER_SECONDS = 60
_DEADLINE_SECONDS = 30


class Start(Document):
    """One start by the host's CLOCK_MONOTONIC, and the memory in bytes some seconds after it."""

    started_ns: Nanoseconds
    running_ns: Nanoseconds
    answered_ns: Nanoseconds
    memory_bytes: Amount


def measure_starting(
    connection: Connection,
    inventory: Inventory,
    api: ApiService,
    *,
    repetitions: int,
    progress: Callable[[str], None],
) -> Starting:
    """Start the API's container again and again; at the end it is stopped.

    Before each start Redis is emptied, so that the first answer takes the whole way to PostgreSQL.

    Args:
        connection: to the host.
        inventory: the lab.
        api: the API, whose container doesn't run.
        repetitions: how many starts count. One more goes before, for what only a first start has to read from disk.
        progress: is told what is done.

    Raises:
        HostError: the API doesn't start, or gives no right answer within a minute.
    """
    progress("a first start")
    containers.start(connection, api.container)
    wait_for_api(connection, api, inventory.api_address)
    request = _request(connection, api, inventory.api_address)
    starts: list[Start] = []
    for number in range(1, repetitions + 1):
        progress(f"start {number} of {repetitions}")
        containers.stop(connection, api.container)
        database.flush_cache(connection, inventory.redis)
        starts.append(_start(connection, inventory, api, request))
    containers.stop(connection, api.container)
    return Starting(
        cpus=inventory.cores.api,
        engine_seconds=tuple((start.running_ns - start.started_ns) / 1e9 for start in starts),
        first_answer_seconds=tuple((start.answered_ns - start.running_ns) / 1e9 for start in starts),
        rest_seconds=REST_SECONDS,
        memory_bytes=tuple(start.memory_bytes for start in starts),
    )


def _request(connection: Connection, api: ApiService, address: str) -> str:
    """What the script on the host is asked for, from what can only be seen while the container runs."""
    process_id = containers.main_process_id(connection, api.container)
    cgroup = containers.cgroup(connection, api.container)
    executable = connection.run(
        ["readlink", f"/proc/{process_id}/exe"], deadline_seconds=_DEADLINE_SECONDS
    ).stdout.strip()
    directory = cgroup.directories["memory"]
    return json.dumps(
        {
            "container": api.container,
            "address": address,
            "port": api.port,
            "path": f"/api/posts/{_POST_ID}",
            "body": _expected_body(),
            "executable": executable,
            "cgroup": directory,
            "memory_stat": f"{directory}/memory.stat",
            "memory_field": "rss" if cgroup.version == 1 else "anon",
            "rest_seconds": REST_SECONDS,
            "deadline_seconds": _ANSWER_SECONDS,
        }
    )


def _start(connection: Connection, inventory: Inventory, api: ApiService, request: str) -> Start:
    command = ["taskset", "-c", inventory.cores.cpu_list("system"), "python3", "-I", "-", request]
    try:
        text = connection.run(
            command,
            input=_SCRIPT.read_bytes(),
            deadline_seconds=_ANSWER_SECONDS + REST_SECONDS + _DEADLINE_SECONDS,
        ).stdout
    except RemoteCommandError as error:
        raise HostError(
            f"The API {api.name} gave no right answer after its start: {error} Look at its log: `lab logs {api.name}`."
        ) from error
    return read_start(text, api.name, where=connection)


def read_start(text: str, api: str, *, where: object) -> Start:
    """What the script on the host told of one start of an API.

    Raises:
        HostError: it is something else.
    """
    what = f"a start of the API {api}"
    start = read_answer(Start, text, what=what, where=where)
    if not start.started_ns <= start.running_ns <= start.answered_ns:
        raise unexpected(text, what=what, where=where)
    return start


def _expected_body() -> str:
    """A seeded post as JSON; the order of its members and its whitespace are free."""
    post = seeded_post(_POST_ID)
    document = Post(
        id=post.id,
        author=Author(id=post.author_id, username=seeded_user(post.author_id).username),
        title=post.title,
        body=post.body,
        version=1,
        created_at=post.created_at,
        updated_at=post.created_at,
    )
    return json.dumps(document.model_dump(), ensure_ascii=False, separators=(",", ":"))
