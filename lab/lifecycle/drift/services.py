"""What PostgreSQL and Redis are at work with, against what the inventory tells of them."""

from collections.abc import Mapping

from documents.inventory import PostgresService, RedisService
from lab.lifecycle.drift.comparison import Comparison
from provision.database import seed_database
from provision.service_settings import PostgresState, means

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
