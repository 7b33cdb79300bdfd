"""The process: its log, its hashes, its uploads, and what it does without its services."""

import json
import time
from collections import Counter
from collections.abc import Generator, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from threading import Event

import httpx
import pytest

from apis.contract.checks import Target, expect, open_context
from apis.contract.checks.answers import Health, Readiness
from apis.contract.checks.context import NOBODY, Context
from apis.contract.checks.instruments import while_waiting
from apis.contract.checks.wire import CONTENT_TYPE, MAXIMUM, PNG, Answer, Part, Wire, multipart, named, request_octets
from apis.contract.tokens import mint_token
from tests.contract.instances import Instance, Launcher
from tests.ssh.waiting import wait_until

MARK = "canary-6b1f0a42"
"""Is in each email, password, text and query that is sent."""

WAITING_MOST = 32
"""Hashes that may wait for a CPU."""

PLANTED = "planted-5b7d2048"
AWAY = {
    "DATABASE_URL": f"postgres://fairground:{PLANTED}@127.0.0.1:1/fairground",
    "REDIS_URL": f"redis://:{PLANTED}@127.0.0.1:1/0",
}
"""Services at a port where nothing listens, with a password that no log may have."""

LOGIN = {"email": "nobody@example.test", "password": "a wrong password"}

LOGINS_AT_ONCE = 8
"""Enough to keep a few CPUs busy."""

SAMPLINGS_MOST = 6

SETTLED_SECONDS = 5


@contextmanager
def started(
    launcher: Launcher, target: Target, environment: Mapping[str, str], *, cpus: int = 2
) -> Generator[tuple[Instance, Context]]:
    """An instance on so many CPUs, with checks' connections to it; at the end it must end well by itself."""
    given = {**launcher.services, **environment}
    with launcher.start(given, cpus=launcher.cpus[:cpus]) as instance:
        with open_context(target.model_copy(update={"base_url": instance.base_url})) as context:
            yield instance, context
        instance.send_signal("TERM")
        assert instance.wait().exit_code == 0


def cancel(context: Context) -> Answer:
    """A request with something secret, whose statement PostgreSQL cancels."""
    token = context.alice.token

    def act(session: int, answer: Future[Answer]) -> None:
        context.database.execute("SELECT pg_cancel_backend(%s)", (session,))
        while not answer.done():
            time.sleep(0.01)

    return while_waiting(context, lambda: context.post("/api/posts", {"title": MARK, "body": MARK}, token=token), act)


def ask(context: Context) -> list[Answer]:
    """Good and bad requests with something secret in each."""
    name, password = context.new_name(), f"{MARK}-password"
    registration = {"username": name, "email": f"{MARK}.{name}@example.test", "password": password}
    login = {"email": registration["email"], "password": password}
    post = context.new_post(title=MARK, body=MARK)
    token = context.alice.token
    return [
        context.post("/api/users", registration),
        context.post("/api/users", registration),
        context.post("/api/auth/login", login),
        context.post("/api/auth/login", login | {"password": f"{MARK}-wrong"}),
        context.get("/api/users/me", token=token),
        context.get("/api/users/me", token=f"{token}{MARK}"),
        context.get(f"/api/posts/{post.id}"),
        context.send_json("POST", "/api/posts", f"not JSON {MARK}".encode(), token=token),
        context.get("/api/nothing"),
        context.delete(f"/api/posts/{post.id}", token=token),
        context.get(f"/api/users/{NOBODY}"),
    ]


@pytest.fixture(scope="module")
def at_info(launcher: Launcher, target: Target) -> Iterator[tuple[Instance, Context]]:
    with started(launcher, target, {"LOG_LEVEL": "info"}) as both:
        yield both


def test_at_info_each_request_leaves_a_line_with_method_path_and_status(at_info: tuple[Instance, Context]):
    instance, context = at_info
    answers = ask(context)
    time.sleep(0.5)
    log = instance.output()
    for (request, status), count in Counter((answer.request, answer.status) for answer in answers).items():
        method, path = request.split(" ")
        lines = [line for line in log.splitlines() if method in line and path in line and str(status) in line]
        assert len(lines) >= count, f"{request}, answered with {status}, isn't in the log:\n{log}"


def test_at_warn_only_a_request_that_failed_leaves_a_line_which_has_the_cause_and_no_secret(
    launcher: Launcher, target: Target
):
    with started(launcher, target, {"LOG_LEVEL": "warn"}) as (instance, context):
        ask(context)
        time.sleep(0.5)
        quiet = instance.output()
        assert cancel(context).status in {500, 503}
        time.sleep(0.5)
        log = instance.output()
    assert not [line for line in quiet.splitlines() if "/api/" in line]
    assert "cancel" in log.removeprefix(quiet).lower(), log
    for secret in (MARK, context.alice.password, context.alice.email, context.target.jwt_secret, "$argon2id$", ".eyJ"):
        assert secret not in log


def test_without_services_it_starts_and_answers_503(launcher: Launcher, target: Target):
    token = mint_token(target.jwt_secret, 1, "user_0001")
    paths = ("/api/users/1", "/api/users/me", "/api/posts/1", "/api/posts")
    environment = {**AWAY, "LOG_LEVEL": "warn"}
    with started(launcher, target, environment) as (instance, context), ThreadPoolExecutor(len(paths)) as pool:

        def refused(path: str) -> float:
            start = time.monotonic()
            expect.problem(context.get(path, token=token), 503)
            return time.monotonic() - start

        # An implementation that compiles as it runs has just begun to.
        list(pool.map(partial(context.get, token=token), paths))
        assert max(pool.map(refused, paths)) < 3
        expect.json(context.get("/healthz"), 200, Health)
        down = Readiness(postgres="down", redis="down")
        assert expect.json(context.get("/readyz"), 503, Readiness) == down
        log = instance.output()
    assert "refused" in log.lower(), log
    assert PLANTED not in log


