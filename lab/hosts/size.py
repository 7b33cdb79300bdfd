"""How large a host is: CPUs and memory of the controller, and what the lab has of a host."""

import itertools
import os
from pathlib import Path

from documents.lab import CoreLayout, Host, HostResources, HostSize, LoadHost, PhysicalCore, parse_cpu_list
from documents.stack import AnyHost, Stack, as_cloud_host, explicit_cores
from lab.cores import split_cores, split_load_host, take_cores

_CPU = Path("/sys/devices/system/cpu")


def read_topology() -> tuple[PhysicalCore, ...]:
    """The physical cores that this process may use, each with its CPUs (SMT siblings together), in rising order.

    Source: Documentation/admin-guide/cputopology.rst of the kernel, thread_siblings_list.
    """
    allowed = os.sched_getaffinity(0)
    cores: set[PhysicalCore] = set()
    for cpu in allowed:
        siblings = _CPU / f"cpu{cpu}" / "topology" / "thread_siblings_list"
        group = parse_cpu_list(siblings.read_text(encoding="ascii")) if siblings.exists() else (cpu,)
        cores.add(tuple(sibling for sibling in group if sibling in allowed))
    return tuple(sorted(cores))


def read_memory_bytes() -> int:
    """The machine's memory in bytes, MemTotal of /proc/meminfo."""
    for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) * 1024
    raise OSError("/proc/meminfo has no MemTotal")


def read_controller() -> HostResources:
    """What the controller has."""
    return HostResources(cores=read_topology(), memory_bytes=read_memory_bytes(), own_kernel=True)


_ARTICLE_CORES = 8
_ARTICLE_MEMORY_GB = 16

_UNREPORTED_MEMORY = 0.075
"""The largest share of a machine's memory that its kernel leaves out of MemTotal: firmware and the kernel itself.

Source: Karpenter's default `VM_MEMORY_OVERHEAD_PERCENT` for EC2, where types with 16 GiB report 4% to 6% less.
"""


def size_host(resources: HostResources, host: AnyHost) -> HostSize:
    """The first physical cores of a host, as many as its document takes, and all of its memory."""
    cores = take_cores(resources.cores, host.cpus)
    cloud = as_cloud_host(host)
    article_bytes = (1 - _UNREPORTED_MEMORY) * _ARTICLE_MEMORY_GB * 1024**3
    return HostSize(
        cpus=tuple(itertools.chain.from_iterable(cores)),
        memory_bytes=resources.memory_bytes,
        shared_cores=cloud is not None and cloud.shared_cores,
        smaller=len(cores) < _ARTICLE_CORES or resources.memory_bytes < article_bytes,
    )


def lay_out_cores(stack: Stack, resources: HostResources) -> CoreLayout:
    """The core layout of the stack on a host.

    Raises:
        DocumentError: the layout that the document asks for doesn't fit.
    """
    cores = take_cores(resources.cores, stack.host.cpus)
    if stack.cores == "auto":
        return split_cores(cores, with_generator=not stack.load_host)
    return explicit_cores(stack.cores, cores)


def describe_load_host(host: Host, resources: HostResources, document: AnyHost) -> LoadHost:
    """A load host as the inventory tells it: as many of its cores are used as of the lab's host.

    Raises:
        LabError: it has a single CPU.
    """
    generator, system = split_load_host(take_cores(resources.cores, document.cpus))
    return LoadHost(
        host=host,
        size=size_host(resources, document),
        own_kernel=resources.own_kernel,
        generator=generator,
        system=system,
    )
