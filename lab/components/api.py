"""One API on the host: its image, built there from its own folder, and its container."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_docker as docker

from documents.lab import POOL_SIZE, UPLOAD_FOLDER, ApiService
from documents.stack import Api as ApiDocument
from lab.components.services import DATABASE, USER, HostDockerEngine
from lab.resources import Credentials
from provision.images.context import hash_build_context

_STOP_SECONDS = 15
"""The contract gives an API 10 s to finish open requests; after this time it is killed."""


@dataclass(frozen=True)
class ApiArgs:
    """An API, and what it is made with.

    Attributes:
        document: its entry in the stack document.
        engine: the Docker engine of its host.
        cpu_list: its CPUs.
        listen_address: the address of the host at which it listens.
        credentials: the lab's.
        postgres_port: PostgreSQL's.
        redis_port: Redis's.
        after: resources that must exist before its container starts; its image is built at the same time.
    """

    document: ApiDocument
    engine: HostDockerEngine
    cpu_list: pulumi.Input[str]
    listen_address: pulumi.Input[str]
    credentials: Credentials
    postgres_port: int
    redis_port: int
    after: Sequence[pulumi.Resource]


class Api(pulumi.ComponentResource):
    """An API under test, configured by its environment alone, on the host's loopback interface.

    Its root file system is read-only except for the upload volume and a tmpfs at /tmp; it has no capability and can
    gain none.
    """

    service: pulumi.Output[ApiService]

    def __init__(self, args: ApiArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Declare the API: its image, built on the host, and its container."""
        document, engine, credentials = args.document, args.engine, args.credentials
        name = document.name
        super().__init__("fairground:apis:Api", name, None, opts)
        image = engine.build_image(
            f"{name}-image",
            context=document.source,
            image=f"fairground-api-{name}",
            target=document.target,
            parent=self,
        )
        container_name = f"fairground-api-{name}"
        volume_name = f"fairground-uploads-{name}"
        volume = docker.Volume(
            f"{name}-uploads", name=volume_name, labels=engine.volume_labels(), opts=engine.options(self)
        )
        environment = {
            "HOST": args.listen_address,
            "LOG_LEVEL": "warn",
            "DB_POOL_SIZE": str(POOL_SIZE),
            "PORT": str(document.port),
            "UPLOAD_DIR": UPLOAD_FOLDER,
            **document.environment,
        }
        secret_environment = {
            "DATABASE_URL": credentials.postgres_password.apply(
                lambda password: f"postgres://{USER}:{password}@127.0.0.1:{args.postgres_port}/{DATABASE}"
            ),
            "JWT_SECRET": credentials.jwt_secret,
            "REDIS_URL": credentials.redis_password.apply(
                lambda password: f"redis://:{password}@127.0.0.1:{args.redis_port}/0"
            ),
        }
        container = docker.Container(
            name,
            name=container_name,
            image=image.image_id,
            network_mode="host",
            cpu_set=args.cpu_list,
            restart="unless-stopped",
            labels=engine.container_labels(),
            envs=[
                *(pulumi.Output.concat(key, "=", value) for key, value in sorted(environment.items())),
                *(pulumi.Output.concat(key, "=", value) for key, value in sorted(secret_environment.items())),
            ],
            read_only=True,
            tmpfs={"/tmp": "mode=1777,size=64m"},  # noqa: S108 - the container's own
            volumes=[docker.ContainerVolumeArgs(volume_name=volume.name, container_path=UPLOAD_FOLDER)],
            capabilities=docker.ContainerCapabilitiesArgs(drops=["ALL"]),
            security_opts=["no-new-privileges:true"],
            stop_timeout=_STOP_SECONDS,
            destroy_grace_seconds=_STOP_SECONDS,
            log_opts={"max-size": "10m"},
            opts=pulumi.ResourceOptions.merge(
                engine.options(self), pulumi.ResourceOptions(depends_on=list(args.after))
            ),
        )
        source_sha256 = hash_build_context(Path(document.source))
        self.service = pulumi.Output.all(container.id, image.image_id).apply(
            lambda values: ApiService(
                name=name,
                source=document.source,
                source_sha256=source_sha256,
                image_id=values[1],
                container=container_name,
                port=document.port,
                environment=document.environment,
                upload_volume=volume_name,
                target=document.target,
            )
        )
        self.register_outputs({})
