"""Whether a load host is identical to the lab's host, and in what it isn't.

Hardware decides how much load a generator can make and how late it sees an answer, and the lab knows the limits of
its host's alone: a load host of other hardware is refused. Another kernel, system or setting is told.
"""

from analysis.limits import MEMORY_DIFFERENCE_MOST
from documents.run import HostIdentity

_HARDWARE = {
    "cpu_model": "the processor",
    "threads_per_core": "threads per core",
    "physical_cores": "physical cores",
    "numa_nodes": "NUMA nodes",
}
"""Members of an identity that are the hardware's, by what they are called; CPUs are counted, and memory has room."""

_TOLD = {"cpus", "memory_bytes", *_HARDWARE}


def hardware_differences(host: HostIdentity, load_host: HostIdentity) -> tuple[str, ...]:
    """In what hardware a load host differs, a clause for each: ``physical cores: 8, and 4 of the load host``.

    The numbers of the CPUs are no difference: one of two containers on a machine can't have those of the other.
    """
    found = [
        f"{name}: {_text(ours)}, and {_text(theirs)} of the load host"
        for member, name in _HARDWARE.items()
        if (ours := getattr(host, member)) != (theirs := getattr(load_host, member))
    ]
    if len(host.cpus) != len(load_host.cpus):
        found.append(f"CPUs: {len(host.cpus)}, and {len(load_host.cpus)} of the load host")
    less, more = sorted((host.memory_bytes, load_host.memory_bytes))
    if more > less * (1 + MEMORY_DIFFERENCE_MOST):
        own, its = (f"{found_bytes / 2**30:.2f} GiB" for found_bytes in (host.memory_bytes, load_host.memory_bytes))
        found.append(f"memory: {own}, and {its} of the load host")
    return tuple(found)


def other_differences(host: HostIdentity, load_host: HostIdentity) -> tuple[str, ...]:
    """In what else it differs: kernel, system, microcode, mitigations, limits and settings; a clause for each."""
    alike = host.model_copy(update={name: getattr(load_host, name) for name in _TOLD})
    return tuple(
        text.replace(" was ", ": ", 1).replace(" and is ", ", and ", 1) + " of the load host"
        for text in alike.changes(load_host)
    )


def _text(value: object) -> str:
    return "not told" if value is None else str(value)
