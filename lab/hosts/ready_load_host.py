"""A load host that is ready: SSH answers with the pinned key, and all that puts load on is there."""

from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider

from documents.host import Host, HostResources
from lab.hosts.ready import BOOT_SECONDS
from provision.connection import connect
from provision.identity import read_resources
from provision.preparation import prepare_load_host


class _ReadyLoadHostProvider(ResourceProvider):
    def create(self, props: dict[str, Any]) -> CreateResult:
        host = Host.model_validate_json(props["host"])
        with connect(host, deadline_seconds=BOOT_SECONDS[host.kind]) as connection:
            prepare_load_host(connection)
            resources = read_resources(connection)
        return CreateResult(id_=props["host_id"], outs={**props, "resources": resources.to_json()})

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        changed = [name for name in ("host", "host_id") if _olds.get(name) != _news.get(name)]
        return DiffResult(changes=bool(changed), replaces=changed, delete_before_replace=True)


class ReadyLoadHost(Resource, module="fairground", name="ReadyLoadHost"):
    """Waits until the load host answers over SSH, and prepares it. Made anew with the host (`host_id`)."""

    resources: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        host: pulumi.Input[Host],
        host_id: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare that `host` is to be ready."""
        document = pulumi.Output.from_input(host).apply(Host.to_json)
        super().__init__(
            _ReadyLoadHostProvider(), name, {"host": document, "host_id": host_id, "resources": None}, opts
        )

    def read_resources(self) -> pulumi.Output[HostResources]:
        """What the host has, known once it is ready."""
        return self.resources.apply(lambda text: HostResources.from_json(text, name="the load host's resources"))
