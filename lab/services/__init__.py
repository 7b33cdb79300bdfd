"""The services that all APIs share: PostgreSQL and Redis, as containers on the host."""
