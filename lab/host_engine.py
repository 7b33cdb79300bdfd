"""What everything on a host's Docker engine is declared with: the provider, the labels, the host that it goes with."""

from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_docker as docker

from documents.labels import HOST_LABEL, STACK_LABEL, stack_labels
from lab.base_image import BaseImage
from provision.build_context import hash_build_context


@dataclass(frozen=True)
class HostEngine:
    """The Docker engine of a host, reached through SSH once the host is ready.

    `host_id` names the host; what is made on it is made anew with it. `goes_with` is the resource whose end takes
    all of it along, so that a destroy needn't ask an engine that is about to vanish.
    """

    stack: str
    provider: docker.Provider
    base: BaseImage
    host_id: pulumi.Output[str]
    goes_with: pulumi.Resource

    def options(self, parent: pulumi.Resource) -> pulumi.ResourceOptions:
        """The options of a resource on this engine."""
        return pulumi.ResourceOptions(parent=parent, provider=self.provider, deleted_with=self.goes_with)

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
    ) -> docker.RemoteImage:
        """Declare an image built on the host from the folder `context` and the lab's base.

        It is named by what it is made of, so that a container on the old image never stands in the way of the
        new one, and built when and only when that changes.
        """
        source = hash_build_context(Path(context))
        return docker.RemoteImage(
            name,
            name=self.base.tag.apply(lambda tag: f"{image}:{source[:12]}-{tag.rpartition(':')[2]}"),
            build=docker.RemoteImageBuildArgs(
                context=context,
                target=target,
                build_args={"BASE": self.base.tag},
                labels=stack_labels(self.stack),
                network_mode="host",
                remove=True,
                # With buildx on the controller the image would be built here, not on the host (pulumi-docker 5.2).
                use_legacy_builder=True,
                version="2",
            ),
            # On a host made anew this image takes the place of one of the same name, whose end would be refused.
            keep_locally=True,
            triggers={"source": source, "base": self.base.image_id, "host": self.host_id},
            opts=self.options(parent),
        )

    def pull_image(self, name: str, *, image: str, parent: pulumi.Resource) -> docker.RemoteImage:
        """Declare an image that the stack document names, pulled on the host."""
        return docker.RemoteImage(
            name, name=image, keep_locally=True, triggers={"host": self.host_id}, opts=self.options(parent)
        )
