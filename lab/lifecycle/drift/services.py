"""What PostgreSQL and Redis are at work with, against what the inventory tells of them."""

import re
from collections.abc import Mapping

from documents.inventory import PostgresService, RedisService
from lab.lifecycle.drift.comparison import Comparison
from provision.database import seed_database
from provision.service_settings import PostgresSetting, PostgresState

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

_OWN = frozenset({"user", "database", "database user"})
"""Where a setting comes from that is a role's or a database's own."""


def compare_postgres(
    comparison: Comparison, postgres: PostgresService, state: PostgresState, *, contract_sha256: str | None
) -> None:
    """Compare PostgreSQL's settings, its databases and the seed with the inventory.

    A setting of the server's command line goes before one that ALTER SYSTEM wrote, and after one of a role or of a
    database.
    """
    subject = "postgres"
    for name, declared in sorted({**postgres.settings, "port": str(postgres.port)}.items()):
        setting = state.settings.get(name)
        if setting is None:
            comparison.expect(subject, f"its setting {name}", declared, None)
        elif setting.source not in _OWN:
            effective = declared if means(declared, setting) else setting.shown
            comparison.expect(subject, f"its setting {name}", declared, effective)
    for override in state.overrides:
        role, database = override.role, override.database
        owners = " in ".join(
            [*([f"the role {role}"] if role else []), *([f"the database {database}"] if database else [])]
        )
        target = f"ROLE {role or 'ALL'}{f' IN DATABASE {database}' if database else ''}"
        if database and not role:
            target = f"DATABASE {database}"
        comparison.expect(
            subject,
            f"its setting {override.name} for {owners or 'all roles'}",
            None,
            override.value,
            remedy=f"take it back with `ALTER {target} RESET {override.name}`",
        )
    for name, value in sorted(state.altered.items()):
        idle = name in postgres.settings or name == "port"
        comparison.expect(
            subject,
            f"its setting {name} by ALTER SYSTEM",
            None,
            value,
            remedy=f"take it back with `ALTER SYSTEM RESET {name}` and `SELECT pg_reload_conf()`",
            why="without effect, for the server's command line goes first" if idle else "",
        )
    for name in (postgres.database, seed_database(postgres)):
        comparison.expect(subject, "its database", name, name if name in state.databases else None, remedy=_ANEW)
    if contract_sha256 is not None and seed_database(postgres) in state.databases:
        comparison.expect(subject, "its seeded contract", contract_sha256, state.seeded_contract, remedy=_ANEW)


_ANEW = "run `lab down` and `lab up`, which seed it anew"


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
    """A number in bytes, seconds or as it is; `unit` is that of a number without one, such as ``8kB``."""
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


def redis_settings(redis: RedisService) -> dict[str, str]:
    """What the lab's configuration of Redis says, by name, but for the password."""
    return {
        "bind": "127.0.0.1",
        "port": str(redis.port),
        **{name: value.strip('"') for name, value in redis.settings.items()},
    }


def compare_redis(comparison: Comparison, redis: RedisService, found: Mapping[str, str]) -> None:
    """Compare the settings that the lab gives Redis with those that it has."""
    for name, declared in sorted(redis_settings(redis).items()):
        comparison.expect(
            "redis",
            f"its setting {name}",
            declared or '""',
            None if name not in found else found[name] or '""',
            remedy=f"restart it: `docker restart {redis.container}` on its engine",
        )
