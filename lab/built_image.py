"""An image of the lab's own as a resource: carried from the host that it was built on before, or built on the host."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, ResourceProvider

from documents.errors import HostError, LabError
from documents.host import Host
from documents.labels import stack_labels
from provision.build_context import hash_build_context
from provision.connection import connect
from provision.images import build_image, find_image
from provision.made_images import MadeImage, carry_from_elsewhere, forget_image, note_image

_MADE_OF = ("image", "source", "base", "base_id", "target", "stack")


class _BuiltImageProvider(ResourceProvider):
    def create(self, props: dict[str, Any]) -> CreateResult:
        host, name, recipe = Host.model_validate_json(props["host"]), _name(props), _recipe(props)
        with connect(host) as connection:
            image_id = carry_from_elsewhere(connection, host, name, recipe)
            if image_id is None:
                try:
                    image_id = build_image(
                        connection,
                        Path(props["context"]),
                        name=name,
                        base=props["base"],
                        target=props.get("target"),
                        labels=stack_labels(props["stack"]),
                    )
                except HostError as error:
                    # What ends an operation of the engine's is told in one line.
                    raise LabError(" ".join(str(error).split())) from error
        note_image(MadeImage(host=host, name=name, image_id=image_id, recipe=recipe))
        return CreateResult(id_=name, outs={**props, "image_id": image_id})

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        changed = [name for name in (*_MADE_OF, "host_id") if _olds.get(name) != _news.get(name)]
        return DiffResult(changes=bool(changed), replaces=changed, delete_before_replace=False)

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """A refresh notices that the image is gone, or that its name is another's by now."""
        with connect(Host.model_validate_json(props["host"])) as connection:
            is_there = find_image(connection, id_) == props["image_id"]
        return ReadResult(id_, props) if is_there else ReadResult(id_="", outs={})

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Forget the image. It stays: one of its name may have taken its place, and others go as superseded ones."""
        forget_image(Host.model_validate_json(_props["host"]), _id, _props["image_id"])


def _name(props: dict[str, Any]) -> str:
    """A name that changes with what the image is made of: its source, and how its base is made."""
    return f"{props['image']}:{props['source'][:12]}-{props['base'].rpartition(':')[2]}"


def _recipe(props: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps([props.get(name) for name in _MADE_OF]).encode()).hexdigest()


class BuiltImage(Resource, module="fairground", name="BuiltImage"):
    """An image made from a folder and the lab's base; made anew when and only when one of them or the host changes.

    On a host made anew its name may be another's that is there already; so it is never removed with its resource.
    """

    image_id: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        image: str,
        context: str,
        base: pulumi.Input[str],
        base_id: pulumi.Input[str],
        stack: str,
        host: pulumi.Input[Host],
        host_id: pulumi.Input[str],
        target: str | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare an image on `host`.

        Args:
            name: the resource's.
            image: the image's name, without its tag.
            context: the folder that it is built from, as seen from the project's.
            base: the name of the image that it starts from.
            base_id: the id of that.
            stack: the lab's name.
            host: how the host is reached.
            host_id: names the host.
            target: the stage of the Dockerfile; the last one unless given.
            opts: Pulumi's options.
        """
        super().__init__(
            _BuiltImageProvider(),
            name,
            {
                "image": image,
                "context": context,
                "source": hash_build_context(Path(context)),
                "base": base,
                "base_id": base_id,
                "target": target,
                "stack": stack,
                "host": pulumi.Output.from_input(host).apply(Host.to_json),
                "host_id": host_id,
                "image_id": None,
            },
            opts,
        )
