"""The seeded database as a resource: schema and seed loaded once into the template that every cell begins from."""

import hashlib
import tempfile
from pathlib import Path
from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, Resource

from apis.contract.seed import SEED_SHA256, write_seed
from documents.lab import Host, PostgresService
from lab.resources.provider import Provider
from provision.services import seed
from provision.ssh import connect

_SCHEMA = Path("apis/contract/schema.sql")


class _SeededDatabaseProvider(Provider):
    replaced_by = ("container_id", "content_sha256")
    deleted_first = True

    def create(self, props: dict[str, Any]) -> CreateResult:
        host = Host.model_validate_json(props["host"])
        postgres = PostgresService.model_validate_json(props["postgres"])
        with tempfile.TemporaryDirectory(prefix="fairground-seed-") as folder, connect(host) as connection:
            path = Path(folder) / "seed.sql"
            write_seed(path)
            schema = _SCHEMA.read_text(encoding="utf-8")
            seed(connection, postgres, schema_sql=schema, seed_sql_path=path, contract_sha256=props["content_sha256"])
        return CreateResult(id_=f"{props['container_id'][:12]}-{props['content_sha256'][:12]}", outs=props)


class SeededDatabase(Resource, module="fairground", name="SeededDatabase"):
    """Schema and seed in PostgreSQL; loaded again with a new container, and when either changes."""

    def __init__(
        self,
        name: str,
        *,
        host: pulumi.Input[Host],
        postgres: pulumi.Output[PostgresService],
        container_id: pulumi.Output[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the seeded database on the host's PostgreSQL."""
        super().__init__(
            _SeededDatabaseProvider(),
            name,
            {
                "host": pulumi.Output.from_input(host).apply(Host.to_json),
                "postgres": postgres.apply(PostgresService.to_json),
                "container_id": container_id,
                "content_sha256": hash_contract(),
            },
            opts,
        )


def hash_contract() -> str:
    """SHA-256 of the schema and of the seed, whose recorded hash `write_seed` checks."""
    return hashlib.sha256(_SCHEMA.read_bytes() + SEED_SHA256.encode()).hexdigest()
