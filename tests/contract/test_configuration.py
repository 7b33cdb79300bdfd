"""The environment: what is refused, how that is told, and what is taken."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from apis.contract.checks import Target, open_context, run_check
from apis.contract.checks.resilience import full_pool_gives_503_after_two_seconds
from tests.contract.instances import Ended, Launcher
from tests.ssh.waiting import wait_until

NAMES = ("DATABASE_URL", "REDIS_URL", "JWT_SECRET", "HOST", "PORT", "UPLOAD_DIR", "DB_POOL_SIZE", "LOG_LEVEL")

MESSAGES = {
    "DATABASE_URL": "must be a postgres:// URL with user, host and database",
    "REDIS_URL": "must be a redis:// URL with a host",
    "JWT_SECRET": "must be at least 32 bytes",
    "HOST": "must be an IP address",
    "PORT": "must be an integer from 1 to 65535",
    "UPLOAD_DIR": "must be a directory that can be written to",
    "DB_POOL_SIZE": "must be an integer from 1 to 1000",
    "LOG_LEVEL": "must be error, warn or info",
}

PLANTED = "planted-5b7d2048"
ROUNDS = 7

DATABASE = f"postgres://u:{PLANTED}@127.0.0.1:5432"

WRONG = {
    "DATABASE_URL": (
        PLANTED,
        f"mysql://u:{PLANTED}@127.0.0.1/d",
        f"postgres://:{PLANTED}@127.0.0.1:5432/d",
        f"postgres://u:{PLANTED}@/d",
        DATABASE,
        f"{DATABASE}/",
        "postgres://127.0.0.1:5432/d",
    ),
    "REDIS_URL": (
        PLANTED,
        f"rediss://:{PLANTED}@127.0.0.1",
        "redis://",
        f"redis://:{PLANTED}@",
        "http://127.0.0.1:6379/0",
        f"{PLANTED}:6379",
        "redis:127.0.0.1",
    ),
    "JWT_SECRET": (PLANTED, "x" * 31, "é" * 15, "x", "xyz", "secret", " " * 31),
    "HOST": (PLANTED, "localhost", "127.0.0.1:80", "256.0.0.1", "[::1]", "::1%", "1.2.3"),
    "PORT": (PLANTED, "0", "65536", "-1", "8080.0", "0x50", " 80"),
    "UPLOAD_DIR": (f"/{PLANTED}", "/proc", "/dev/null", "relative", "/nothing", "/etc/hostname", "/sys"),
    "DB_POOL_SIZE": (PLANTED, "0", "1001", "-1", "1e2", "32.0", " 32"),
    "LOG_LEVEL": (PLANTED, "debug", "INFO", "Warn", "info ", "2", "warning"),
}
"""Values that are wrong: the first of each are given together, then the second, and so on."""


def lines(*names: str, missing: bool = False) -> str:
    return "".join(f"fairground: {name}: {'is required' if missing else MESSAGES[name]}\n" for name in names)


@pytest.fixture(scope="module")
def refused(launcher: Launcher) -> Mapping[str, Ended]:
    """Starts that must fail, at once: each has several faults."""
    given = {
        "missing": dict.fromkeys(NAMES, ""),
        "some": {**launcher.services, "HOST": "here", "LOG_LEVEL": "all"},
        "taken": {**launcher.services, "HOST": "127.0.0.1", "PORT": str(launcher.taken_port)},
        "elsewhere": {**launcher.services, "HOST": "2001:db8::1", "PORT": "8080"},
        **{f"wrong {number}": {name: WRONG[name][number] for name in NAMES} for number in range(ROUNDS)},
    }
    with ThreadPoolExecutor(4) as pool:
        return dict(zip(given, pool.map(launcher.run, given.values()), strict=True))


@pytest.mark.parametrize("number", range(ROUNDS))
def test_each_wrong_value_is_told_in_the_tables_order_and_never_shown(refused: Mapping[str, Ended], number: int):
    ended = refused[f"wrong {number}"]
    assert ended.stderr == lines(*NAMES)
    assert ended.exit_code == 2
    assert PLANTED not in ended.stdout


def test_what_is_empty_counts_as_unset(refused: Mapping[str, Ended]):
    ended = refused["missing"]
    assert ended.stderr == lines("DATABASE_URL", "REDIS_URL", "JWT_SECRET", "UPLOAD_DIR", missing=True)
    assert ended.exit_code == 2


def test_only_what_is_wrong_is_told(refused: Mapping[str, Ended]):
    ended = refused["some"]
    assert ended.stderr == lines("HOST", "LOG_LEVEL")
    assert ended.exit_code == 2


def test_an_address_that_is_taken_ends_with_1(refused: Mapping[str, Ended], launcher: Launcher):
    ended = refused["taken"]
    start = f"fairground: cannot listen on 127.0.0.1:{launcher.taken_port}: "
    assert ended.stderr.startswith(start)
    assert ended.stderr.count("\n") == 1
    assert len(ended.stderr) > len(start) + 1
    assert ended.exit_code == 1


def test_an_address_of_ipv6_is_told_in_brackets(refused: Mapping[str, Ended]):
    ended = refused["elsewhere"]  # an address of documentation, which no machine has
    assert ended.stderr.startswith("fairground: cannot listen on [2001:db8::1]:8080: ")
    assert ended.exit_code == 1


def test_other_forms_of_the_urls_are_taken(launcher: Launcher):
    database = launcher.services["DATABASE_URL"].replace("postgres://", "postgresql://", 1) + "?sslmode=disable"
    user, at, host = launcher.services["REDIS_URL"].rpartition("@")
    redis = user.replace("redis://:", "redis://default:", 1) + at + host
    environment = {
        "DATABASE_URL": _encoded(database),
        "REDIS_URL": _encoded(redis.removesuffix("/0")),
        "JWT_SECRET": "é" * 16,
        "DB_POOL_SIZE": "1",
        "LOG_LEVEL": "error",
        "HOST": "0.0.0.0",  # noqa: S104 - the loopback interface is among all
    }
    with launcher.start(environment, cpus=launcher.cpus) as instance:
        # Its first connection to Redis may take longer than an answer of Redis may.
        wait_until(lambda: httpx.get(f"{instance.base_url}/readyz", timeout=10, trust_env=False).status_code == 200)
        instance.send_signal("TERM")
        ended = instance.wait()
    assert (ended.exit_code, ended.stderr) == (0, "")


def test_the_pool_has_as_many_connections_as_told(launcher: Launcher, target: Target):
    size = 3
    environment = {**launcher.services, "DB_POOL_SIZE": str(size), "LOG_LEVEL": "error"}
    with launcher.start(environment, cpus=launcher.cpus) as instance:
        small = target.model_copy(update={"base_url": instance.base_url, "pool_size": size})
        with open_context(small) as context:
            result = run_check(context, full_pool_gives_503_after_two_seconds)
    assert (result.outcome, result.detail) == ("passed", "")


def _encoded(url: str) -> str:
    """The same URL with each character of its password percent-encoded."""
    head, _, host = url.rpartition("@")
    start, _, password = head.rpartition(":")
    encoded = "".join(f"%{octet:02X}" for octet in password.encode())
    return f"{start}:{encoded}@{host}"
