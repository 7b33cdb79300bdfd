"""Images as resources: the Debian base, and the lab's own, built on the host or carried there."""

import hashlib
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, ReadResult, Resource

from documents.errors import HostError, LabError
from documents.lab import STACK_LABEL, Host
from lab.resources.provider import Provider
from provision.containers import LOCAL_DOCKER, HostDocker, Labelled, remove_labelled
from provision.images import (
    MadeImage,
    build_image,
    carry_from_elsewhere,
    find_image,
    forget_image,
    hash_build_context,
    note_image,
)
from provision.ssh import connect
from provision.system import base_image_tag, make_base_image_here, make_base_image_on_host

_RECIPE = "base"
"""A base's name changes with what it is made of."""

_CARRY_SECONDS = 300


class _BaseImageProvider(Provider):
    replaced_by = ("image", "tag", "host_id")

    def create(self, props: dict[str, Any]) -> CreateResult:
        image, tag = props["image"], props["tag"]
        if props.get("host") is None:
            made = make_base_image_here(image, tag)
        else:
            host = Host.model_validate_json(props["host"])
            with connect(host) as connection:
                # A base that exists already, as one that was carried, is only inspected.
                if host.kind != "container":
                    carry_from_elsewhere(connection, host, tag, _RECIPE)
                elif find_image(HostDocker(connection), tag) is None:
                    _carry_into(props["host_id"], tag)
                made = make_base_image_on_host(connection, image, tag)
            note_image(MadeImage(host=host, name=tag, image_id=made.id, recipe=_RECIPE))
        return CreateResult(id_=tag, outs={**props, "image_id": made.id})

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """A refresh notices that the controller's base is gone; a host's base is removed with its host."""
        if props.get("host") is None and find_image(LOCAL_DOCKER, props["tag"]) is None:
            return ReadResult(id_="", outs={})
        return ReadResult(id_, props)

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Remove the controller's base; a host's base is removed with its host, or stays there for the next lab."""
        if _props.get("host") is not None:
            return
        try:
            remove_labelled(LOCAL_DOCKER, Labelled("image", _id, _props["tag"]))
        except LabError as error:
            raise LabError(f"The base image {_props['tag']} can't be removed: {error}") from error


class BaseImage(Resource, module="fairground", name="BaseImage"):
    """The base that every image of the lab starts from, tagged by what it is made of.

    `host_id` names the host that it is built on, None for the controller; a host's base is removed with its host.
    """

    tag: pulumi.Output[str]
    image_id: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        image: str,
        stack: str,
        host: pulumi.Input[Host] | None = None,
        host_id: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the base made from `image` for the stack, on the controller or on `host`."""
        document = None if host is None else pulumi.Output.from_input(host).apply(Host.to_json)
        super().__init__(
            _BaseImageProvider(),
            name,
            {
                "image": image,
                "tag": base_image_tag(image, stack),
                "host": document,
                "host_id": host_id,
                "image_id": None,
            },
            opts,
        )


def _carry_into(container: str, tag: str) -> None:
    """Copy the controller's base to a host that is a container, by Docker alone.

    If it fails or takes too long, the base is built on the host.
    """
    load = ["docker", "exec", "--interactive", container, "docker", "load", "--quiet"]
    with subprocess.Popen(["docker", "save", "--", tag], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as saved:
        try:
            subprocess.run(load, stdin=saved.stdout, capture_output=True, check=False, timeout=_CARRY_SECONDS)
        except subprocess.TimeoutExpired:
            saved.kill()


_MADE_OF = ("image", "source", "base", "base_id", "target", "stack")


class _BuiltImageProvider(Provider):
    replaced_by = (*_MADE_OF, "host_id")

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
                        labels={STACK_LABEL: props["stack"]},
                    )
                except HostError as error:
                    # An error that ends an operation of the engine is shown on one line.
                    raise LabError(" ".join(str(error).split())) from error
        note_image(MadeImage(host=host, name=name, image_id=image_id, recipe=recipe))
        return CreateResult(id_=name, outs={**props, "image_id": image_id})

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """A refresh notices that the image is gone, or that another image has its name."""
        with connect(Host.model_validate_json(props["host"])) as connection:
            is_there = find_image(HostDocker(connection), id_) == props["image_id"]
        return ReadResult(id_, props) if is_there else ReadResult(id_="", outs={})

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Forget the image. It isn't removed: another may have its name, and `lab up` removes superseded ones."""
        forget_image(Host.model_validate_json(_props["host"]), _id, _props["image_id"])


def _name(props: dict[str, Any]) -> str:
    """A name that changes with the image's source and with its base."""
    return f"{props['image']}:{props['source'][:12]}-{props['base'].rpartition(':')[2]}"


def _recipe(props: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps([props.get(name) for name in _MADE_OF]).encode()).hexdigest()


@dataclass(frozen=True)
class BuiltImageArgs:
    """What a built image is built from, and where.

    Attributes:
        image: the image's name, without its tag.
        context: the folder that it is built from, relative to the project.
        base: the name of the image that it starts from.
        base_id: the id of that image.
        stack: the lab's name.
        host: how the host is reached.
        host_id: names the host.
        target: the stage of the Dockerfile; the last one unless given.
    """

    image: str
    context: str
    base: pulumi.Input[str]
    base_id: pulumi.Input[str]
    stack: str
    host: pulumi.Input[Host]
    host_id: pulumi.Input[str]
    target: str | None = None


class BuiltImage(Resource, module="fairground", name="BuiltImage"):
    """An image built from a folder and the lab's base; rebuilt when, and only when, one of them or the host changes.

    On a recreated host another image may already have its name, so it isn't removed with its resource.
    """

    image_id: pulumi.Output[str]

    def __init__(self, name: str, args: BuiltImageArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Declare an image."""
        super().__init__(
            _BuiltImageProvider(),
            name,
            {
                "image": args.image,
                "context": args.context,
                "source": hash_build_context(Path(args.context)),
                "base": args.base,
                "base_id": args.base_id,
                "target": args.target,
                "stack": args.stack,
                "host": pulumi.Output.from_input(args.host).apply(Host.to_json),
                "host_id": args.host_id,
                "image_id": None,
            },
            opts,
        )
