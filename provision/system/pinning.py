"""CPU pinning: set for every thread, and read back from every thread, never assumed.

`taskset -a` lists a process's threads once; a thread that starts during that escapes it. Here the host repeats until
nothing is left to change (see `provision/payload/pinning.py`).
"""

from collections import defaultdict
from collections.abc import Collection, Mapping

from documents.base import Document
from documents.lab import HOST_ROLES, CoreLayout, CpuList, Role, format_cpu_list, parse_cpu_list
from documents.run import ProcessPinning
from provision.containers import Cgroup
from provision.payload import call
from provision.ssh import COUNT, Amount, Connection

SYSTEM_COMMANDS = (
    "sshd",
    "sshd-session",
    "dockerd",
    "containerd",
    "containerd-shim-runc-v2",
    "docker-proxy",
    "lab-sampler",
    "lab-watch",
    "lab-guard",
)
"""The commands whose processes are the role `system`."""

_DEADLINE_SECONDS = 60
_SHOWN = 5


class _Thread(Document):
    role: Role
    process_id: Amount
    thread_id: Amount
    command: str
    cpu_list: CpuList


def apply(
    connection: Connection,
    layout: CoreLayout,
    cgroups: Mapping[Role, Cgroup],
    *,
    system_commands: Collection[str] = SYSTEM_COMMANDS,
) -> int:
    """Pin every thread of the roles' processes, and of the host's other work.

    `system_commands` are those of the role `system`.

    Returns:
        How many threads ran on other CPUs before.

    Raises:
        HostError: a thread can't be pinned, or something else keeps moving threads.
    """
    return _apply(connection, _request(layout, cgroups, system_commands))


def confine(connection: Connection, cpus: Collection[int], commands: Collection[str] = SYSTEM_COMMANDS) -> None:
    """Pin the host's other work, by the names of its commands, to these CPUs.

    Raises:
        HostError: a thread can't be moved.
    """
    request = {"system": {"cpus": sorted(cpus), "cgroups": [], "commands": list(commands)}}
    _apply(connection, request)


def read_back(
    connection: Connection,
    layout: CoreLayout,
    cgroups: Mapping[Role, Cgroup],
    *,
    system_commands: Collection[str] = SYSTEM_COMMANDS,
) -> tuple[ProcessPinning, ...]:
    """The CPUs that the kernel lets each thread run on, from /proc/PID/task/TID/status.

    Raises:
        HostError: it can't be read.
    """
    request = {"action": "read", "roles": _request(layout, cgroups, system_commands)}
    threads = call(
        connection,
        "pinning",
        request,
        tuple[_Thread, ...],
        what="the CPUs of its threads",
        failure=f"The CPU pinning on {connection} can't be read",
        deadline_seconds=_DEADLINE_SECONDS,
    )
    return tuple(
        ProcessPinning(
            role=thread.role,
            process_id=thread.process_id,
            thread_id=thread.thread_id,
            command=thread.command,
            cpus=parse_cpu_list(thread.cpu_list),
        )
        for thread in threads
    )


def mismatches(
    layout: CoreLayout, pinning: Collection[ProcessPinning], *, roles: Collection[Role] = HOST_ROLES
) -> list[str]:
    """The differences between a pinning and the layout, in sentences; empty if there are none.

    No thread may run outside its role's CPUs. A thread may use fewer of them by its own choice, but a process's threads
    together must have all. Each of `roles` must have a process.
    """
    present = {thread.role for thread in pinning}
    found = [f"No process of the role {role} was found." for role in roles if role not in present]
    processes: defaultdict[tuple[Role, int], list[ProcessPinning]] = defaultdict(list)
    for thread in pinning:
        processes[thread.role, thread.process_id].append(thread)
    for (role, process_id), threads in processes.items():
        wanted = set(layout.of(role))
        astray = [thread for thread in threads if not wanted.issuperset(thread.cpus)]
        for thread in astray[:_SHOWN]:
            found.append(
                f"The thread {thread.thread_id} ({thread.command}) of the role {role} may run on the CPUs "
                f"{format_cpu_list(thread.cpus)} instead of {layout.cpu_list(role)}."
            )
        if len(astray) > _SHOWN:
            found.append(f"So may {len(astray) - _SHOWN} more threads of its process {process_id}.")
        together = set[int]().union(*(thread.cpus for thread in threads))
        if not astray and together != wanted:
            found.append(
                f"The process {process_id} ({threads[0].command}) of the role {role} keeps to the CPUs "
                f"{format_cpu_list(together)} of its {layout.cpu_list(role)}."
            )
    return found


def _request(
    layout: CoreLayout, cgroups: Mapping[Role, Cgroup], system_commands: Collection[str]
) -> dict[str, dict[str, object]]:
    request: dict[str, dict[str, object]] = {
        role: {"cpus": layout.of(role), "cgroups": [cgroup.directories["cpuacct"]], "commands": []}
        for role, cgroup in cgroups.items()
    }
    if system_commands:
        system = request.setdefault("system", {"cpus": layout.system, "cgroups": []})
        system["commands"] = list(system_commands)
    return request


def _apply(connection: Connection, roles: Mapping[str, object]) -> int:
    return call(
        connection,
        "pinning",
        {"action": "apply", "roles": roles},
        COUNT,
        what="the number of threads that it moved",
        failure=f"The CPU pinning on {connection} failed",
        deadline_seconds=_DEADLINE_SECONDS,
    )
