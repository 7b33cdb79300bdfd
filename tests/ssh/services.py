"""Throw-away services on this machine's Docker engine: the lab's own images of PostgreSQL and Redis.

The images stay for the next time, labelled ``org.fairground.stack=provision-test``; containers and volumes don't.
"""

import os
import secrets
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from documents.lab.host import CoreLayout, Host, HostSize
from documents.lab.inventory import ApiService, Inventory, PostgresService, RedisService
from provision.system import base_image_tag, make_base_image_here
from tests.docker import docker, making
from tests.ports import free_port

STACK = "provision-test"
BASE = "debian:trixie-slim"
IMAGES = Path(__file__).parents[2] / "lab" / "images"

# The lab's defaults, as far as they bear on how long a reset takes.
POSTGRES_SETTINGS = {
    "autovacuum": "off",
    "checkpoint_timeout": "15min",
    "max_wal_size": "4GB",
    "shared_buffers": "512MB",
}


class Services:
    """PostgreSQL and Redis in containers with names of their own, until `remove`.

    Args:
        folder: an empty one, for their files.
        settings: what of PostgreSQL is set beside `POSTGRES_SETTINGS`.
    """

    def __init__(self, folder: Path, settings: Mapping[str, str] = MappingProxyType({})) -> None:
        self.folder = folder
        self.password = secrets.token_hex(16)
        self.suffix = f"{os.getpid()}-{secrets.token_hex(3)}"
        self.postgres = PostgresService(
            container=f"{STACK}-postgres-{self.suffix}",
            image_id=build("postgres"),
            port=free_port(),
            database="fairground",
            user="fairground",
            settings={**POSTGRES_SETTINGS, **settings},
        )
        self.redis = RedisService(
            container=f"{STACK}-redis-{self.suffix}", image_id=build("redis"), port=free_port(), settings={}
        )
        self.volume = f"{STACK}-uploads-{self.suffix}"

    def start(self) -> None:
        for name, content in {
            "postgres-password": f"{self.password}\n",
            "redis.conf": f"bind 127.0.0.1\nport {self.redis.port}\nrequirepass {self.password}\nsave ''\n",
        }.items():
            (self.folder / name).write_text(content)
            (self.folder / name).chmod(0o444)
        docker("volume", "create", "--label", f"org.fairground.stack={STACK}", self.volume)
        settings = [part for key, value in self.postgres.settings.items() for part in ("-c", f"{key}={value}")]
        run = ("run", "--detach", "--network=host", f"--label=org.fairground.stack={STACK}")
        docker(
            *run,
            f"--name={self.postgres.container}",
            "--shm-size=256m",
            f"--env=PGPORT={self.postgres.port}",
            f"--env=POSTGRES_DB={self.postgres.database}",
            f"--env=POSTGRES_USER={self.postgres.user}",
            "--env=POSTGRES_PASSWORD_FILE=/run/fairground-postgres-password",
            f"--volume={self.folder / 'postgres-password'}:/run/fairground-postgres-password:ro",
            self.postgres.image_id,
            *("postgres", "-c", "listen_addresses=127.0.0.1", "-c", f"port={self.postgres.port}", *settings),
        )
        docker(
            *run,
            f"--name={self.redis.container}",
            f"--volume={self.folder / 'redis.conf'}:/etc/redis/lab.conf:ro",
            f"--volume={self.volume}:/uploads",
            self.redis.image_id,
            *("redis-server", "/etc/redis/lab.conf"),
        )

    def remove(self) -> None:
        for container in (self.postgres.container, self.redis.container):
            subprocess.run(["docker", "rm", "--force", "--volumes", container], capture_output=True, check=False)
        subprocess.run(["docker", "volume", "rm", "--force", self.volume], capture_output=True, check=False)

    def inventory(self, host: Host) -> Inventory:
        """An inventory that has these services, on whatever host reaches this machine's engine."""
        cores = CoreLayout(api=(1,), postgres=(0,), redis=(0,), generator=(0,), system=(0,), shared=True)
        api = ApiService(
            name="go",
            source="apis/go",
            source_sha256="0",
            image_id="sha256:0",
            container=f"{STACK}-api",
            port=18080,
            environment={},
            upload_volume=self.volume,
        )
        return small_inventory(host, cores, self.postgres, self.redis, api)


def small_inventory(
    host: Host, cores: CoreLayout, postgres: PostgresService, redis: RedisService, api: ApiService
) -> Inventory:
    """An inventory of two CPUs and one API."""
    return Inventory(
        stack=STACK,
        host=host,
        size=HostSize(cpus=(0, 1), memory_bytes=1 << 32, smaller=True),
        own_kernel=False,
        cores=cores,
        base_image_id="sha256:0",
        postgres=postgres,
        redis=redis,
        contract_sha256="5" * 64,
        apis=(api,),
    )


def build(service: str) -> str:
    """The id of the lab's image of a service, built where it isn't there."""
    return build_on_base(service, str(IMAGES / service))


def base() -> str:
    """The id of the lab's base, made where it isn't there."""
    return make_base_image_here(BASE, base_image_tag(BASE, STACK)).id


def build_on_base(name: str, context: str, *, dockerfile: str | None = None) -> str:
    """The id of an image on the lab's base, built where it isn't there; a `dockerfile` is text for the context `-`."""
    tag = f"{STACK}-{name}:latest"
    with making(tag):
        docker(
            *("build", "--quiet", "--network=host", f"--build-arg=BASE={base()}", f"--tag={tag}"),
            *(f"--label=org.fairground.stack={STACK}", context),
            given=dockerfile,
            timeout=1_800,
        )
    return docker("image", "inspect", "--format={{.Id}}", tag)
