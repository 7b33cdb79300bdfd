"""Host kind `container`: a container on the controller's Docker engine, with sshd and an engine of its own."""

import hashlib
import itertools
from collections.abc import Sequence
from ipaddress import IPv4Network
from pathlib import Path
from typing import NamedTuple

import pulumi
import pulumi_docker as docker

from documents.lab import LOOPBACK, STACK_LABEL, PhysicalCore, format_cpu_list
from documents.stack import ContainerHost as ContainerHostDocument
from documents.stack import ContainerLoadHost as ContainerLoadHostDocument
from documents.stack import Stack, keeps_images
from lab.cores import take_cores
from lab.hosts.declared import DeclaredHost, host_folder, load_hosts_on, machine_names, reachable_hosts
from lab.resources import BaseImage, Credentials
from provision.images.context import hash_build_context

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

_LEAST_CORES_APART = 2
"""A host with fewer cores of its own can't keep the load generator's work apart from the rest."""

_MEMORY_LEFT_BYTES = 2 * 1024**3
"""The memory that a host leaves to the machine it runs on."""


class HostShare(NamedTuple):
    """The part of the machine that one of a lab's hosts gets: CPUs of the controller, and memory in bytes."""

    cpus: tuple[int, ...]
    memory_bytes: int


def share_machine(
    document: ContainerHostDocument, topology: Sequence[PhysicalCore], machine_memory_bytes: int, *, hosts: int
) -> tuple[HostShare, ...]:
    """The part of the machine for each of several equal hosts: what the document asks for, or less.

    Each has its own cores if the machine has two for each; otherwise all share the same ones and compete for CPU.
    """
    wanted = document.memory_gb * 1024**3
    memory = wanted
    if machine_memory_bytes < wanted * hosts:
        memory = max((machine_memory_bytes - _MEMORY_LEFT_BYTES) // hosts, 1024**3)
    cores = sorted(topology)
    each = len(cores) // hosts if hosts > 1 and len(cores) >= _LEAST_CORES_APART * hosts else None
    shares: list[HostShare] = []
    for number in range(hosts):
        own = cores if each is None else cores[number * each : (number + 1) * each]
        shares.append(HostShare(tuple(itertools.chain.from_iterable(take_cores(own, document.cpus))), memory))
    return tuple(shares)


class ContainerHost(DeclaredHost):
    """A lab host as a container, limited by a cpuset and a memory limit that also bind what runs inside it.

    Its load hosts, if it has any, are containers like it, of the same size and image, in one network.
    """

    def __init__(
        self,
        name: str,
        *,
        stack: Stack,
        document: ContainerHostDocument,
        shares: Sequence[HostShare],
        credentials: Credentials,
        folder: Path,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the host and the load hosts of a stack; `shares` are their parts of the controller, in this order."""
        super().__init__("fairground:hosts:ContainerHost", name, None, opts)
        self._stack, self._credentials = stack.name, credentials
        self._child = pulumi.ResourceOptions(parent=self)
        self._kept = pulumi.ResourceOptions(parent=self, retain_on_delete=keeps_images(document))
        image = self._declare_image(stack.base_image)
        addresses = private_addresses(stack.name, document, len(shares)) if stack.load_host else ()
        network = self._declare_network(document) if addresses else None

        ports = [document.ssh_port]
        ports += [one.ssh_port for one in stack.load_host if isinstance(one, ContainerLoadHostDocument)]
        containers = [
            self._declare_container(
                machine_name,
                image=image,
                share=share,
                ssh_port=port,
                networks=[]
                if network is None
                else [docker.ContainerNetworksAdvancedArgs(name=network.name, ipv4_address=addresses[number])],
            )
            for number, (machine_name, share, port) in enumerate(
                zip(machine_names(len(stack.load_host)), shares, ports, strict=True)
            )
        ]
        self.host, *others = reachable_hosts(
            "container",
            [(LOOPBACK, port) for port in ports],
            credentials=credentials,
            ssh_folder=str(host_folder(document, folder)),
            opts=self._child,
        )
        self.machine, self.host_id = containers[0], containers[0].id
        self.api_address = pulumi.Output.from_input(addresses[0] if addresses else LOOPBACK)
        self.load_hosts = load_hosts_on(containers[1:], others)
        self.register_outputs({"host_id": self.host_id})

    def _declare_image(self, base_image: str) -> docker.RemoteImage:
        base = BaseImage("controller-base", image=base_image, stack=self._stack, opts=self._kept)
        source = hash_build_context(_IMAGE_FOLDER)
        return docker.RemoteImage(
            "host-image",
            name=base.tag.apply(lambda tag: f"fairground-{self._stack}-host:{source[:12]}-{tag.rpartition(':')[2]}"),
            build=docker.RemoteImageBuildArgs(
                context=str(_IMAGE_FOLDER.relative_to(Path.cwd())),
                build_args={"BASE": base.tag},
                labels={STACK_LABEL: self._stack},
                network_mode="host",
                remove=True,
                # The classic builder: unlike BuildKit it keeps no cache apart from the images themselves.
                use_legacy_builder=True,
                version="1",
            ),
            triggers={"source": source, "base": base.image_id},
            opts=self._kept,
        )

    def _declare_network(self, document: ContainerHostDocument) -> docker.Network:
        return docker.Network(
            "private-network",
            name=f"fairground-{self._stack}",
            ipam_configs=[docker.NetworkIpamConfigArgs(subnet=str(private_network(self._stack, document)))],
            labels=[docker.NetworkLabelArgs(label=STACK_LABEL, value=self._stack)],
            opts=self._child,
        )

    def _declare_container(
        self,
        name: str,
        *,
        image: docker.RemoteImage,
        share: HostShare,
        ssh_port: int,
        networks: list[docker.ContainerNetworksAdvancedArgs],
    ) -> docker.Container:
        volume = docker.Volume(
            f"{name}-images",
            name=f"fairground-{self._stack}-{name}-images",
            labels=[docker.VolumeLabelArgs(label=STACK_LABEL, value=self._stack)],
            opts=self._kept,
        )
        credentials = self._credentials
        return docker.Container(
            name,
            name=f"fairground-{self._stack}-{name}",
            image=image.image_id,
            restart="unless-stopped",
            labels=[docker.ContainerLabelArgs(label=STACK_LABEL, value=self._stack)],
            cpu_set=format_cpu_list(share.cpus),
            memory=share.memory_bytes // 1024**2,
            memory_swap=share.memory_bytes // 1024**2,
            capabilities=docker.ContainerCapabilitiesArgs(adds=["ALL"], drops=list(_DROPPED_CAPABILITIES)),
            security_opts=list(_SECURITY_OPTIONS),
            cgroupns_mode="host",
            volumes=[
                docker.ContainerVolumeArgs(host_path="/sys/fs/cgroup", container_path="/sys/fs/cgroup"),
                docker.ContainerVolumeArgs(volume_name=volume.name, container_path="/var/lib/docker"),
            ],
            ports=[docker.ContainerPortArgs(internal=22, external=ssh_port, ip=LOOPBACK)],
            networks_advanced=networks or None,
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
                self._child,
                pulumi.ResourceOptions(
                    # A refresh doesn't read systempaths=unconfined back, and would replace the host.
                    ignore_changes=["securityOpts"],
                    # On cgroup v1, a cpuset that grows leaves those of the containers inside as they were, and they
                    # refuse what the new size gives to PostgreSQL.
                    replace_on_changes=["cpuSet"],
                    delete_before_replace=True,
                ),
            ),
        )


def private_network(stack: str, document: ContainerHostDocument) -> IPv4Network:
    """The network of a lab's hosts: the document's, or one of 65,536 by the hash of the stack's name."""
    if document.private_network is not None:
        return IPv4Network(document.private_network)
    drawn = hashlib.sha256(stack.encode()).digest()
    return IPv4Network((int.from_bytes((10, drawn[0], drawn[1], 0)), 28))


def private_addresses(stack: str, document: ContainerHostDocument, hosts: int) -> tuple[str, ...]:
    """The address of each host in their network, the lab's host first; the network's first address is Docker's."""
    usable = itertools.islice(private_network(stack, document).hosts(), 1, None)
    return tuple(map(str, itertools.islice(usable, hosts)))
