"""Runs on the host: reads the lab's containers and their limits. Standard library only, Python 3.10 or newer.

Nothing is changed. A request is

    {"label": "org.fairground.stack=local", "names": ["fairground-redis", …], "images": ["sha256:…", …]}

and the answer has `containers`, each with the label or one of the names, with Docker's `inspect` and, if it runs,
`effective`; `images`, Docker's inspection of the requested ones by id, None for one that doesn't exist; and `own`, the
effective limits of the first process of this host.
"""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CGROUPS = Path("/sys/fs/cgroup")

MOST_LISTINGS = 100

UNLIMITED_BYTES = 1 << 62
"""Version 1 writes "no limit" as the greatest number of pages that it can count."""


def main(request: "dict[str, Any]") -> "dict[str, Any]":
    """The containers, their images and the host's own limits."""
    return {
        "containers": [container(inspected) for inspected in inspect_containers(request)],
        "images": {identity: inspect_image(identity) for identity in request["images"]},
        "own": effective(1, with_processes=False),
    }


def inspect_containers(request: "dict[str, Any]") -> "list[dict[str, Any]]":
    """Docker's inspection of every container that has the label or one of the names, in any state."""
    listing = ["ps", "--all", "--quiet", "--no-trunc"]
    chosen = set(docker(*listing, "--filter", f"label={request['label']}").split())
    for name in request["names"]:
        chosen |= set(docker(*listing, "--filter", f"name=^/?{name}$").split())
    return json.loads(docker("container", "inspect", *sorted(chosen))) if chosen else []


def inspect_image(identity: str) -> "dict[str, Any] | None":
    """Docker's inspection of an image; None if it doesn't exist."""
    done = subprocess.run(["docker", "image", "inspect", identity], capture_output=True, text=True, check=False)
    return json.loads(done.stdout)[0] if done.returncode == 0 else None


def docker(*arguments: str) -> str:
    """Run a command of Docker's that must succeed."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"docker {arguments[0]} failed: {done.stderr.strip()}")
    return done.stdout


def container(inspected: "dict[str, Any]") -> "dict[str, Any]":
    """A container with its effective limits."""
    process = inspected["State"]["Pid"]
    limits = None
    if inspected["State"]["Running"] and process:
        # It may end at any moment.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            limits = effective(process, with_processes=True)
    return {"inspect": inspected, "effective": limits}


def effective(process: int, *, with_processes: bool) -> "dict[str, Any]":
    """The limits of a process and its cgroup. Source: cgroups(7), cpuset(7)."""
    places = cgroups_of(process)
    cpus = first_text(lineage(places, "cpuset"), ("cpuset.cpus.effective", "cpuset.effective_cpus", "cpuset.cpus"))
    memory = [
        int(text)
        for text in texts(lineage(places, "memory"), ("memory.max", "memory.limit_in_bytes"))
        if text.isdigit() and int(text) < UNLIMITED_BYTES
    ]
    # Without a cpuset, a thread's own list has the CPUs.
    status = field(process, process, "Cpus_allowed_list")
    directory = next(iter(lineage(places, "cpuset")), None) or next(iter(lineage(places, "memory")), None)
    processes = [] if directory is None or not with_processes else [*process_cpus(directory)]
    return {
        "cpus": cpus or status,
        "memory_bytes": min(memory, default=None),
        "cpu_quota": min(quotas(places), default=None),
        "processes": processes,
    }


def cgroups_of(process: int) -> "dict[str, Path]":
    """The directory of a process's cgroup by controller; that of version 2 has an empty name."""
    found: dict[str, Path] = {}
    for line in Path(f"/proc/{process}/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            found[controller] = CGROUPS / controller / path.lstrip("/")
    return found


def lineage(places: "dict[str, Path]", controller: str) -> "Iterator[Path]":
    """The directories of a cgroup and of those above, the nearest first; version 2 has what version 1 lacks."""
    place = places.get(controller, places.get(""))
    if place is None:
        return
    yield from (directory for directory in (place, *place.parents) if directory.is_relative_to(CGROUPS))


def texts(directories: "Iterator[Path]", names: "tuple[str, ...]") -> "Iterator[str]":
    """The content of the first of the files that exists, for each directory that has one."""
    for directory in directories:
        for name in names:
            try:
                yield (directory / name).read_text().strip()
            except OSError:
                continue
            break


def first_text(directories: "Iterator[Path]", names: "tuple[str, ...]") -> str:
    """The first non-empty content, the nearest cgroup's first; an empty text if there is none."""
    return next((text for text in texts(directories, names) if text), "")


def quotas(places: "dict[str, Path]") -> "Iterator[float]":
    """The CPUs that each cgroup grants at most, of those that limit them."""
    for directory in lineage(places, "cpu"):
        quota, period = "-1", "100000"
        for text in texts(iter([directory]), ("cpu.max",)):
            quota, _, period = text.partition(" ")
        for text in texts(iter([directory]), ("cpu.cfs_quota_us",)):
            quota, period = text, next(texts(iter([directory]), ("cpu.cfs_period_us",)), period)
        if quota.isdigit():
            yield int(quota) / int(period)


def process_cpus(directory: Path) -> "Iterator[dict[str, Any]]":
    """Each process in a cgroup and below it, with the lists of CPUs that its threads may run on."""
    for folder, _, _ in os.walk(directory):
        try:
            members = Path(folder, "cgroup.procs").read_text().split()
        except OSError:
            continue
        for member in members:
            try:
                lists = sorted({field(member, thread, "Cpus_allowed_list") for thread in threads_of(member)})
                yield {"process_id": int(member), "name": field(member, member, "Name"), "lists": lists}
            except (FileNotFoundError, ProcessLookupError):
                continue


def threads_of(process: str) -> "list[str]":
    """Each thread of a process.

    Linux ends this listing at a thread that ends during it (``next_tid`` in fs/proc/base.c). So it is repeated until it
    has as many as the folder's link count says (``proc_task_getattr``, in the same file).
    """
    folder = f"/proc/{process}/task"
    found: list[str] = []
    for _ in range(MOST_LISTINGS):
        found = os.listdir(folder)  # noqa: PTH208 - names alone
        if len(found) >= os.stat(folder).st_nlink - 2:  # noqa: PTH116
            break
    return found


def field(process: "int | str", thread: "int | str", name: str) -> str:
    """A line of a thread's status."""
    for line in Path(f"/proc/{process}/task/{thread}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return line.partition(":")[2].strip()
    return ""
