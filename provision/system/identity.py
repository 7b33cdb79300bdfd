"""Reading what a host is; nothing is set."""

from typing import Annotated, Literal

from pydantic import Field

from documents.base import Document
from documents.errors import HostError, RemoteCommandError
from documents.lab import CpuList, HostResources, Inventory, parse_cpu_list
from documents.run import HostIdentity
from provision.containers import control
from provision.payload import call
from provision.ssh import Amount, Connection, matching
from provision.system.preparation import tool_versions

_DEADLINE_SECONDS = 30


class _Answer(Document):
    cpu_model: str
    cpu_list: CpuList
    sibling_lists: tuple[CpuList, ...]
    numa_list: CpuList | None
    microcode: str | None
    memory_bytes: Amount
    swap_bytes: Amount
    available_memory_bytes: Amount
    kernel: str
    operating_system: str
    cgroup_version: Literal[1, 2]
    cgroup_limits: dict[str, str]
    open_files: str | None
    irqbalance: bool | None
    own_kernel: bool
    steal_seconds: Annotated[float, Field(ge=0)] | None
    mitigations: dict[str, str]
    settings: dict[str, str]


def read_identity(connection: Connection) -> HostIdentity:
    """Read the host's CPUs, memory, kernel, system, limits and kernel settings.

    CPUs, cores and memory are those that the host may use, not those of the machine below a `container` host.

    Raises:
        HostError: it can't be read.
    """
    answer = _ask(connection)
    cpus = parse_cpu_list(answer.cpu_list)
    cores = {parse_cpu_list(siblings) for siblings in answer.sibling_lists}
    return HostIdentity(
        cpu_model=answer.cpu_model,
        cpus=cpus,
        threads_per_core=len(parse_cpu_list(answer.sibling_lists[0])) if answer.sibling_lists else 1,
        memory_bytes=answer.memory_bytes,
        kernel=answer.kernel,
        operating_system=answer.operating_system,
        cgroup_version=answer.cgroup_version,
        settings=answer.settings,
        microcode=answer.microcode,
        # None for a kernel that doesn't report which CPUs share a core, not a core for each CPU.
        physical_cores=sum(not set(cpus).isdisjoint(core) for core in cores) or None,
        numa_nodes=None if answer.numa_list is None else len(parse_cpu_list(answer.numa_list)),
        swap_bytes=answer.swap_bytes,
        cgroup_limits=answer.cgroup_limits,
        open_files=answer.open_files,
        irqbalance=answer.irqbalance,
        mitigations=answer.mitigations,
        available_memory_bytes=answer.available_memory_bytes,
        steal_seconds=answer.steal_seconds,
    )


def read_resources(connection: Connection) -> HostResources:
    """Read the physical cores and the memory that the host may use, and whether its kernel is its own.

    Where the kernel doesn't report which CPUs share a core, each counts as a core.

    Raises:
        HostError: it can't be read.
    """
    answer = _ask(connection)
    cpus = set(parse_cpu_list(answer.cpu_list))
    cores = {tuple(cpu for cpu in parse_cpu_list(siblings) if cpu in cpus) for siblings in answer.sibling_lists}
    alone = {(cpu,) for cpu in cpus.difference(*cores)}
    return HostResources(
        cores=tuple(sorted(core for core in cores | alone if core)),
        memory_bytes=answer.memory_bytes,
        own_kernel=answer.own_kernel,
    )


def _ask(connection: Connection) -> _Answer:
    return call(
        connection,
        "identity",
        {},
        _Answer,
        what="its identity",
        failure=f"The identity of {connection} can't be read",
        deadline_seconds=_DEADLINE_SECONDS,
    )


def read_tool_versions(connection: Connection, inventory: Inventory) -> dict[str, str]:
    """The versions of what a run uses: those of the host's tools, of PostgreSQL and of Redis.

    Raises:
        HostError: a tool or a service is missing.
    """
    postgres = _exec(connection, inventory.postgres.container, "postgres", "--version")
    redis = _exec(connection, inventory.redis.container, "redis-server", "--version")
    return {
        **tool_versions(connection),
        "postgres": matching(
            r"postgres \(PostgreSQL\) (\d.*)", postgres, what="the version of PostgreSQL", where=connection
        )[1],
        "redis": matching(r".* v=(\d\S*) .*", redis, what="the version of Redis", where=connection)[1],
    }


def _exec(connection: Connection, container: str, *command: str) -> str:
    try:
        completed = control.execute(connection, container, command, deadline_seconds=_DEADLINE_SECONDS)
    except RemoteCommandError as error:
        raise HostError(f"{container} on {connection} doesn't print its version: {error}") from error
    return completed.stdout.strip()
