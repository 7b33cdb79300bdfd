"""SIGTERM: what is in flight is finished, nothing that was answered is lost, and idle connections delay nothing."""

import base64
import json
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest

from apis.contract.checks.wire import CONTENT_TYPE, PNG, Part, multipart
from tests.stand.client import Line, request_octets
from tests.stand.stand import Api, Stand

_SCRIPT = Path(__file__).parent / "host" / "termination.py"

_DRAIN_SECONDS = 10.0
_IDLE_SECONDS = 2.0
"""Seconds in which a process ends that has nothing but idle connections, on a machine that is busy."""

_FILE = PNG.ljust(2 * 2**20)


@dataclass(frozen=True)
class Termination:
    """What came of an implementation's work, its exit status, and the seconds after which it was gone."""

    seen: Mapping[str, Any]
    status: int | None
    seconds: float


def _terminate(stand: Stand, api: Api) -> Termination:
    token, headers = api.token(7, "user_0007"), [("Content-Type", CONTENT_TYPE)]
    upload = request_octets("POST", "/api/files", headers=headers, token=token, body=multipart(Part(_FILE)))
    with Line(api.base_url) as line:
        stored = line.ask(upload)
    assert stored.status == 201, stored
    requests = {
        "create": request_octets("POST", "/api/posts", token=token, content={"title": "last", "body": "b" * 500}),
        "upload": upload,
        "download": request_octets("GET", f"/api/files/{stored.json()['id']}"),
    }
    document = {name: base64.b64encode(octets).decode() for name, octets in requests.items()}
    command = stand.terminate_command(api.name)
    start = time.monotonic()
    seen = stand.run_script(
        _SCRIPT, {"port": stand.port(api.name), "command": command, **document}, deadline_seconds=60
    )
    status = stand.wait_for_exit(api.name, deadline_seconds=_DRAIN_SECONDS)
    return Termination(seen, status, time.monotonic() - start)


@pytest.fixture(scope="module")
def terminations(stand: Stand) -> Mapping[str, Termination]:
    """All implementations ended, and started again."""
    with ThreadPoolExecutor(len(stand.apis)) as pool:
        terminations = list(pool.map(partial(_terminate, stand), stand.apis.values()))
        list(pool.map(stand.start, stand.apis))
    return dict(zip(stand.apis, terminations, strict=True))


def test_it_ends_by_itself_in_time(terminations: Mapping[str, Termination], implementation: str):
    termination = terminations[implementation]
    assert termination.status == 0
    assert termination.seconds < _DRAIN_SECONDS, termination.seconds


def test_what_is_in_flight_is_finished(terminations: Mapping[str, Termination], api: Api):
    seen = terminations[api.name].seen
    assert seen["cut"] == []
    assert [half and half[0] for half in seen["halves"]] == [201, 201], seen["halves"]
    assert len(_FILE) in seen["read"], "the answer that was being written was cut off"


def test_nothing_that_was_answered_is_lost(terminations: Mapping[str, Termination], api: Api):
    seen = terminations[api.name].seen
    posts = [json.loads(body)["id"] for body in seen["created"]]
    assert len(posts) > 10
    with psycopg.connect(api.database_url) as database:
        found = database.execute("SELECT count(*) FROM posts WHERE id = ANY(%s)", (posts,)).fetchone()
        assert found == (len(posts),)
        file = json.loads(seen["halves"][1][1])["id"]
        assert database.execute("SELECT size FROM files WHERE id = %s", (file,)).fetchone() == (len(_FILE),)
    with Line(api.base_url) as line:
        assert line.ask(request_octets("GET", f"/api/files/{file}")).body == _FILE


def test_idle_connections_delay_nothing(stand: Stand, api: Api):
    launcher = stand.launcher(api.name)
    with launcher.start(launcher.services, cpus=launcher.cpus) as instance, ExitStack() as stack:
        lines = [stack.enter_context(Line(instance.base_url)) for _ in range(20)]
        for line in lines:
            assert line.ask(request_octets("GET", "/healthz")).status == 200
        start = time.monotonic()
        instance.send_signal("TERM")
        ended = instance.wait()
        seconds = time.monotonic() - start
    assert ended.exit_code == 0
    assert seconds < _IDLE_SECONDS, seconds
