"""PostgreSQL's data on a host: seeded once, reset for each cell; and Redis's, emptied."""

from pathlib import Path

from documents.errors import HostError, RemoteCommandError
from documents.lab import REDIS_CONFIGURATION, Inventory, PostgresService, RedisService
from provision.containers import execute, volume_path
from provision.services.readiness import wait_for_postgres
from provision.ssh import Connection

_RESET_SECONDS = 60
_GRACE_SECONDS = 5

# The lock is held until psql connects to the new database. A run that is ended during its reset leaves a psql behind in
# the container, which goes on; without the lock, the next reset would fail, because both create the same database.
# The reset also ends the counting of statements, in case a controller was killed during that.
_RESET = """
SELECT pg_advisory_lock(1);
ALTER ROLE CURRENT_USER RESET pg_stat_statements.track;
DROP DATABASE IF EXISTS :"database" WITH (FORCE);
CREATE DATABASE :"database" TEMPLATE :"seed" STRATEGY FILE_COPY;
\\connect :"database"
VACUUM (ANALYZE);
CHECKPOINT;
"""

# The password reaches redis-cli by its environment, from the container's configuration file, so it isn't in an argument
# list and doesn't leave the host.
REDIS_LOGIN = f'REDISCLI_AUTH=$(sed -n "s/^requirepass //p" {REDIS_CONFIGURATION}); export REDISCLI_AUTH'
"""The beginning of a shell script in Redis's container; redis-cli then needs no password."""

_FLUSH = f'{REDIS_LOGIN}; exec redis-cli -e -h 127.0.0.1 -p "$1" FLUSHALL SYNC'


def reset(connection: Connection, inventory: Inventory) -> None:
    """Put the database back to its seeded snapshot and empty the cache.

    Raises:
        HostError: the database was never seeded, or a service doesn't answer.
    """
    reset_database(connection, inventory.postgres)
    flush_cache(connection, inventory.redis)


def reset_database(connection: Connection, postgres: PostgresService) -> None:
    """Recreate the database from its seeded snapshot; open connections to it are ended.

    Statements are no longer counted. It waits for another reset that is under way, within its own 60 s. The new
    database is vacuumed, analysed and written to disk, so that no autovacuum and no checkpoint of the reset falls into
    the load.

    Raises:
        HostError: the database was never seeded, or PostgreSQL doesn't answer.
    """
    run_sql(connection, postgres, "postgres", _RESET, deadline_seconds=_RESET_SECONDS)


def flush_cache(connection: Connection, redis: RedisService) -> None:
    """Empty Redis.

    Raises:
        HostError: Redis doesn't answer, or refuses.
    """
    try:
        execute(
            connection,
            redis.container,
            ["sh", "-s", str(redis.port)],
            input=_FLUSH,
            deadline_seconds=_RESET_SECONDS,
        )
    except RemoteCommandError as error:
        raise HostError(f"Redis on {connection} couldn't be emptied: {error} Look at its container's log.") from error


def empty_uploads(connection: Connection, volume: str) -> None:
    """Remove all files from an API's upload volume; the API should be stopped.

    Raises:
        HostError: there is no such volume.
    """
    path = volume_path(connection, volume)
    connection.run(["find", path, "-mindepth", "1", "-delete"], deadline_seconds=_RESET_SECONDS)


def seed_database(postgres: PostgresService) -> str:
    """The name of the seeded snapshot."""
    return f"{postgres.database}_seed"


def run_sql(
    connection: Connection, postgres: PostgresService, database: str, sql: str | bytes, *, deadline_seconds: float
) -> str:
    """Have psql in the PostgreSQL container run a script; the first error ends it.

    Args:
        connection: to the host.
        postgres: the service.
        database: which database psql connects to first.
        sql: the script, psql's own commands included. ``:"database"`` and ``:"seed"`` stand for the names of the
            database and of its seeded snapshot, quoted by psql as SQL wants it; ``:'seed'`` is the snapshot's name as a
            string literal.
        deadline_seconds: when it is ended, in the container too.

    Returns:
        The rows, unaligned, without headers.

    Raises:
        HostError: PostgreSQL doesn't answer, or refuses a statement.
    """
    # `docker exec` that is killed leaves its process alive in the container: the deadline holds there as well.
    command = [
        *("timeout", "-s", "KILL", f"{deadline_seconds:.0f}"),
        *("psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1"),
        f"--set=database={postgres.database}",
        f"--set=seed={seed_database(postgres)}",
        *("--username", postgres.user, "--port", str(postgres.port), "--dbname", database),
    ]
    try:
        done = execute(
            connection, postgres.container, command, input=sql, deadline_seconds=deadline_seconds + _GRACE_SECONDS
        )
    except RemoteCommandError as error:
        raise HostError(f"PostgreSQL on {connection} refused: {error} Look at its container's log.") from error
    return done.stdout


# A role's setting goes before the server's, and holds from a session's start: the pools' sessions are ended, and
# the APIs open new ones.
_COUNT = """
ALTER ROLE CURRENT_USER SET pg_stat_statements.track = 'top';
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = current_user AND pid <> pg_backend_pid();
"""

_COUNTING_SECONDS = 30


def count_statements(connection: Connection, postgres: PostgresService) -> None:
    """Have PostgreSQL count the statements of every session, until the next `reset`.

    Raises:
        HostError: PostgreSQL doesn't answer.
    """
    run_sql(connection, postgres, "postgres", _COUNT, deadline_seconds=_COUNTING_SECONDS)


_CREATE = """
DROP DATABASE IF EXISTS :"seed" WITH (FORCE);
CREATE DATABASE :"seed";
"""

_SETTLE = """
VACUUM (FREEZE, ANALYZE);
CHECKPOINT;
"""

_CONTRACT = """
SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = :'seed';
"""

_LOAD_SECONDS = 300
_SEEDING_SECONDS = 60


def seed(
    connection: Connection,
    postgres: PostgresService,
    *,
    schema_sql: str,
    seed_sql_path: Path,
    contract_sha256: str,
) -> bool:
    """Load schema and seed into the snapshot, and make the database from it.

    Once all is done, `contract_sha256`, which identifies schema and seed, is written as a comment on the snapshot: a
    repetition with the same hash changes nothing, and one that was interrupted is done again.

    Returns:
        Whether anything had to be loaded.

    Raises:
        HostError: PostgreSQL doesn't answer, or refuses a statement.
    """
    wait_for_postgres(connection, postgres)
    if seeded_contract(connection, postgres) == contract_sha256:
        return False
    run_sql(connection, postgres, "postgres", _CREATE, deadline_seconds=_SEEDING_SECONDS)
    script = schema_sql.encode() + b"\n" + seed_sql_path.read_bytes()
    run_sql(connection, postgres, seed_database(postgres), script, deadline_seconds=_LOAD_SECONDS)
    run_sql(connection, postgres, seed_database(postgres), _SETTLE, deadline_seconds=_LOAD_SECONDS)
    reset_database(connection, postgres)
    comment = f"COMMENT ON DATABASE :\"seed\" IS '{contract_sha256}';\n"
    run_sql(connection, postgres, "postgres", comment, deadline_seconds=_SEEDING_SECONDS)
    return True


def seeded_contract(connection: Connection, postgres: PostgresService) -> str | None:
    """The hash of the contract that the snapshot was seeded with; None if its seeding was interrupted or never begun.

    Raises:
        HostError: PostgreSQL doesn't answer.
    """
    found = run_sql(connection, postgres, "postgres", _CONTRACT, deadline_seconds=_SEEDING_SECONDS)
    return found.strip() or None
