"""The seeded snapshot: schema and seed loaded once into a database of their own, from which each cell's is made."""

from pathlib import Path

from documents.lab import PostgresService
from provision.services.database import reset_database, run_sql, seed_database
from provision.services.readiness import wait_for_postgres
from provision.ssh import Connection

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
_DEADLINE_SECONDS = 60


def seed(
    connection: Connection,
    postgres: PostgresService,
    *,
    schema_sql: str,
    seed_sql_path: Path,
    contract_sha256: str,
) -> bool:
    """Load schema and seed into the snapshot, and make the database from it.

    The contract's hash is written beside the snapshot once all is done, as the comment on it: a repetition with the
    same hash changes nothing, and one that was interrupted is done anew.

    Args:
        connection: to the host.
        postgres: the service.
        schema_sql: the schema's statements.
        seed_sql_path: the seed's script for psql, on this side.
        contract_sha256: what identifies schema and seed.

    Returns:
        Whether anything had to be loaded.

    Raises:
        HostError: PostgreSQL doesn't answer, or refuses a statement.
    """
    wait_for_postgres(connection, postgres)
    if seeded_contract(connection, postgres) == contract_sha256:
        return False
    run_sql(connection, postgres, "postgres", _CREATE, deadline_seconds=_DEADLINE_SECONDS)
    script = schema_sql.encode() + b"\n" + seed_sql_path.read_bytes()
    run_sql(connection, postgres, seed_database(postgres), script, deadline_seconds=_LOAD_SECONDS)
    run_sql(connection, postgres, seed_database(postgres), _SETTLE, deadline_seconds=_LOAD_SECONDS)
    reset_database(connection, postgres)
    comment = f"COMMENT ON DATABASE :\"seed\" IS '{contract_sha256}';\n"
    run_sql(connection, postgres, "postgres", comment, deadline_seconds=_DEADLINE_SECONDS)
    return True


def seeded_contract(connection: Connection, postgres: PostgresService) -> str | None:
    """The hash of the contract that the snapshot was seeded with; None where there is none, or none that is whole.

    Raises:
        HostError: PostgreSQL doesn't answer.
    """
    found = run_sql(connection, postgres, "postgres", _CONTRACT, deadline_seconds=_DEADLINE_SECONDS)
    return found.strip() or None
