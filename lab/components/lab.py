"""The lab as one component: host, services, APIs; and what it exports."""

from pathlib import Path

import pulumi
import pulumi_docker as docker

from documents.lab import HostResources, Inventory, LoadHost, Secrets
from documents.stack import Stack
from lab.components.api import Api, ApiArgs
from lab.components.services import HostDockerEngine, Postgres, Redis
from lab.cores import describe_load_host, lay_out_cores, size_host
from lab.hosts import DeclaredLoadHost, host_slug
from lab.hosts.declare import declare_host
from lab.resources import BaseImage, Credentials, ReadyHost, ReadyLoadHost, SeededDatabase, hash_contract, ssh_options


class Lab(pulumi.ComponentResource):
    """Everything that a stack document describes, in the order in which it can be made.

    `inventory` describes the current lab for everything that uses it; `secrets` are the passwords that this takes.
    """

    inventory: pulumi.Output[Inventory]
    secrets: pulumi.Output[Secrets]

    def __init__(
        self,
        stack: Stack,
        *,
        controller: HostResources,
        stack_folder: Path,
    ) -> None:
        """Declare the lab.

        Raises:
            HostKeyError: a key of an existing host is neither given nor pinned.
        """
        super().__init__("fairground:index:Lab", stack.name)
        child = pulumi.ResourceOptions(parent=self)
        credentials = Credentials("credentials", opts=child)
        host = declare_host(stack, controller=controller, credentials=credentials, folder=stack_folder, opts=child)
        goes_with, slug = host.machine, host_slug(stack.host)
        ready = ReadyHost(
            "ready-host",
            host=host.host,
            host_id=host.host_id,
            has_load_hosts=bool(stack.load_host),
            opts=pulumi.ResourceOptions(parent=self, deleted_with=goes_with),
        )
        load_hosts = [
            _declare_load_host(f"ready-load-host-{number}", stack, declared, parent=self)
            for number, declared in enumerate(host.load_hosts, start=1)
        ]
        resources = ready.host_resources()
        layout = resources.apply(lambda resources: lay_out_cores(stack, resources))
        provider = docker.Provider(
            # A host that replaces another has its own: what was on the other one is removed through the other's.
            f"{slug}-engine",
            host=ready.docker_url,
            ssh_opts=host.host.apply(ssh_options),
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
        engine = HostDockerEngine(
            stack=stack.name,
            provider=provider,
            base=base,
            host=host.host,
            host_id=host.host_id,
            host_slug=slug,
            goes_with=goes_with,
        )
        postgres = Postgres(
            "postgres",
            engine=engine,
            document=stack.services.postgres,
            cpu_list=layout.apply(lambda layout: layout.cpu_list("postgres")),
            credentials=credentials,
            opts=child,
        )
        redis = Redis(
            "redis",
            engine=engine,
            document=stack.services.redis,
            cpu_list=layout.apply(lambda layout: layout.cpu_list("redis")),
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
                ApiArgs(
                    document=document,
                    engine=engine,
                    cpu_list=layout.apply(lambda layout: layout.cpu_list("api")),
                    listen_address=host.api_address,
                    credentials=credentials,
                    postgres_port=stack.services.postgres.port,
                    redis_port=stack.services.redis.port,
                    after=[seeded, redis],
                ),
                child,
            )
            for document in stack.apis
        ]
        self.inventory = pulumi.Output.all(
            host.host,
            resources,
            layout,
            base.image_id,
            postgres.service,
            redis.service,
            host.api_address,
            pulumi.Output.all(*load_hosts),
            *(api.service for api in apis),
        ).apply(
            lambda values: Inventory(
                stack=stack.name,
                host=values[0],
                size=size_host(values[1], stack.host),
                own_kernel=values[1].own_kernel,
                cores=values[2],
                base_image_id=values[3],
                postgres=values[4],
                redis=values[5],
                contract_sha256=hash_contract(),
                api_address=values[6],
                load_hosts=tuple(values[7]),
                apis=tuple(values[8:]),
            )
        )
        self.secrets = pulumi.Output.secret(
            pulumi.Output.all(credentials.postgres_password, credentials.redis_password, credentials.jwt_secret).apply(
                lambda values: Secrets(postgres_password=values[0], redis_password=values[1], jwt_secret=values[2])
            )
        )
        self.register_outputs({})


def _declare_load_host(
    name: str, stack: Stack, declared: DeclaredLoadHost, *, parent: pulumi.Resource
) -> pulumi.Output[LoadHost]:
    """Prepare a load host; returns its part of the inventory."""
    ready = ReadyLoadHost(
        name,
        host=declared.host,
        host_id=declared.host_id,
        opts=pulumi.ResourceOptions(parent=parent, deleted_with=declared.machine),
    )
    return pulumi.Output.all(declared.host, ready.host_resources()).apply(
        lambda values: describe_load_host(values[0], values[1], stack.host)
    )
