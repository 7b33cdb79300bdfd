"""The lab's claim on a host that it didn't make, as a resource: its end undoes all that the lab did there."""

import secrets
from pathlib import Path
from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider, UpdateResult
from pulumi.runtime.rpc import UNKNOWN

from documents.host import Host
from lab.hosts.kept import add_kept
from provision.claim import claim, release
from provision.connection import connect
from provision.preparation import let_user_reach_engine, prepare, prepare_load_host


class _ClaimedHostProvider(ResourceProvider):
    def create(self, props: dict[str, Any]) -> CreateResult:
        host = Host.model_validate_json(props["host"])
        with connect(host) as connection:
            claim(connection, props["stack"], props["lab"])
            if props["for_load"]:
                prepare_load_host(connection)
            else:
                prepare(connection)
                if host.user != "root":
                    let_user_reach_engine(connection, host.user)
        return CreateResult(id_=f"claim-{secrets.token_hex(8)}", outs=props)

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Whether the images are kept matters at the end alone."""
        return UpdateResult(outs=_news)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        names = ("host", "stack", "lab", "for_load", "keep_images", "folder")
        changed = [name for name in names if _olds.get(name) != _news.get(name)]
        replaces = [name for name in changed if name in {"host", "stack", "lab", "for_load"}]
        # Another machine is claimed before this one is left, and takes over what was built here. On one and the same,
        # known by its key, the end of the old claim would undo what is done under the new one.
        return DiffResult(changes=bool(changed), replaces=replaces, delete_before_replace=_is_one_machine(_olds, _news))

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        with connect(Host.model_validate_json(_props["host"])) as connection:
            kept = release(connection, keep_images=_props["keep_images"])
        add_kept(Path(_props["folder"]), kept)


def _is_one_machine(olds: dict[str, Any], news: dict[str, Any]) -> bool:
    """Whether both are claims on one machine: not on one whose SSH files are yet to be made, as in a preview."""
    if news["host"] == UNKNOWN:
        return False
    old, new = (Host.model_validate_json(props["host"]).host_public_key for props in (olds, news))
    return old == new


class ClaimedHost(Resource, module="fairground", name="ClaimedHost"):
    """A host that exists, claimed for the lab and prepared; what was changed on it is undone when this goes."""

    def __init__(
        self,
        name: str,
        *,
        host: pulumi.Input[Host],
        stack: str,
        lab: pulumi.Input[str],
        for_load: bool,
        keep_images: bool,
        folder: str,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the claim.

        Args:
            name: the resource's.
            host: how it is reached.
            stack: the lab's name.
            lab: what tells this lab from another of that name.
            for_load: whether load is put on the lab's host from it, so that it needs no Docker engine.
            keep_images: whether images and build cache outlive the lab.
            folder: the stack's own on the controller.
            opts: Pulumi's options.
        """
        super().__init__(
            _ClaimedHostProvider(),
            name,
            {
                "host": pulumi.Output.from_input(host).apply(Host.to_json),
                "stack": stack,
                "lab": lab,
                "for_load": for_load,
                "keep_images": keep_images,
                "folder": folder,
            },
            opts,
        )
