"""A host that is ready: SSH answers with the pinned key, the Docker engine answers, all that a run needs is there."""

from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider

from documents.host import Host
from provision.connection import connect
from provision.preparation import prepare

_BOOT_SECONDS = 90


class _ReadyHostProvider(ResourceProvider):
    def create(self, props: dict[str, Any]) -> CreateResult:
        host = Host.model_validate_json(props["host"])
        with connect(host, deadline_seconds=_BOOT_SECONDS) as connection:
            tools = prepare(connection)
        url = f"ssh://{host.user}@{host.address}:{host.port}"
        return CreateResult(id_=props["host_id"], outs={**props, "docker_url": url, "tools": dict(tools)})

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        changed = [name for name in ("host", "host_id") if _olds.get(name) != _news.get(name)]
        return DiffResult(changes=bool(changed), replaces=changed, delete_before_replace=True)


class ReadyHost(Resource, module="fairground", name="ReadyHost"):
    """Waits until the host answers over SSH and its engine does, and prepares it; what comes after may rely on it.

    Made anew with the host (`host_id`).
    """

    docker_url: pulumi.Output[str]
    tools: pulumi.Output[dict[str, str]]

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
            _ReadyHostProvider(),
            name,
            {"host": document, "host_id": host_id, "docker_url": None, "tools": None},
            opts,
        )
