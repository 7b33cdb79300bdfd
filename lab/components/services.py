"""PostgreSQL and Redis on the host, and the Docker engine on which everything there is declared."""

from dataclasses import dataclass

import pulumi
import pulumi_docker as docker

from documents.lab import HOST_LABEL, REDIS_CONFIGURATION, STACK_LABEL, Host, PostgresService, RedisService
from documents.stack import Postgres as PostgresDocument
from documents.stack import Redis as RedisDocument
from lab.resources import BaseImage, BuiltImage, BuiltImageArgs, Credentials


@dataclass(frozen=True)
class HostDockerEngine:
    """The Docker engine of a host, reached through SSH once the host is ready.

    `host` is how the host is reached. `host_id` names it: a new id recreates everything on it. `host_slug` changes when
    the lab moves to another host, so that equal names there are created too. `goes_with` is the resource whose removal
    removes all of it, so that a destroy needn't call an engine that is about to vanish.
    """

    stack: str
    provider: docker.Provider
    base: BaseImage
    host: pulumi.Output[Host]
    host_id: pulumi.Output[str]
    host_slug: str
    goes_with: pulumi.Resource

    def options(self, parent: pulumi.Resource) -> pulumi.ResourceOptions:
        """The options of a resource on this engine."""
        return pulumi.ResourceOptions(
            parent=parent,
            provider=self.provider,
            deleted_with=self.goes_with,
            replacement_trigger=self.host_slug,
        )

    def container_labels(self) -> list[docker.ContainerLabelArgs]:
        """The labels of a container on this engine."""
        return [
            docker.ContainerLabelArgs(label=STACK_LABEL, value=self.stack),
            docker.ContainerLabelArgs(label=HOST_LABEL, value=self.host_id),
        ]

    def volume_labels(self) -> list[docker.VolumeLabelArgs]:
        """The labels of a volume on this engine."""
        return [docker.VolumeLabelArgs(label=STACK_LABEL, value=self.stack)]

    def build_image(
        self, name: str, *, context: str, image: str, parent: pulumi.Resource, target: str | None = None
    ) -> BuiltImage:
        """Declare an image made from the folder `context` and the lab's base.

        Its name changes with its sources, so that a container on the old image never blocks the new one. It is rebuilt
        when, and only when, they change.
        """
        args = BuiltImageArgs(
            image=image,
            context=context,
            base=self.base.tag,
            base_id=self.base.image_id,
            stack=self.stack,
            host=self.host,
            host_id=self.host_id,
            target=target,
        )
        return BuiltImage(name, args, pulumi.ResourceOptions(parent=parent, deleted_with=self.goes_with))

    def pull_image(self, name: str, *, image: str, parent: pulumi.Resource) -> docker.RemoteImage:
        """Declare an image that the stack document names, pulled on the host."""
        return docker.RemoteImage(
            name, name=image, keep_locally=True, triggers={"host": self.host_id}, opts=self.options(parent)
        )


DATABASE = "fairground"
USER = "fairground"
POSTGRES_CONTAINER = "fairground-postgres"

_PASSWORD_FILE = "/run/fairground-postgres-password"  # noqa: S105 - a path, not a password

POSTGRES_SETTINGS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "max_connections": "200",
    "shared_buffers": "1GB",
    "effective_cache_size": "4GB",
    "work_mem": "8MB",
    "maintenance_work_mem": "256MB",
    "wal_level": "replica",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",
    "autovacuum": "off",
    "log_min_messages": "warning",
}
"""The server's settings unless the stack document says otherwise. Autovacuum is off and checkpoints are far apart,
because each cell begins with both done: neither must fall into some load windows only."""

_LAB_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "shared_preload_libraries": "pg_stat_statements",
    # Off during measurements; the contract's checks switch it on for their own statements.
    "pg_stat_statements.track": "none",
    "pg_stat_statements.track_utility": "off",
}


