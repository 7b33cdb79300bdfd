"""The lab as one component: host, services, APIs; and what it exports."""

from pathlib import Path

import pulumi
import pulumi_docker as docker

from documents.cores import CoreLayout
from documents.inventory import Inventory, Secrets
from documents.stack import Stack
from lab.api import Api
from lab.base_image import BaseImage
from lab.cores import PhysicalCore, explicit_cores, split_cores, take_cores
from lab.credentials import Credentials
from lab.host_engine import HostEngine
from lab.hosts.container import ContainerHost, size_container_host
from lab.hosts.ready import ReadyHost
from lab.seed import SeededDatabase, hash_contract
from lab.services.postgres import Postgres
from lab.services.redis import Redis
from lab.ssh_files import HOST_KEY_ALIAS

SSH_OPTIONS = (
    "-o",
    "IdentitiesOnly=yes",
    "-o",
    "StrictHostKeyChecking=yes",
    "-o",
    "GlobalKnownHostsFile=/dev/null",
    "-o",
    f"HostKeyAlias={HOST_KEY_ALIAS}",
)


def lay_out_cores(stack: Stack, topology: tuple[PhysicalCore, ...]) -> CoreLayout:
    """The core layout of the stack on a host of this topology.

    Raises:
        DocumentError: the layout that the document asks for doesn't fit.
    """
    if stack.cores == "auto":
        return split_cores(topology)
    return explicit_cores(stack.cores, topology)


class Lab(pulumi.ComponentResource):
    """Everything that a stack document describes, in the order in which it can be made.

    `inventory` is the lab as it stands, for all who come after; `secrets` what they need to talk to it.
    """

    inventory: pulumi.Output[Inventory]
    secrets: pulumi.Output[Secrets]

    def __init__(
        self,
        stack: Stack,
        *,
        topology: tuple[PhysicalCore, ...],
        memory_bytes: int,
        state_folder: Path,
    ) -> None:
        """Declare the lab.

        Args:
            stack: the stack document.
            topology: the controller's physical cores.
            memory_bytes: the controller's memory.
            state_folder: a folder of the stack's own on the controller, for its SSH files.

        Raises:
            DocumentError: the document asks for a core layout that doesn't fit.
        """
        super().__init__("fairground:index:Lab", stack.name)
        child = pulumi.ResourceOptions(parent=self)
        taken = take_cores(topology, stack.host.cpus)
        layout = lay_out_cores(stack, taken)
        size = size_container_host(stack.host, taken, memory_bytes)

        credentials = Credentials("credentials", opts=child)
        host = ContainerHost(
            "container-host",
            stack=stack.name,
            document=stack.host,
            base_image=stack.base_image,
            size=size,
            credentials=credentials,
            ssh_folder=str(state_folder / "ssh"),
            opts=child,
        )
        goes_with = host.container
        ready = ReadyHost(
            "ready-host",
            host=host.host,
            host_id=host.host_id,
            opts=pulumi.ResourceOptions(parent=self, deleted_with=goes_with),
        )
        provider = docker.Provider(
            "host-engine",
            host=ready.docker_url,
            ssh_opts=host.host.apply(
                lambda host: [
                    *SSH_OPTIONS,
                    "-i",
                    host.private_key_path,
                    "-o",
                    f"UserKnownHostsFile={host.known_hosts_path}",
                ]
            ),
            opts=child,
        )
        base = BaseImage(
            "host-base",
            image=stack.base_image,
            stack=stack.name,
            host=host.host,
            host_id=host.host_id,
            opts=pulumi.ResourceOptions(parent=self, deleted_with=goes_with, depends_on=[ready]),
        )
        engine = HostEngine(stack=stack.name, provider=provider, base=base, host_id=host.host_id, goes_with=goes_with)
        postgres = Postgres(
            "postgres",
            engine=engine,
            document=stack.services.postgres,
            cpu_list=layout.cpu_list("postgres"),
            credentials=credentials,
            opts=child,
        )
        redis = Redis(
            "redis",
            engine=engine,
            document=stack.services.redis,
            cpu_list=layout.cpu_list("redis"),
            credentials=credentials,
            opts=child,
        )
        seeded = SeededDatabase(
            "seeded-database",
            host=host.host,
            postgres=postgres.service,
            container_id=postgres.container.id,
            opts=pulumi.ResourceOptions(parent=self, deleted_with=goes_with),
        )
        apis = [
            Api(
                document,
                engine=engine,
                cpu_list=layout.cpu_list("api"),
                credentials=credentials,
                postgres_port=stack.services.postgres.port,
                redis_port=stack.services.redis.port,
                after=[seeded, redis],
                opts=child,
            )
            for document in stack.apis
        ]
        self.inventory = pulumi.Output.all(
            host.host, base.image_id, postgres.service, redis.service, *(api.service for api in apis)
        ).apply(
            lambda values: Inventory(
                stack=stack.name,
                host=values[0],
                size=size,
                cores=layout,
                base_image_id=values[1],
                postgres=values[2],
                redis=values[3],
                contract_sha256=hash_contract(),
                apis=tuple(values[4:]),
            )
        )
        self.secrets = pulumi.Output.secret(
            pulumi.Output.all(credentials.postgres_password, credentials.redis_password, credentials.jwt_secret).apply(
                lambda values: Secrets(postgres_password=values[0], redis_password=values[1], jwt_secret=values[2])
            )
        )
        self.register_outputs({})