# A Redis that is away alone is what the check `caching.a_frozen_redis_is_passed_over` is about.
@pytest.mark.parametrize("name", ["DATABASE_URL", pytest.param("REDIS_URL", marks=pytest.mark.nightly)])
def test_readyz_shows_which_service_is_missing(launcher: Launcher, target: Target, name: str):
    expected = Readiness(
        postgres="down" if name == "DATABASE_URL" else "up", redis="down" if name == "REDIS_URL" else "up"
    )
    with started(launcher, target, {name: AWAY[name]}) as (_, context):
        # The first connection to the other service takes its time.
        wait_until(lambda: expect.json(context.get("/readyz"), 503, Readiness) == expected, what=repr(expected))


def settled(instance: Instance, expected: set[str]) -> set[str]:
    """What is in UPLOAD_DIR, once it is what is expected or some seconds have passed."""
    ends_at = time.monotonic() + SETTLED_SECONDS
    while (found := instance.uploads()) != expected and time.monotonic() < ends_at:
        time.sleep(0.05)
    return found


def test_only_uploads_with_a_row_have_content(at_info: tuple[Instance, Context]):
    instance, context = at_info
    good = named(f"../{MARK}.png")
    nobody = mint_token(context.target.jwt_secret, NOBODY, "nobody")
    # By size: some keep the first bytes in memory.
    large = PNG + bytes(1_000_000)
    for content in (PNG, large):
        expect.status(context.upload(Part(content, good)), 201)
        expect.problem(context.upload(Part(content, good), token=nobody), 401, 404)
        expect.problem(context.upload(Part(b"text" + content, good)), 415)
    expect.problem(context.upload(Part(PNG + bytes(MAXIMUM), good)), 413)
    body = multipart(Part(large, good))
    headers = {"Authorization": f"Bearer {context.alice.token}", "Content-Type": CONTENT_TYPE}
    with Wire(instance.base_url) as wire:
        head = request_octets("POST /api/files", headers=headers | {"Content-Length": str(len(body))})
        wire.send(head + body[:600_000])
    query = "SELECT storage_name FROM files WHERE owner_id = %s"
    stored = {str(name) for (name,) in context.database.execute(query, (context.alice.id,)).fetchall()}
    assert len(stored) == 2
    assert settled(instance, stored) == stored


@pytest.fixture(scope="module")
def on_one_cpu(launcher: Launcher, target: Target) -> Iterator[Instance]:
    with started(launcher, target, {}, cpus=1) as (instance, _):
        # An implementation that compiles as it runs begins with it here.
        httpx.post(f"{instance.base_url}/api/auth/login", json=LOGIN, timeout=60, trust_env=False)
        yield instance


def expect_one_hash_for_each_cpu(instance: Instance, cpus: int) -> None:
    """Expect that of logins that are always under way one is hashed on each of its CPUs, and no more."""
    counted = Event()
    with httpx.Client(base_url=instance.base_url, timeout=60, trust_env=False) as client:

        def log_in() -> None:
            client.post("/api/auth/login", json=LOGIN)

        def go_on() -> None:
            # However long it takes until the samples are drawn, on a host that is far or busy.
            while not counted.is_set():
                log_in()

        with ThreadPoolExecutor(LOGINS_AT_ONCE) as pool:
            # An implementation that compiles as it runs has done so then.
            for first in [pool.submit(log_in) for _ in range(LOGINS_AT_ONCE)]:
                first.result()
            workers = [pool.submit(go_on) for _ in range(LOGINS_AT_ONCE)]
            runnable: list[int] = []
            try:
                while cpus not in runnable and len(runnable) < SAMPLINGS_MOST:
                    # Where other work takes the CPUs, what waits for one is runnable, too: whoever hashes more does so
                    # in each. And clients may come later than they could.
                    busy = sorted(count for count in instance.count_runnable(40) if count)
                    runnable.append(busy[len(busy) // 4] if busy else 0)
            finally:
                counted.set()
            for worker in workers:
                worker.result()
    assert cpus in runnable, f"threads that run while {LOGINS_AT_ONCE} logins are hashed: {runnable}"


def test_one_hash_is_computed_at_a_time_on_one_cpu(on_one_cpu: Instance):
    expect_one_hash_for_each_cpu(on_one_cpu, 1)


@pytest.mark.nightly
def test_two_hashes_are_computed_at_a_time_on_two_cpus(launcher: Launcher, target: Target):
    with started(launcher, target, {}, cpus=2) as (instance, _):
        expect_one_hash_for_each_cpu(instance, 2)


def test_as_many_logins_wait_for_a_cpu_as_may_and_the_others_get_503(on_one_cpu: Instance):
    line, body = "POST /api/auth/login", json.dumps(LOGIN).encode()
    octets = request_octets(line, headers={"Content-Type": "application/json"}, body=body)
    with ExitStack() as stack:
        wires = [stack.enter_context(Wire(on_one_cpu.base_url, timeout=60)) for _ in range(3 * (1 + WAITING_MOST))]
        for wire in wires:
            wire.send(octets[:-1])
        # So they come at once. Where clients get little of a CPU, each would be served before the next one comes.
        for wire in wires:
            wire.send(octets[-1:])
        statuses = Counter(wire.require_answer(line).status for wire in wires)
    assert statuses.keys() == {401, 503}, statuses
    assert statuses[401] >= WAITING_MOST, statuses
