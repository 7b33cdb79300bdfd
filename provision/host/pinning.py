"""Runs on the host: CPU affinity of every thread of the lab's processes. Standard library only, Python 3.10 or newer.

The controller pipes this file into ``python3 -`` with ``apply`` or ``read`` and a JSON request

    {"api": {"cpus": [0, 1], "cgroups": ["/sys/fs/cgroup/…"], "commands": ["dockerd", …]}, …}

A role's processes are those in its cgroups and below, and those whose command has one of the names (of which the
kernel keeps 15 characters). The answer is a line of JSON: for ``apply`` the number of threads that were changed, for
``read`` a list of threads.
"""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CLEAN_PASSES = 2
MOST_PASSES = 200
"""Far more than a process that starts threads needs: past it, something undoes what is done here."""

COMMAND_CHARACTERS = 15


def main() -> None:
    """Do what the arguments say."""
    action, request = sys.argv[1], json.loads(sys.argv[2])
    answer = apply(request) if action == "apply" else list(read(request))
    print(json.dumps(answer))  # noqa: T201 - this line is the answer


def apply(request: "dict[str, Any]") -> int:
    """Pin every thread, pass after pass, until two passes in a row find nothing to change.

    A thread inherits the affinity of the one that starts it. One that is started by a thread not yet pinned, after
    its process was listed, is found by the next pass; when all that was listed was pinned already, so is what it
    starts. The second clean pass is for a listing of /proc that missed an entry while others came and went.
    """
    changed = clean = passes = 0
    while clean < CLEAN_PASSES:
        if passes == MOST_PASSES:
            sys.exit(f"threads still run on other CPUs after {passes} passes: something else sets their affinity")
        passes += 1
        found = sum(pin(thread, set(role["cpus"])) for role in request.values() for _, thread in threads(role))
        changed += found
        clean = 0 if found else clean + 1
    return changed


def pin(thread: int, cpus: "set[int]") -> bool:
    """Pin one thread; False where it was so already, or has ended meanwhile."""
    try:
        if os.sched_getaffinity(thread) == cpus:
            return False
        os.sched_setaffinity(thread, cpus)
    except ProcessLookupError:
        return False
    except OSError as error:
        sys.exit(f"the thread {thread} can't be pinned to the CPUs {sorted(cpus)}: {error}")
    return True


def read(request: "dict[str, Any]") -> "Iterator[dict[str, Any]]":
    """The CPUs that the kernel lets each thread run on."""
    for name, role in request.items():
        for process, thread in threads(role):
            try:
                status = Path(f"/proc/{process}/task/{thread}/status").read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue
            fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
            yield {
                "role": name,
                "process_id": process,
                "thread_id": thread,
                "command": fields["Name"],
                "cpu_list": fields["Cpus_allowed_list"],
            }


def threads(role: "dict[str, Any]") -> "Iterator[tuple[int, int]]":
    """Each process of a role with each of its threads."""
    processes = {process for cgroup in role["cgroups"] for process in members(Path(cgroup))}
    processes |= set(named(role["commands"]))
    for process in sorted(processes):
        try:
            found = [int(entry.name) for entry in Path(f"/proc/{process}/task").iterdir()]
        except (FileNotFoundError, ProcessLookupError):
            continue
        for thread in found:
            yield process, thread


def members(cgroup: Path) -> "Iterator[int]":
    """The processes in a cgroup and below it; a cgroup of a container that has ended has none."""
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
        except (FileNotFoundError, ProcessLookupError):
            continue
        if command in wanted:
            yield int(path.parent.name)


main()
