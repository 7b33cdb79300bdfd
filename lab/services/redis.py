"""Redis on the host."""

import pulumi
import pulumi_docker as docker

from documents.inventory import RedisService
from documents.stack import Redis as RedisDocument
from lab.credentials import Credentials
from lab.host_engine import HostEngine

CONTAINER = "fairground-redis"
CONFIGURATION_FILE = "/etc/redis/lab.conf"


SETTINGS = {
    "protected-mode": "yes",
    "save": '""',
    "appendonly": "no",
    "tcp-backlog": "1024",
}
"""A cache that never writes to disk."""


def write_configuration(port: int, password: str) -> str:
    """Redis's configuration: loopback only, a password, and its settings."""
    settings = (f"{name} {value}" for name, value in SETTINGS.items())
    return "\n".join(("bind 127.0.0.1", f"port {port}", f"requirepass {password}", *settings, ""))


class Redis(pulumi.ComponentResource):
    """Redis 8 on Debian's packages, or the image that the document names, on the host's loopback interface."""

    service: pulumi.Output[RedisService]
    container: docker.Container

    def __init__(
        self,
        name: str,
        *,
        engine: HostEngine,
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
        self.container = docker.Container(
            "redis",
            name=CONTAINER,
            image=image.image_id,
            command=["redis-server", CONFIGURATION_FILE],
            network_mode="host",
            cpu_set=cpu_list,
            restart="unless-stopped",
            labels=engine.container_labels(),
            uploads=[
                docker.ContainerUploadArgs(
                    file=CONFIGURATION_FILE,
                    content=credentials.redis_password.apply(
                        lambda password: write_configuration(document.port, password)
                    ),
                    permissions="0444",
                )
            ],
            log_opts={"max-size": "10m"},
            opts=engine.options(self),
        )
        self.service = pulumi.Output.all(self.container.id, image.image_id).apply(
            lambda values: RedisService(container=CONTAINER, image_id=values[1], port=document.port, settings=SETTINGS)
        )
        self.register_outputs({})
