"""The current settings of PostgreSQL and Redis, as the servers report them."""

import re
from itertools import zip_longest

from documents.base import Document
from documents.errors import HostError, RemoteCommandError
from documents.lab import PostgresService, RedisService
from provision.containers import execute
from provision.services.database import REDIS_LOGIN, run_sql
from provision.ssh import Connection, read_answer, unexpected

_DEADLINE_SECONDS = 30

_UNITS = {
    **{name: ("memory", 1024.0**power) for power, name in enumerate(("B", "kB", "MB", "GB", "TB"))},
    "us": ("time", 1e-6),
    "ms": ("time", 1e-3),
    "s": ("time", 1.0),
    "min": ("time", 60.0),
    "h": ("time", 3_600.0),
    "d": ("time", 86_400.0),
}
"""Units of settings by name, in bytes and seconds. Source: PostgreSQL, Parameter Names and Values."""

_NUMBER = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*([A-Za-z]*)\s*")

_TRUTH = {"on": "on", "true": "on", "yes": "on", "1": "on", "off": "off", "false": "off", "no": "off", "0": "off"}


class PostgresSetting(Document):
    """One of the server's settings, as pg_settings has it.

    `value` is in `unit` (such as ``8kB``, or None), `shown` with a unit that is easy to read; `kind` is bool, enum,
    integer, real or string.
    """

    value: str
    unit: str | None
    shown: str
    kind: str
    source: str


class PostgresOverride(Document):
    """A setting of a role or of a database, which has precedence over the server's; None stands for all of them."""

    role: str | None
    database: str | None
    name: str
    value: str


class PostgresState(Document):
    """PostgreSQL's settings, databases and seed.

    `altered` has the settings that ALTER SYSTEM wrote, in effect or not. `seeded_contract` is the hash that the seeded
    snapshot was loaded with; None if there is no complete one.
    """

    settings: dict[str, PostgresSetting]
    altered: dict[str, str]
    overrides: tuple[PostgresOverride, ...]
    databases: tuple[str, ...]
    seeded_contract: str | None


_POSTGRES = """
SELECT json_build_object(
  'settings', (
    SELECT json_object_agg(name, json_build_object(
      'value', coalesce(setting, ''), 'unit', unit, 'shown', coalesce(current_setting(name, true), ''), 'kind', vartype,
      'source', source))
    FROM pg_settings),
  'altered', (
    SELECT coalesce(json_object_agg(name, coalesce(setting, '')), '{}')
    FROM pg_file_settings WHERE sourcefile LIKE '%/postgresql.auto.conf' AND name IS NOT NULL),
  'overrides', (
    SELECT coalesce(json_agg(json_build_object(
      'role', rolname, 'database', datname, 'name', split_part(entry, '=', 1),
      'value', substr(entry, strpos(entry, '=') + 1)) ORDER BY rolname, datname, entry), '[]')
    FROM pg_db_role_setting
    CROSS JOIN unnest(setconfig) AS entry
    LEFT JOIN pg_roles ON pg_roles.oid = setrole
    LEFT JOIN pg_database ON pg_database.oid = setdatabase),
  'databases', (SELECT json_agg(datname ORDER BY datname) FROM pg_database),
  'seeded_contract', (SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = :'seed')
);
"""

# One by one, because releases before 7 take a single name; with a line before each, because an answer may be empty.
_CONFIGURATION = f"""{REDIS_LOGIN}
port=$1
shift
for name in "$@"; do
    echo "# $name"
    redis-cli -e -h 127.0.0.1 -p "$port" CONFIG GET "$name" || exit
done
"""


def read_postgres(connection: Connection, postgres: PostgresService) -> PostgresState:
    """Read PostgreSQL's settings, databases and seed.

    Raises:
        HostError: it doesn't answer, or refuses.
    """
    text = run_sql(connection, postgres, "postgres", _POSTGRES, deadline_seconds=_DEADLINE_SECONDS)
    return read_answer(PostgresState, text, what="its settings, databases and seed", where=connection)


def read_redis(connection: Connection, redis: RedisService, names: list[str]) -> dict[str, str]:
    """The values of settings of Redis, by name; those that it doesn't know are left out.

    Raises:
        HostError: it doesn't answer, or refuses.
    """
    try:
        answer = execute(
            connection,
            redis.container,
            ["sh", "-s", str(redis.port), *names],
            input=_CONFIGURATION,
            deadline_seconds=_DEADLINE_SECONDS,
        ).stdout
    except RemoteCommandError as error:
        raise HostError(f"Redis on {connection} refused: {error} Look at its container's log.") from error
    parts = [part.split("\n") for part in f"\n{answer.removesuffix(chr(10))}".split("\n# ")]
    found: dict[str, str] = {}
    # A missing name or part is None, which only the last case matches.
    for name, part in zip_longest(["", *names], parts):
        match part:
            case [heading, again, value] if heading == again == name:
                found[heading] = value
            case [heading] | [heading, ""] if heading == name:
                # Redis answers nothing for a name that it doesn't know.
                continue
            case _:
                raise unexpected(answer, what=f"the settings {', '.join(names)}", where=f"Redis on {connection}")
    return found


def means(declared: str, setting: PostgresSetting) -> bool:
    """Whether a declared text and the server's value of a setting mean the same."""
    if setting.kind == "bool":
        return _TRUTH.get(declared.strip().lower()) == setting.value
    if setting.kind == "enum":
        return declared.strip().lower() == setting.value.lower()
    if setting.kind in {"integer", "real"}:
        wanted, found = _amount(declared, setting.unit), _amount(setting.value, setting.unit)
        # The server rounds to whole units of its own.
        step = _amount("1", setting.unit) if setting.kind == "integer" else 0.0
        if wanted is None or found is None or step is None:
            return False
        return abs(wanted - found) <= max(step / 2, 1e-9 * abs(wanted))
    return declared == setting.value


def _amount(text: str, unit: str | None) -> float | None:
    """A number in bytes or seconds, or a plain one; `unit` is that of a number without one, such as ``8kB``."""
    match = _NUMBER.fullmatch(text)
    if match is None:
        return None
    number, given = float(match[1]), match[2]
    if unit is None:
        return number if not given else None
    of_server = _NUMBER.fullmatch(unit) or _NUMBER.fullmatch(f"1{unit}")
    kind, size = _UNITS.get(of_server[2], ("", 0.0)) if of_server else ("", 0.0)
    if not given:
        return number * size * float(of_server[1]) if of_server else None
    return number * _UNITS[given][1] if given in _UNITS and _UNITS[given][0] == kind else None
