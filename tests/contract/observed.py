"""Instances of an implementation observed at once: what they log, how they end, what they leave, how they hash.

Most of it is waiting, so that one scenario has all of them side by side:

- `thorough` logs at info, on one CPU; it has a request in flight when it gets SIGTERM, which then ends.
- `terse` logs at warn, on two CPUs where there are two; it has a request in flight when it gets SIGINT, which doesn't.
- `alone` logs at warn; neither PostgreSQL nor Redis is where it looks for them.
"""

import json
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from threading import Event
from typing import Any, LiteralString
from urllib.parse import urlsplit

import psycopg

from apis.contract.checks import Target, open_context
from apis.contract.checks.context import Context, Member
from apis.contract.checks.multipart import CONTENT_TYPE, MAXIMUM, PNG, Part, multipart
from apis.contract.checks.users import NOBODY
from apis.contract.checks.wire import Answer, Wire, request_octets
from apis.contract.tokens import mint_token
from tests.contract.instances import Ended, Instance, Launcher

MARK = "marked-7c41e09a"
"""Stands in queries, bodies and file names, none of which may be logged."""

PLANTED = "planted-5b7d2048"
"""The password in the URLs of services that aren't there."""

_LOGINS = 12
_REGISTRATIONS = 12
_SAMPLES = 40
_SERIES_MOST = 5
_OUTAGE_SECONDS = 3.5
_IN_TIME = 1.5
"""Seconds after the signal at which what is in flight may end: not at once, and long before it is cut off."""


def log_of(stdout: str) -> list[dict[str, Any]]:
    """The lines of standard output, each a JSON object, without one that isn't complete yet."""
    return [json.loads(line) for line in stdout.split("\n")[:-1]]


@dataclass
class Ending:
    """How an instance took its signal; `answer` is what its request in flight got."""

    idle_closed: bool = False
    refuses: bool = False
    answer: Answer | None = None
    seconds: float = 0
    ended: Ended = field(default_factory=lambda: Ended(-1, "", ""))

    @property
    def log(self) -> list[dict[str, Any]]:
        """The lines of standard output, each a JSON object."""
        return log_of(self.ended.stdout)


@dataclass
class Observed:
    """What was seen of the three, and what had been sent to them."""

    thorough: Ending = field(default_factory=Ending)
    terse: Ending = field(default_factory=Ending)
    alone: Ended = field(default_factory=lambda: Ended(-1, "", ""))
    requests: list[tuple[str, str, int]] = field(default_factory=list[tuple[str, str, int]])
    secrets: dict[str, str] = field(default_factory=dict[str, str])
    stored: set[str] = field(default_factory=set[str])
    uploads: set[str] = field(default_factory=set[str])
    left: set[str] = field(default_factory=set[str])
    runnable: dict[int, int] = field(default_factory=dict[int, int])
    unready: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    outage: list[tuple[str, Answer, float]] = field(default_factory=list[tuple[str, Answer, float]])


def observe(launcher: Launcher, target: Target) -> Observed:
    """Go through the scenario."""
    observed = Observed()
    one, more = launcher.cpus[:1], launcher.cpus[:2]
    good = launcher.services
    away = {
        "DATABASE_URL": f"postgres://fairground:{PLANTED}@127.0.0.1:1/fairground",
        "REDIS_URL": f"redis://:{PLANTED}@127.0.0.1:1/0",
        "JWT_SECRET": good["JWT_SECRET"],
        "LOG_LEVEL": "warn",
    }
    with ExitStack() as stack, ThreadPoolExecutor(3) as pool:
        starts = (
            pool.submit(stack.enter_context, launcher.start({**good, "LOG_LEVEL": "info"}, cpus=one)),
            pool.submit(stack.enter_context, launcher.start({**good, "LOG_LEVEL": "warn"}, cpus=more)),
            pool.submit(stack.enter_context, launcher.start(away, cpus=more)),
        )
        thorough, terse, alone = (start.result() for start in starts)
        outage = pool.submit(_suffer, alone, target, observed)
        with _context(target, thorough) as context:
            _ask(context, observed)
            _upload(context, thorough, observed)
        with _context(target, terse) as context:
            _ask_quietly(context, terse, observed)
        for instance, cpus in ((thorough, one), (terse, more)):
            observed.runnable[len(cpus)], registered = _hash(instance, target, len(cpus))
            if instance is thorough:
                observed.requests += [("POST", "/api/users", 201)] * registered
        outage.result()
        _end(target, thorough, terse, observed)
        alone.send_signal("TERM")
        observed.alone = alone.wait()
    return observed


