"""What the controller itself has: CPUs, physical cores and memory, read from Linux."""

import os
from pathlib import Path

from documents.cores import PhysicalCore, parse_cpu_list
from documents.host import HostResources

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
