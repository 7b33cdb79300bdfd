"""How large a host is, and its CPUs split between the roles: whole physical cores to a role, SMT siblings together."""

import itertools
import os
from collections.abc import Sequence
from pathlib import Path

from documents.errors import LabError
from documents.lab import CoreLayout, Host, HostResources, HostSize, LoadHost, PhysicalCore, parse_cpu_list
from documents.stack import AnyHost, CloudHost, Stack, explicit_cores

_SPLITS = {
    8: (3, 2, 1, 2),
    7: (2, 2, 1, 2),
    6: (2, 1, 1, 2),
    5: (2, 1, 1, 1),
    4: (1, 1, 1, 1),
}
"""Physical cores for API, PostgreSQL, system and generator. wrk takes 11 to 15 µs of CPU a request: one core reaches
some 75,000 requests a second, so it has two where the API could need them."""


def take_cores(topology: Sequence[PhysicalCore], cpus: int) -> tuple[PhysicalCore, ...]:
    """The first physical cores that together have at most `cpus` CPUs, and at least one core."""
    taken: list[PhysicalCore] = []
    for core in sorted(topology):
        if taken and sum(map(len, taken)) + len(core) > cpus:
            break
        taken.append(core)
    return tuple(taken)


_SPLITS_WITHOUT_GENERATOR = {
    8: (4, 3, 1),
    7: (4, 2, 1),
    6: (3, 2, 1),
    5: (2, 2, 1),
    4: (2, 1, 1),
    3: (1, 1, 1),
}
"""Physical cores for API, PostgreSQL and system of a host whose load comes from other hosts."""


def split_cores(topology: Sequence[PhysicalCore], *, with_generator: bool = True) -> CoreLayout:
    """Split the physical cores between the roles; with too few of them, roles share and the layout says so.

    With a generator, no role shares from four cores on; without one, from three. With two, the API has its own core;
    with one, all share it. At most eight are used, as many as the article's machine had.
    """
    splits = _SPLITS if with_generator else _SPLITS_WITHOUT_GENERATOR
    cores = sorted(topology)[: max(splits)]
    if len(cores) < min(splits):
        api = cores[0]
        rest = cores[-1]
        postgres = cores[1] if len(cores) > 1 else rest
        generator = rest if with_generator else ()
        return CoreLayout(api=api, postgres=postgres, redis=rest, system=rest, generator=generator, shared=True)
    remaining = iter(cores)
    groups = [
        tuple(sorted(itertools.chain.from_iterable(itertools.islice(remaining, count)))) for count in splits[len(cores)]
    ]
    api, postgres, system = groups[:3]
    return CoreLayout(
        api=api,
        postgres=postgres,
        redis=system,
        system=system,
        generator=groups[3] if with_generator else (),
        shared=False,
    )


def split_load_host(topology: Sequence[PhysicalCore]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The CPUs of the generator and of the host's own work on a load host: the first core is the host's.

    Raises:
        LabError: it has a single CPU, and the generator needs one of its own.
    """
    system, *others = sorted(topology)
    generator = tuple(sorted(itertools.chain.from_iterable(others)))
    if not generator:
        system, generator = system[:1], system[1:]
    if not generator:
        raise LabError(
            "A load host needs two CPUs, one of them for its own work, and this one has the CPU "
            f"{', '.join(map(str, system))} alone. Give it more, or leave `load_host` out."
        )
    return generator, tuple(system)


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
    """The controller's resources."""
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
    article_bytes = (1 - _UNREPORTED_MEMORY) * _ARTICLE_MEMORY_GB * 1024**3
    return HostSize(
        cpus=tuple(itertools.chain.from_iterable(cores)),
        memory_bytes=resources.memory_bytes,
        shared_cores=isinstance(host, CloudHost) and host.shared_cores,
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
    """A load host as it is in the inventory, with as many cores as are used of the lab's host.

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
