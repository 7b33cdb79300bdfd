"""Runs on the host: CPU affinity of every thread of the lab's processes. Standard library only, Python 3.10 or newer.

A request is

    {"action": "apply", "roles": {"api": {"cpus": [0, 1], "cgroups": ["/sys/fs/cgroup/…"], "commands": ["dockerd"]}, …}}

A role's processes are those in its cgroups and below, and those whose command has one of the names (of which the
kernel keeps 15 characters). The answer is for ``apply`` the number of threads that were changed, for
``read`` a list of threads.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CLEAN_PASSES = 2
MOST_PASSES = 1000
"""Far more than a process that starts threads needs: beyond that, something undoes the pinning."""

MOST_LISTINGS = 100

COMMAND_CHARACTERS = 15

GONE = (FileNotFoundError, ProcessLookupError)
"""The errors of /proc and the kernel for a process that has ended."""


def main(request: "dict[str, Any]") -> "int | list[dict[str, Any]]":
    """Do what the request says."""
    roles = request["roles"]
    return apply(roles) if request["action"] == "apply" else list(read(roles))


def apply(roles: "dict[str, Any]") -> int:
    """Pin every thread, pass after pass, until two whole ones have found nothing to change since the last change.

    A thread inherits the affinity of the one that starts it. One that is started by a thread not yet pinned, after its
    process was listed, is found by the next pass; if all listed threads were pinned already, the threads that they
    start are pinned too. A thread that ended between the listing and its turn may have started another, unpinned one: a
    pass with such a thread is incomplete and is repeated. The second whole pass is for a listing of /proc that missed
    an entry while others came and went.
    """
    changed = clean = passes = 0
    while clean < CLEAN_PASSES:
        if passes == MOST_PASSES:
            sys.exit(
                f"threads still run on other CPUs after {passes} passes: something else sets their affinity, or they "
                "start and end faster than they can be looked at"
            )
        passes += 1
        found, is_whole = pin_all(roles)
        changed += found
        if found:
            clean = 0
        elif is_whole:
            clean += 1
    return changed


def pin_all(roles: "dict[str, Any]") -> "tuple[int, bool]":
    """Pin every thread; returns how many weren't pinned before, and whether all listed threads still existed."""
    changed, is_whole = 0, True
    for role in roles.values():
        for process in processes(role):
            try:
                found = threads(process)
            except GONE:
                is_whole = False
                continue
            for thread in found:
                try:
                    changed += pin(thread, set(role["cpus"]))
                except GONE:
                    is_whole = False
    return changed, is_whole


def pin(thread: int, cpus: "set[int]") -> bool:
    """Pin one thread; False if it was pinned so before. Raises one of `GONE` if it has ended."""
    try:
        if os.sched_getaffinity(thread) == cpus:
            return False
        os.sched_setaffinity(thread, cpus)
    except GONE:
        raise
    except OSError as error:
        sys.exit(f"the thread {thread} can't be pinned to the CPUs {sorted(cpus)}: {error}")
    return True


def read(roles: "dict[str, Any]") -> "Iterator[dict[str, Any]]":
    """The CPUs that the kernel lets each thread run on."""
    for name, role in roles.items():
        for process in processes(role):
            yield from read_process(name, process)


def read_process(role: str, process: int) -> "Iterator[dict[str, Any]]":
    """Those of a process's threads that still run."""
    try:
        found = threads(process)
    except GONE:
        return
    for thread in found:
        try:
            status = Path(f"/proc/{process}/task/{thread}/status").read_text()
        except GONE:
            continue
        fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        yield {
            "role": role,
            "process_id": process,
            "thread_id": thread,
            "command": fields["Name"],
            "cpu_list": fields["Cpus_allowed_list"],
        }


def processes(role: "dict[str, Any]") -> "list[int]":
    """Each process of a role."""
    found = {process for cgroup in role["cgroups"] for process in members(Path(cgroup))}
    return sorted(found | set(named(role["commands"])))


def threads(process: int) -> "list[int]":
    """Each thread of a process. Raises one of `GONE` if it has ended.

    Linux ends this listing at a thread that ends during it (``next_tid`` in fs/proc/base.c). So it is repeated until it
    has as many as the folder's link count says (``proc_task_getattr``, in the same file).
    """
    folder = Path(f"/proc/{process}/task")
    found: list[int] = []
    for _ in range(MOST_LISTINGS):
        found = [int(entry.name) for entry in folder.iterdir()]
        if len(found) >= folder.stat().st_nlink - 2:
            break
    return found


def members(cgroup: Path) -> "Iterator[int]":
    """The processes in a cgroup and below it; a cgroup of an ended container has none."""
    for directory, _, _ in os.walk(cgroup):
        try:
            lines = Path(directory, "cgroup.procs").read_text().split()
        except OSError:
            continue
        yield from (int(line) for line in lines)


def named(commands: "list[str]") -> "Iterator[int]":
    """The processes whose command has one of the names."""
    wanted = {command[:COMMAND_CHARACTERS] for command in commands}
    if not wanted:
        return
    for path in Path("/proc").glob("[0-9]*/comm"):
        try:
            command = path.read_text().rstrip("\n")
        except GONE:
            continue
        if command in wanted:
            yield int(path.parent.name)
