"""PostgreSQL and Redis on a host: their data, settings and readiness."""

from provision.services.database import count_statements, reset, seed, seed_database
from provision.services.readiness import wait_for_api, wait_for_lab, wait_for_postgres, wait_for_redis
from provision.services.settings import PostgresState, means, read_postgres, read_redis
from provision.services.variants import VariantContainer

__all__ = [
    "PostgresState",
    "VariantContainer",
    "count_statements",
    "means",
    "read_postgres",
    "read_redis",
    "reset",
    "seed",
    "seed_database",
    "wait_for_api",
    "wait_for_lab",
    "wait_for_postgres",
    "wait_for_redis",
]