@contextmanager
def _context(target: Target, instance: Instance) -> Generator[Context]:
    with open_context(target.model_copy(update={"base_url": instance.base_url})) as context:
        yield context


def _ask(context: Context, observed: Observed) -> None:
    """Send requests with something secret in each, good ones and bad ones; `requests` has what must be logged."""
    name = context.new_name()
    registration = {"username": name, "email": f"{MARK}.{name}@example.test", "password": f"{MARK}-password"}
    credentials = {"email": registration["email"], "password": registration["password"]}

    def ask(answer: Answer) -> Answer:
        method, _, target = answer.request.partition(" ")
        observed.requests.append((method, target.partition("?")[0], answer.status))
        return answer

    ask(context.get("/healthz"))
    user_id = int(json.loads(ask(context.post("/api/users", registration)).body)["id"])
    ask(context.post("/api/users", registration))
    token = str(json.loads(ask(context.post("/api/auth/login", credentials)).body)["access_token"])
    ask(context.post("/api/auth/login", credentials | {"password": f"{MARK}-wrong"}))
    ask(context.get("/api/users/me", token=token))
    ask(context.get(f"/api/users/me?{MARK}", token=f"{token}{MARK}"))
    post = json.loads(ask(context.post("/api/posts", {"title": MARK, "body": MARK}, token=token)).body)
    for method in ("GET", "HEAD"):
        ask(context.send(method, f"/api/posts/{post['id']}?access_token={token}"))
    ask(context.get(f"/api/posts?limit={MARK}"))
    ask(context.send("POST", "/api/posts", token=token, content=f"not JSON {MARK}".encode()))
    ask(context.get(f"/api/nothing?{MARK}"))
    ask(context.send("PATCH", f"/api/posts?{MARK}"))
    ask(context.send("DELETE", f"/api/posts/{post['id']}", token=token))
    ask(context.get(f"/api/users/{NOBODY}"))
    row = context.database.execute("SELECT password_hash FROM users WHERE id = %s", (user_id,)).fetchone()
    observed.secrets |= {
        "an email": registration["email"],
        "a password": registration["password"],
        "a token": token,
        "the signature of a token": token.rpartition(".")[2],
        "a password's hash": str(row[0]) if row else "",
        "what marks queries and bodies": MARK,
        "the JWT secret": context.target.jwt_secret,
    }
    urls = {"database": urlsplit(context.target.database_url or ""), "redis": urlsplit(context.target.redis_url or "")}
    # Whoever starts services by hand may have given a password that is a name as well, which may be logged.
    names = {name for url in urls.values() for name in (url.username, url.path.removeprefix("/"))}
    for what, url in urls.items():
        if url.password is not None and url.password not in names:
            observed.secrets[f"the password of the {what}"] = url.password


def _upload(context: Context, instance: Instance, observed: Observed) -> None:
    """Upload what is taken and what is refused at each stage; then nothing may lie there but what has a row."""
    member = context.new_member()
    observed.requests.append(("POST", "/api/users", 201))
    nobody = mint_token(context.target.jwt_secret, NOBODY, "nobody")
    good = f'form-data; name="file"; filename="{MARK}.png"'
    uploads: tuple[tuple[tuple[Part, ...], str, int], ...] = (
        ((Part(PNG, good),), member.token, 201),
        ((Part(PNG, good), Part(b"x", 'form-data; name="other"')), member.token, 201),
        ((Part(b"text", good),), member.token, 415),
        ((Part(PNG, good), Part(PNG, good)), member.token, 400),
        ((Part(PNG + bytes(MAXIMUM), good),), member.token, 413),
        ((Part(PNG, good),), nobody, 401),
    )
    for parts, token, status in uploads:
        answer = context.upload(*parts, token=token)
        assert answer.status == status, answer
        observed.requests.append(("POST", "/api/files", status))
    query = "SELECT storage_name FROM files WHERE owner_id = %s"
    observed.stored = {str(name) for (name,) in context.database.execute(query, (member.id,)).fetchall()}
    observed.uploads = _settled(instance, observed.stored)


