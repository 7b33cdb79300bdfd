"""Starts of the API's own container: how long until its first right answer, and what memory it then rests at."""

import json
from collections.abc import Callable, Mapping

from apis.contract.checks.answers import Author, Post
from apis.contract.seed import seeded_post, seeded_user
from documents.base import Document
from documents.errors import HostError, RemoteCommandError
from documents.lab import ApiService, Inventory
from documents.run import Nanoseconds, Starting
from provision.containers import control
from provision.payload import call
from provision.services import database, wait_for_api
from provision.ssh import Amount, Connection, unexpected

REST_SECONDS = 5
"""How long after the first answer the memory is looked at: what an API does once it is up is done by then."""

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
    control.start(connection, api.container)
    wait_for_api(connection, api, inventory.api_address)
    request = _request(connection, api, inventory.api_address)
    starts: list[Start] = []
    for number in range(1, repetitions + 1):
        progress(f"start {number} of {repetitions}")
        control.stop(connection, api.container)
        database.flush_cache(connection, inventory.redis)
        starts.append(_start(connection, inventory, api, request))
    control.stop(connection, api.container)
    return Starting(
        cpus=inventory.cores.api,
        engine_seconds=tuple((start.running_ns - start.started_ns) / 1e9 for start in starts),
        first_answer_seconds=tuple((start.answered_ns - start.running_ns) / 1e9 for start in starts),
        rest_seconds=REST_SECONDS,
        memory_bytes=tuple(start.memory_bytes for start in starts),
    )


def _request(connection: Connection, api: ApiService, address: str) -> dict[str, object]:
    """What the script on the host is asked for, from what can only be seen while the container runs."""
    process_id = control.main_process_id(connection, api.container)
    cgroup = control.cgroup(connection, api.container)
    executable = connection.run(
        ["readlink", f"/proc/{process_id}/exe"], deadline_seconds=_DEADLINE_SECONDS
    ).stdout.strip()
    directory = cgroup.directories["memory"]
    return {
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


def _start(connection: Connection, inventory: Inventory, api: ApiService, request: Mapping[str, object]) -> Start:
    try:
        start = call(
            connection,
            "first_answer",
            request,
            Start,
            what=f"a start of the API {api.name}",
            deadline_seconds=_ANSWER_SECONDS + REST_SECONDS + _DEADLINE_SECONDS,
            cpus=inventory.cores.cpu_list("system"),
        )
    except RemoteCommandError as error:
        raise HostError(
            f"The API {api.name} gave no right answer after its start: {error} Look at its log: `lab logs {api.name}`."
        ) from error
    if not start.started_ns <= start.running_ns <= start.answered_ns:
        raise unexpected(start.to_json(), what=f"a start of the API {api.name}", where=connection)
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
