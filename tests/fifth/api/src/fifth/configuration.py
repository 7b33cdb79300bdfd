"""The environment, which is the only configuration."""

import ipaddress
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import TypeVar
from urllib.parse import unquote, urlsplit

_LARGEST_PORT = 65_535
_LARGEST_POOL = 1_000
_LEAST_SECRET_OCTETS = 32
_DECIMAL = re.compile(r"0|[1-9][0-9]*")

Value = TypeVar("Value")


class ConfigurationError(Exception):
    """Variables that are missing or wrong; each line names one and never shows its value."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


@dataclass(frozen=True, slots=True)
class Postgres:
    """Where PostgreSQL is, and as whom."""

    host: str
    port: int
    user: str
    password: str | None
    database: str


@dataclass(frozen=True, slots=True)
class Redis:
    """Where Redis is, and as whom."""

    host: str
    port: int
    user: str | None
    password: str | None
    number: int


@dataclass(frozen=True, slots=True)
class Configuration:
    """All that the environment says."""

    postgres: Postgres
    redis: Redis
    secret: bytes
    host: str
    port: int
    uploads: Path
    pool_size: int
    log_level: str


def read_configuration(environment: Mapping[str, str]) -> Configuration:
    """Read every variable; one that is empty counts as unset.

    Raises:
        ConfigurationError: some are missing or wrong; all of them are told, in the order of the contract.
    """
    lines: list[str] = []

    def read(name: str, parse: Callable[[str], Value | None], message: str, default: str | None) -> Value | None:
        text = environment.get(name) or default
        value = None if text is None else parse(text)
        if value is None:
            lines.append(f"fairground: {name}: {'is required' if text is None else message}")
        return value

    postgres = read("DATABASE_URL", _postgres, "must be a postgres:// URL with user, host and database", None)
    redis = read("REDIS_URL", _redis, "must be a redis:// URL with a host", None)
    secret = read("JWT_SECRET", _secret, f"must be at least {_LEAST_SECRET_OCTETS} bytes", None)
    host = read("HOST", _address, "must be an IP address", "127.0.0.1")
    port = read("PORT", _up_to(_LARGEST_PORT), f"must be an integer from 1 to {_LARGEST_PORT}", "8080")
    uploads = read("UPLOAD_DIR", _writable, "must be a directory that can be written to", None)
    pool_size = read("DB_POOL_SIZE", _up_to(_LARGEST_POOL), f"must be an integer from 1 to {_LARGEST_POOL}", "32")
    log_level = read("LOG_LEVEL", _level, "must be error, warn or info", "info")
    if (
        postgres is None
        or redis is None
        or secret is None
        or host is None
        or port is None
        or uploads is None
        or pool_size is None
        or log_level is None
    ):
        raise ConfigurationError(lines)
    return Configuration(postgres, redis, secret, host, port, uploads, pool_size, log_level)


def _postgres(text: str) -> Postgres | None:
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:
        return None
    database = unquote(url.path.removeprefix("/"))
    if url.scheme not in {"postgres", "postgresql"} or not url.hostname or not url.username or not database:
        return None
    if port == 0 or "/" in url.path.removeprefix("/") or url.query not in {"", "sslmode=disable"} or url.fragment:
        return None
    password = None if url.password is None else unquote(url.password)
    return Postgres(unquote(url.hostname), port or 5432, unquote(url.username), password, database)


def _redis(text: str) -> Redis | None:
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:
        return None
    number = url.path.removeprefix("/") or "0"
    if url.scheme != "redis" or not url.hostname or port == 0 or not _DECIMAL.fullmatch(number):
        return None
    if url.query or url.fragment:
        return None
    user = unquote(url.username) if url.username else None
    password = unquote(url.password) if url.password else None
    return Redis(unquote(url.hostname), port or 6379, user, password, int(number))


def _secret(text: str) -> bytes | None:
    octets = os.fsencode(text)
    return octets if len(octets) >= _LEAST_SECRET_OCTETS else None


def _address(text: str) -> str | None:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None


def _up_to(largest: int) -> Callable[[str], int | None]:
    def parse(text: str) -> int | None:
        # Python itself refuses to read a number of thousands of digits.
        if not _DECIMAL.fullmatch(text) or len(text) > len(str(largest)):
            return None
        return int(text) if 1 <= int(text) <= largest else None

    return parse


def _writable(text: str) -> Path | None:
    try:
        with TemporaryFile(dir=text):
            return Path(text)
    except OSError:
        return None


def _level(text: str) -> str | None:
    return text if text in {"error", "warn", "info"} else None