def _settled(instance: Instance, expected: set[str]) -> set[str]:
    """What lies in the upload folder, once it is what is expected or some seconds have passed."""
    ends_at = time.monotonic() + 5
    while (found := instance.uploads()) != expected and time.monotonic() < ends_at:
        time.sleep(0.05)
    return found


def _ask_quietly(context: Context, instance: Instance, observed: Observed) -> None:
    """Requests that leave no line at warn, an upload that stops, and a file without content, which leaves one."""
    member: Member = context.new_member()
    body = multipart(Part(PNG + bytes(1_000_000)))
    headers = {"Authorization": f"Bearer {member.token}", "Content-Type": CONTENT_TYPE}
    head = request_octets("POST /api/files", headers=headers | {"Content-Length": str(len(body))})
    with Wire(instance.base_url) as wire:
        wire.send(head + body[:600_000])
    for path in ("/healthz", "/api/posts/1", "/api/nothing", f"/api/posts?limit={MARK}"):
        context.get(path)
    context.get("/api/users/me", token=f"{member.token}{MARK}")
    query = """
        INSERT INTO files (owner_id, filename, content_type, size, sha256, storage_name)
        VALUES (%s, 'gone.png', 'image/png', 8, repeat('0', 64), repeat('0', 32)) RETURNING id
    """
    row = context.database.execute(query, (member.id,)).fetchone()
    assert row is not None
    assert context.get(f"/api/files/{row[0]}").status == 500
    context.database.execute("DELETE FROM files WHERE id = %s", (row[0],))
    observed.left = _settled(instance, set())


def _hash(instance: Instance, target: Target, expected: int) -> tuple[int, int]:
    """How many threads compute at once while logins and registrations queue, and how many users were registered.

    The former is the first quartile, which short work beside lifts least. Where other work leaves few CPUs, it lifts
    that as well, for what waits for a CPU is runnable, too; or it lowers that, for the requests wait themselves. So
    there are some series, until one is as expected. Who hashes more at once, or fewer, does so in each of them.
    """
    login = {"email": "nobody@example.test", "password": "a wrong password"}
    with _context(target, instance) as context, ThreadPoolExecutor(_LOGINS + _REGISTRATIONS) as pool:
        counted = Event()

        # What these return is how many users they registered.
        def log_in() -> int:
            assert context.post("/api/auth/login", login).status == 401
            return 0

        def register() -> int:
            name = context.new_name()
            registration = {"username": name, "email": f"{name}@example.test", "password": "a good password"}
            assert context.post("/api/users", registration).status == 201
            return 1

        def go_on(once: Callable[[], int]) -> int:
            # However long it takes until the samples are drawn, on a host that is far or busy.
            done = 0
            while not counted.is_set():
                done += once()
            return done

        work = (log_in,) * _LOGINS + (register,) * _REGISTRATIONS
        # An implementation that compiles as it runs has done so then.
        warming = [pool.submit(once) for once in work]
        registered = sum(warmed.result() for warmed in warming)
        workers = [pool.submit(go_on, once) for once in work]
        try:
            runnable = _first_quartile(instance.count_runnable(_SAMPLES))
            for _ in range(_SERIES_MOST - 1):
                if runnable != expected:
                    runnable = _first_quartile(instance.count_runnable(_SAMPLES))
        finally:
            counted.set()
        registered += sum(worker.result() for worker in workers)
    return runnable, registered


