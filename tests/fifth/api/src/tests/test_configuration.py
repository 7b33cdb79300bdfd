"""The environment: what is taken, and what is said of what isn't."""

from pathlib import Path

import pytest

from fifth.configuration import ConfigurationError, Postgres, Redis, read_configuration


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The least that is required."""
    return {
        "DATABASE_URL": "postgres://me:p%40ss@db:5433/fair",
        "REDIS_URL": "redis://:p%2Fw@cache/2",
        "JWT_SECRET": "x" * 32,
        "UPLOAD_DIR": str(tmp_path),
    }


def test_the_least_environment_is_enough(environment: dict[str, str], tmp_path: Path):
    found = read_configuration({**environment, "PORT": "", "LOG_LEVEL": "warn"})
    assert found.postgres == Postgres("db", 5433, "me", "p@ss", "fair")
    assert found.redis == Redis("cache", 6379, None, "p/w", 2)
    assert (found.host, found.port, found.pool_size, found.log_level) == ("127.0.0.1", 8080, 32, "warn")
    assert found.uploads == tmp_path


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://me@db/fair"),
        ("DATABASE_URL", "postgres://db/fair"),
        ("DATABASE_URL", "postgres://me@db"),
        ("DATABASE_URL", "postgres://me@db:x/fair"),
        ("REDIS_URL", "redis:///0"),
        ("REDIS_URL", "redis://cache/zero"),
        ("JWT_SECRET", "x" * 31),
        ("HOST", "localhost"),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "08080"),
        ("UPLOAD_DIR", "/nowhere"),
        ("DB_POOL_SIZE", "1001"),
        ("DB_POOL_SIZE", "9" * 5_000),
        ("LOG_LEVEL", "debug"),
    ],
)
def test_a_value_that_is_wrong_is_told_and_not_shown(environment: dict[str, str], name: str, value: str):
    with pytest.raises(ConfigurationError) as refused:
        read_configuration({**environment, name: value})
    (line,) = refused.value.lines
    assert line.startswith(f"fairground: {name}: must be ")
    assert value[5:] not in line or len(value) < 10


def test_everything_that_is_missing_is_told_in_order():
    with pytest.raises(ConfigurationError) as refused:
        read_configuration({"LOG_LEVEL": "loud"})
    assert refused.value.lines == [
        "fairground: DATABASE_URL: is required",
        "fairground: REDIS_URL: is required",
        "fairground: JWT_SECRET: is required",
        "fairground: UPLOAD_DIR: is required",
        "fairground: LOG_LEVEL: must be error, warn or info",
    ]
