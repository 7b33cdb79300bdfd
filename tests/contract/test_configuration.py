"""The environment: what is refused, how that is said, and what is taken."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import httpx
import pytest
import redis

from apis.contract.checks import Target, open_context, run_check
from apis.contract.checks.database import a_full_pool_gives_503_within_three_seconds
from tests.conftest import NIGHTLY
from tests.contract.instances import Ended, Launcher
from tests.ssh.waiting import wait_until

PLANTED = "planted-5b7d2048"

WRONG = {
    "DATABASE_URL": (f"mysql://u:{PLANTED}@127.0.0.1/d", PLANTED, ""),
    "REDIS_URL": ("", PLANTED, f"http://:{PLANTED}@127.0.0.1:6379/0"),
    "JWT_SECRET": ("", PLANTED),
    "HOST": (PLANTED, "256.0.0.1"),
    "PORT": (PLANTED, "0", "65536"),
    "UPLOAD_DIR": ("", f"/{PLANTED}"),
    "DB_POOL_SIZE": (PLANTED, "0", "1001"),
    "LOG_LEVEL": (PLANTED, "debug"),
}
"""Values that are wrong; what is empty counts as unset. The gate tries the last of each variable."""

CASES = [(name, value) for name, values in WRONG.items() for value in (values if NIGHTLY else values[-1:])]


@pytest.fixture(scope="module")
def refused(launcher: Launcher) -> Mapping[tuple[str, str], Ended]:
    """Starts that must fail, each for one variable, some at once."""
    given = [{**launcher.services, "HOST": "127.0.0.1", name: value} for name, value in CASES]
    with ThreadPoolExecutor(4) as pool:
        return dict(zip(CASES, pool.map(launcher.run, given), strict=True))


@pytest.mark.parametrize(("name", "value"), CASES)
def test_a_wrong_value_ends_it_with_a_message_that_names_the_variable_and_not_the_value(
    refused: Mapping[tuple[str, str], Ended], name: str, value: str
):
    ended = refused[name, value]
    assert name in ended.stderr
    assert ended.exit_code != 0
    assert PLANTED not in ended.stderr + ended.stdout


def test_variables_may_be_unset_and_urls_are_read_in_full(launcher: Launcher, target: Target):
    encoded = {name: _encoded(launcher.services[name]) for name in ("DATABASE_URL", "REDIS_URL")}
    encoded["REDIS_URL"] = _other_database(encoded["REDIS_URL"])
    environment = {**launcher.services, **encoded}
    cache = redis.Redis.from_url(_other_database(target.redis_url or ""))  # pyright: ignore[reportUnknownMemberType]
    with (
        launcher.start(environment, cpus=launcher.cpus) as instance,
        httpx.Client(base_url=instance.base_url, timeout=10, trust_env=False) as client,
        cache,
    ):

        def is_cached() -> bool:
            client.get("/api/posts/1").raise_for_status()
            return cache.exists("post:1") == 1

        # Its first connection to Redis may take longer than an answer of Redis may.
        wait_until(lambda: client.get("/readyz").status_code == 200)
        wait_until(is_cached, what="a post in the other database of Redis")
        cache.flushdb()  # pyright: ignore[reportUnknownMemberType]
        instance.send_signal("TERM")
        assert instance.wait().exit_code == 0


def test_the_pool_has_as_many_connections_as_it_is_given(launcher: Launcher, target: Target):
    size = 3
    environment = {**launcher.services, "DB_POOL_SIZE": str(size), "LOG_LEVEL": "error"}
    with launcher.start(environment, cpus=launcher.cpus) as instance:
        small = target.model_copy(update={"base_url": instance.base_url, "pool_size": size})
        with open_context(small) as context:
            result = run_check(context, a_full_pool_gives_503_within_three_seconds)
    assert (result.outcome, result.detail) == ("passed", "")


def _other_database(url: str) -> str:
    return urlsplit(url)._replace(path="/1").geturl()


def _encoded(url: str) -> str:
    """The same URL with each character of its password percent-encoded."""
    head, _, host = url.rpartition("@")
    start, _, password = head.rpartition(":")
    return f"{start}:{''.join(f'%{octet:02X}' for octet in password.encode())}@{host}"