def _first_quartile(counts: Sequence[int]) -> int:
    return sorted(counts)[len(counts) // 4]


def _suffer(instance: Instance, target: Target, observed: Observed) -> None:
    """Ask what needs a service that isn't there, again and again; `outage` has path, answer and seconds.

    The first answer to each counts for nothing: an implementation that compiles as it runs has just begun to. Before
    all of these `/readyz` is asked alone; `unready` has the errors that were logged then.
    """
    with _context(target, instance) as context:
        context.get("/readyz")
    observed.unready = _logged_errors(instance)
    token = mint_token(target.jwt_secret, 1, "user_0001")
    paths = ("/healthz", "/readyz", "/api/posts/1", "/api/posts", "/api/users/1", "/api/users/me")

    def ask(path: str) -> None:
        with _context(target, instance) as context:
            context.get(path, token=token)
            ends_at = time.monotonic() + _OUTAGE_SECONDS
            while time.monotonic() < ends_at:
                start = time.monotonic()
                answer = context.get(path, token=token)
                observed.outage.append((path, answer, time.monotonic() - start))
                time.sleep(0.02)

    with ThreadPoolExecutor(len(paths)) as pool:
        list(pool.map(ask, paths))


def _logged_errors(instance: Instance) -> list[dict[str, Any]]:
    """The errors in the log, once there is one or some seconds have passed."""
    ends_at = time.monotonic() + 5
    while True:
        errors = [line for line in log_of(instance.output()) if line["level"] == "error"]
        if errors or time.monotonic() > ends_at:
            return errors
        time.sleep(0.05)


def _end(target: Target, thorough: Instance, terse: Instance, observed: Observed) -> None:
    """Signal both while a request of each waits for a lock; only that of `thorough` is let go on."""
    url = target.database_url or ""
    waits: tuple[tuple[Instance, Ending, LiteralString, str, str], ...] = (
        (thorough, observed.thorough, "users", "/api/users/1", "TERM"),
        (terse, observed.terse, "files", f"/api/files/{NOBODY}", "INT"),
    )
    with ExitStack() as stack, ThreadPoolExecutor(len(waits)) as pool:
        locks = [stack.enter_context(psycopg.connect(url)) for _ in waits]
        endings: list[Future[None]] = []
        for (instance, ending, table, path, signal), lock in zip(waits, locks, strict=True):
            idle, busy = (stack.enter_context(Wire(instance.base_url, timeout=30)) for _ in range(2))
            idle.send(request_octets("GET /healthz"))
            idle.require_answer("GET /healthz")
            lock.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
            busy.send(request_octets(f"GET {path}"))
            _await_waiting(lock, table)
            endings.append(pool.submit(_follow, instance, ending, signal, idle, busy))
        observed.requests += [("GET", "/healthz", 200), ("GET", "/api/users/1", 200)]
        time.sleep(_IN_TIME)
        locks[0].rollback()
        for ending in endings:
            ending.result()
        locks[1].rollback()


def _await_waiting(lock: "psycopg.Connection[tuple[Any, ...]]", table: str) -> None:
    query = "SELECT count(*) FROM pg_locks WHERE relation = %s::regclass AND NOT granted"
    ends_at = time.monotonic() + 10
    while lock.execute(query, (table,)).fetchone() == (0,):
        assert time.monotonic() < ends_at, f"no statement waits for {table}"
        time.sleep(0.01)


def _follow(instance: Instance, ending: Ending, signal: str, idle: Wire, busy: Wire) -> None:
    """Signal, and see what becomes of the idle connection, of a new one, and of the request in flight."""
    start = time.monotonic()
    instance.send_signal(signal)
    ending.idle_closed = idle.is_closed_within(_IN_TIME)
    ending.refuses = _refuses(instance.base_url)
    ending.answer = busy.answer("GET in flight")
    ending.ended = instance.wait()
    ending.seconds = time.monotonic() - start


def _refuses(base_url: str) -> bool:
    """Whether a new connection gets no answer; a tunnel takes it at first."""
    try:
        with Wire(base_url) as wire:
            wire.send_if_open(request_octets("GET /healthz"))
            return wire.answer("GET /healthz") is None
    except ConnectionError:
        return True
