"""A host that is ready: SSH answers with the pinned key, the Docker engine answers, all that a run needs is there."""

from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider

from documents.host import Host, HostResources
from lab.docker_ssh import docker_url
from provision.connection import connect
from provision.identity import read_resources
from provision.preparation import prepare, prepare_for_network

BOOT_SECONDS = {"container": 90, "ssh": 90, "aws": 300, "hetzner": 300}
"""How long a host is waited for: a machine that a cloud makes boots a whole system, and then cloud-init."""

_VERSION = "2"
"""Of what is read from a host: a lab that was stood up before it was read has it read."""


class _ReadyHostProvider(ResourceProvider):
    def create(self, props: dict[str, Any]) -> CreateResult:
        host = Host.model_validate_json(props["host"])
        with connect(host, deadline_seconds=BOOT_SECONDS[host.kind]) as connection:
            tools = prepare(connection)
            if props["has_load_hosts"]:
                prepare_for_network(connection)
            resources = read_resources(connection)
        read = {"docker_url": docker_url(host), "tools": dict(tools), "resources": resources.to_json()}
        return CreateResult(id_=props["host_id"], outs={**props, **read})

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        changed = [
            name for name in ("host", "host_id", "has_load_hosts", "version") if _olds.get(name) != _news.get(name)
        ]
        return DiffResult(changes=bool(changed), replaces=changed, delete_before_replace=True)


class ReadyHost(Resource, module="fairground", name="ReadyHost"):
    """Waits until the host answers over SSH and its engine does, and prepares it; what comes after may rely on it.

    Made anew with the host (`host_id`).
    """

    docker_url: pulumi.Output[str]
    tools: pulumi.Output[dict[str, str]]
    resources: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        host: pulumi.Input[Host],
        host_id: pulumi.Input[str],
        has_load_hosts: bool,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare that `host` is to be ready; where it has load hosts, also to measure what lies between."""
        document = pulumi.Output.from_input(host).apply(Host.to_json)
        super().__init__(
            _ReadyHostProvider(),
            name,
            {
                "host": document,
                "host_id": host_id,
                "has_load_hosts": has_load_hosts,
                "version": _VERSION,
                "docker_url": None,
                "tools": None,
                "resources": None,
            },
            opts,
        )

    def read_resources(self) -> pulumi.Output[HostResources]:
        """What the host has, known once it is ready."""
        return self.resources.apply(lambda text: HostResources.from_json(text, name="the host's resources"))