class Postgres(pulumi.ComponentResource):
    """PostgreSQL 17 on Debian's packages, or the image that the document names, on the host's loopback interface."""

    service: pulumi.Output[PostgresService]
    container: docker.Container

    def __init__(
        self,
        name: str,
        *,
        engine: HostDockerEngine,
        document: PostgresDocument,
        cpu_list: pulumi.Input[str],
        credentials: Credentials,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare PostgreSQL on the engine's host, on the CPUs of `cpu_list`."""
        super().__init__("fairground:services:Postgres", name, None, opts)
        if document.image is None:
            image = engine.build_image(
                "postgres-image", context="lab/images/postgres", image="fairground-postgres", parent=self
            )
        else:
            image = engine.pull_image("postgres-image", image=document.image, parent=self)
        settings = {**POSTGRES_SETTINGS, **document.settings, **_LAB_SETTINGS}
        given = {**settings, "port": str(document.port)}
        command = ["postgres"]
        for key, value in sorted(given.items()):
            command += ["-c", f"{key}={value}"]
        volume = docker.Volume(
            "postgres-data",
            name="fairground-postgres-data",
            labels=engine.volume_labels(),
            opts=engine.options(self),
        )
        self.container = docker.Container(
            "postgres",
            name=POSTGRES_CONTAINER,
            image=image.image_id,
            command=command,
            network_mode="host",
            cpu_set=cpu_list,
            restart="unless-stopped",
            labels=engine.container_labels(),
            envs=[
                f"PGPORT={document.port}",
                f"POSTGRES_DB={DATABASE}",
                f"POSTGRES_PASSWORD_FILE={_PASSWORD_FILE}",
                f"POSTGRES_USER={USER}",
            ],
            uploads=[
                docker.ContainerUploadArgs(
                    file=_PASSWORD_FILE,
                    content=credentials.postgres_password.apply(lambda password: f"{password}\n"),
                    permissions="0444",
                )
            ],
            volumes=[docker.ContainerVolumeArgs(volume_name=volume.name, container_path="/var/lib/postgresql/data")],
            shm_size=256,
            stop_timeout=30,
            log_opts={"max-size": "10m"},
            opts=engine.options(self),
        )
        self.service = pulumi.Output.all(self.container.id, image.image_id).apply(
            lambda values: PostgresService(
                container=POSTGRES_CONTAINER,
                image_id=values[1],
                port=document.port,
                database=DATABASE,
                user=USER,
                settings=settings,
            )
        )
        self.register_outputs({})


REDIS_CONTAINER = "fairground-redis"

REDIS_SETTINGS = {
    "protected-mode": "yes",
    "save": '""',
    "appendonly": "no",
    "tcp-backlog": "1024",
}
"""A cache that never writes to disk."""


def redis_configuration(port: int, password: str) -> str:
    """Redis's configuration: loopback only, a password, and its settings."""
    settings = (f"{name} {value}" for name, value in REDIS_SETTINGS.items())
    return "\n".join(("bind 127.0.0.1", f"port {port}", f"requirepass {password}", *settings, ""))


class Redis(pulumi.ComponentResource):
    """Redis 8 on Debian's packages, or the image that the document names, on the host's loopback interface."""

    service: pulumi.Output[RedisService]

    def __init__(
        self,
        name: str,
        *,
        engine: HostDockerEngine,
        document: RedisDocument,
        cpu_list: pulumi.Input[str],
        credentials: Credentials,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare Redis on the engine's host, on the CPUs of `cpu_list`."""
        super().__init__("fairground:services:Redis", name, None, opts)
        if document.image is None:
            image = engine.build_image("redis-image", context="lab/images/redis", image="fairground-redis", parent=self)
        else:
            image = engine.pull_image("redis-image", image=document.image, parent=self)
        container = docker.Container(
            "redis",
            name=REDIS_CONTAINER,
            image=image.image_id,
            command=["redis-server", REDIS_CONFIGURATION],
            network_mode="host",
            cpu_set=cpu_list,
            restart="unless-stopped",
            labels=engine.container_labels(),
            uploads=[
                docker.ContainerUploadArgs(
                    file=REDIS_CONFIGURATION,
                    content=credentials.redis_password.apply(
                        lambda password: redis_configuration(document.port, password)
                    ),
                    permissions="0444",
                )
            ],
            log_opts={"max-size": "10m"},
            opts=engine.options(self),
        )
        self.service = pulumi.Output.all(container.id, image.image_id).apply(
            lambda values: RedisService(
                container=REDIS_CONTAINER, image_id=values[1], port=document.port, settings=REDIS_SETTINGS
            )
        )
        self.register_outputs({})
