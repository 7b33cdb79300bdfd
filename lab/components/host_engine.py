"""What everything on a host's Docker engine is declared with: the provider, the labels, the host that it goes with."""

from dataclasses import dataclass

import pulumi
import pulumi_docker as docker

from documents.lab import HOST_LABEL, STACK_LABEL, Host
from lab.resources import BaseImage, BuiltImage, BuiltImageArgs


@dataclass(frozen=True)
class HostEngine:
    """The Docker engine of a host, reached through SSH once the host is ready.

    `host` is how the host is reached, and `host_id` names it; what is made on it is made anew with it. Where `place` is
    another, so is the host, and what has the same name on both is made on it all the same. `goes_with` is
    the resource whose end takes all of it along, so that a destroy needn't ask an engine that is about to vanish.
    """

    stack: str
    provider: docker.Provider
    base: BaseImage
    host: pulumi.Output[Host]
    host_id: pulumi.Output[str]
    place: str
    goes_with: pulumi.Resource

    def options(self, parent: pulumi.Resource) -> pulumi.ResourceOptions:
        """The options of a resource on this engine."""
        return pulumi.ResourceOptions(
            parent=parent,
            provider=self.provider,
            deleted_with=self.goes_with,
            replacement_trigger=self.place,
        )

    def container_labels(self) -> list[docker.ContainerLabelArgs]:
        """The labels of a container on this engine."""
        return [
            docker.ContainerLabelArgs(label=STACK_LABEL, value=self.stack),
            docker.ContainerLabelArgs(label=HOST_LABEL, value=self.host_id),
        ]

    def volume_labels(self) -> list[docker.VolumeLabelArgs]:
        """The labels of a volume on this engine."""
        return [docker.VolumeLabelArgs(label=STACK_LABEL, value=self.stack)]

    def build_image(
        self, name: str, *, context: str, image: str, parent: pulumi.Resource, target: str | None = None
    ) -> BuiltImage:
        """Declare an image made from the folder `context` and the lab's base.

        It is named by what it is made of, so that a container on the old image never stands in the way of the
        new one, and made anew when and only when that changes.
        """
        args = BuiltImageArgs(
            image=image,
            context=context,
            base=self.base.tag,
            base_id=self.base.image_id,
            stack=self.stack,
            host=self.host,
            host_id=self.host_id,
            target=target,
        )
        return BuiltImage(name, args, pulumi.ResourceOptions(parent=parent, deleted_with=self.goes_with))

    def pull_image(self, name: str, *, image: str, parent: pulumi.Resource) -> docker.RemoteImage:
        """Declare an image that the stack document names, pulled on the host."""
        return docker.RemoteImage(
            name, name=image, keep_locally=True, triggers={"host": self.host_id}, opts=self.options(parent)
        )
