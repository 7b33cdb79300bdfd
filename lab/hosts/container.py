"""Host kind `container`: a container on the controller's Docker engine, with sshd and an engine of its own."""

import itertools
from collections.abc import Sequence
from pathlib import Path

import pulumi
import pulumi_docker as docker

from documents.host import Host
from documents.host_kinds import ContainerHost as ContainerHostDocument
from documents.host_kinds import keeps_images
from documents.labels import STACK_LABEL, stack_labels
from lab.base_image import BaseImage
from lab.cores import PhysicalCore, take_cores
from lab.credentials import Credentials
from lab.hosts.place import host_folder
from lab.known_hosts import KNOWN_HOSTS_NAME, pin_host_key
from lab.ssh_files import KEY_NAME, SshFiles
from provision.build_context import hash_build_context

_IMAGE_FOLDER = Path(__file__).parents[1] / "images" / "host"

_DROPPED_CAPABILITIES = (
    "CAP_SYS_BOOT",
    "CAP_SYS_MODULE",
    "CAP_SYS_RAWIO",
    "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME",
)
"""SYS_RESOURCE because some machines can't grant it (runc: unable to apply caps); the rest because a host that
runs containers needs none of them. With their prefix: a refresh reads them back so."""

_SECURITY_OPTIONS = ("seccomp=unconfined", "apparmor=unconfined", "systempaths=unconfined")

_MEMORY_LEFT_BYTES = 2 * 1024**3
"""What a host leaves to the machine it runs on."""


def size_container_host(
    document: ContainerHostDocument, topology: Sequence[PhysicalCore], machine_memory_bytes: int
) -> tuple[tuple[int, ...], int]:
    """The CPUs and the bytes of memory that the machine can give a host: what the document asks for, or less."""
    cpus = tuple(itertools.chain.from_iterable(take_cores(topology, document.cpus)))
    wanted = document.memory_gb * 1024**3
    if machine_memory_bytes >= wanted:
        return cpus, wanted
    return cpus, max(machine_memory_bytes - _MEMORY_LEFT_BYTES, 1024**3)


class ContainerHost(pulumi.ComponentResource):
    """A lab host as a container, limited by a cpuset and a memory limit that also bind what runs inside it."""

    host: pulumi.Output[Host]
    host_id: pulumi.Output[str]
    machine: pulumi.Resource

    def __init__(
        self,
        name: str,
        *,
        stack: str,
        document: ContainerHostDocument,
        base_image: str,
        cpus: tuple[int, ...],
        memory_bytes: int,
        credentials: Credentials,
        folder: Path,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the host of a stack.

        Args:
            name: the component's name.
            stack: the stack's name; it is part of what is made on the controller's engine.
            document: the host as the stack document describes it.
            base_image: what the base is made from.
            cpus: the controller's CPUs that it gets.
            memory_bytes: the memory that it gets.
            credentials: the keys to be installed.
            folder: the stack's own on the controller, for its SSH files.
            opts: Pulumi's options.
        """
        super().__init__("fairground:hosts:ContainerHost", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        kept = pulumi.ResourceOptions(parent=self, retain_on_delete=keeps_images(document))

        base = BaseImage("controller-base", image=base_image, stack=stack, opts=kept)
        source = hash_build_context(_IMAGE_FOLDER)
        image = docker.RemoteImage(
            "host-image",
            name=base.tag.apply(lambda tag: f"fairground-{stack}-host:{source[:12]}-{tag.rpartition(':')[2]}"),
            build=docker.RemoteImageBuildArgs(
                context=str(_IMAGE_FOLDER.relative_to(Path.cwd())),
                build_args={"BASE": base.tag},
                labels=stack_labels(stack),
                network_mode="host",
                remove=True,
                # The classic builder: unlike BuildKit it keeps no cache apart from the images themselves.
                use_legacy_builder=True,
                version="1",
            ),
            triggers={"source": source, "base": base.image_id},
            opts=kept,
        )
        volume = docker.Volume(
            "host-images",
            name=f"fairground-{stack}-host-images",
            labels=[docker.VolumeLabelArgs(label=STACK_LABEL, value=stack)],
            opts=kept,
        )
        container = docker.Container(
            "host",
            name=f"fairground-{stack}-host",
            image=image.image_id,
            restart="unless-stopped",
            labels=[docker.ContainerLabelArgs(label=STACK_LABEL, value=stack)],
            cpu_set=",".join(map(str, cpus)),
            memory=memory_bytes // 1024**2,
            memory_swap=memory_bytes // 1024**2,
            capabilities=docker.ContainerCapabilitiesArgs(adds=["ALL"], drops=list(_DROPPED_CAPABILITIES)),
            security_opts=list(_SECURITY_OPTIONS),
            cgroupns_mode="host",
            volumes=[
                docker.ContainerVolumeArgs(host_path="/sys/fs/cgroup", container_path="/sys/fs/cgroup"),
                docker.ContainerVolumeArgs(volume_name=volume.name, container_path="/var/lib/docker"),
            ],
            ports=[docker.ContainerPortArgs(internal=22, external=document.ssh_port, ip="127.0.0.1")],
            uploads=[
                docker.ContainerUploadArgs(
                    file="/etc/ssh/ssh_host_ed25519_key", content=credentials.host_private_key, permissions="0600"
                ),
                docker.ContainerUploadArgs(
                    file="/root/.ssh/authorized_keys", content=credentials.user_public_key, permissions="0600"
                ),
            ],
            stop_timeout=20,
            destroy_grace_seconds=20,
            opts=pulumi.ResourceOptions.merge(
                child,
                pulumi.ResourceOptions(
                    # A refresh reads systempaths=unconfined back as nothing and would replace the host.
                    ignore_changes=["securityOpts"],
                    # On cgroup v1, a cpuset that grows leaves those of the containers inside as they were, and they
                    # refuse what the new size gives to PostgreSQL.
                    replace_on_changes=["cpuSet"],
                    delete_before_replace=True,
                ),
            ),
        )
        address = "127.0.0.1"
        files = SshFiles(
            "ssh-files",
            folder=str(host_folder(document, folder)),
            private_key=credentials.user_private_key,
            known_hosts=credentials.host_public_key.apply(lambda key: pin_host_key(address, document.ssh_port, key)),
            opts=child,
        )
        self.machine = container
        self.host_id = container.id
        self.host = pulumi.Output.all(
            files.path_of(KEY_NAME), files.path_of(KNOWN_HOSTS_NAME), credentials.host_public_key
        ).apply(
            lambda values: Host(
                kind="container",
                address=address,
                port=document.ssh_port,
                user="root",
                private_key_path=values[0],
                known_hosts_path=values[1],
                host_public_key=values[2],
            )
        )
        self.register_outputs({"host_id": self.host_id})
