"""Runs on the host: what the kernel counts while a cell is measured. Standard library only, Python 3.10 or newer.

Usage: ``watch.py REQUEST``. It writes ``ticks.jsonl`` into its working directory until SIGTERM. The request is JSON:

    {"period_seconds": 0.4, "cpus": [0, 1], "port": 18080,
     "roles": {"api": {"version": 1, "cpu": "/sys/fs/cgroup/cpuacct/…"}, …}}

A failure ends with the status 1 and a sentence on standard error. `documents.run` says what the members mean.
"""

import json
import os
import signal
import socket
import struct
import sys
import time
from collections.abc import Generator, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

COMMAND = "lab-watch"
SUPERVISOR_NAME = "lab-job"
CGROUPS = Path("/sys/fs/cgroup")

SILENT_MS = 1000
"""Connections that were sent nothing for so long are listed; a lower limit would list all of a slow API."""

FILE_BYTES = 1 << 16
ANSWER_BYTES = 1 << 18

MESSAGE, ATTRIBUTE = struct.Struct("=IH"), struct.Struct("=HH")
DIAG_INFO = 2

open_files: "dict[str, int]" = {}
quota_directories: "dict[str, list[str]]" = {}
"""The results of `held_by` so far, by the directory of the role's cgroup."""


def main() -> None:
    """Do what the argument says."""
    try:
        follow(json.loads(sys.argv[1]))
    except (OSError, ValueError, LookupError) as error:
        sys.exit(f"the watch ended: {error}")


def follow(request: "dict[str, Any]") -> None:
    """Write a tick a period until SIGTERM."""
    Path("/proc/self/comm").write_text(COMMAND)
    with suppress(OSError):
        # Load that starves the host's other work must not stop the program that records it.
        os.setpriority(os.PRIO_PROCESS, 0, -15)
    period_ns = round(request["period_seconds"] * 1e9)
    running = True

    def on_stop(*_: object) -> None:
        nonlocal running
        running = False

    signal.signal(signal.SIGTERM, on_stop)
    with open("ticks.jsonl", "wb", buffering=0) as file:  # noqa: PTH123 - unbuffered: each tick is one write
        due_ns = time.monotonic_ns()
        while running:
            file.write(json.dumps(tick(request), separators=(",", ":")).encode() + b"\n")
            late_ns = time.monotonic_ns() - due_ns
            due_ns += period_ns * (1 + late_ns // period_ns)
            time.sleep(max(due_ns - time.monotonic_ns(), 0) / 1e9)


def tick(request: "dict[str, Any]") -> "dict[str, Any]":
    """The kernel's counters; CPU times and those of the cgroups are read right after each other."""
    roles = request["roles"]
    now_ns = time.monotonic_ns()
    cpus = cpu_times(read("/proc/stat"), set(request["cpus"]), os.sysconf("SC_CLK_TCK"))
    used = {role: used_ns(found) for role, found in roles.items()}
    connections, silent = connections_to(request["port"])
    return {
        "time_ns": now_ns,
        "cpus": cpus,
        "used_ns": used,
        "throttled": throttled(roles.values()),
        "pressure": pressure(),
        "connections": connections,
        "silent_ms": silent,
        "generator": scheduled(roles["generator"]["cpu"]) if "generator" in roles else None,
    }


def cpu_times(text: str, cpus: "set[int]", ticks_per_second: int) -> "dict[str, list[int]]":
    """The first eight columns of the CPUs, in milliseconds. Source: proc_stat(5); guest time is in user and nice."""
    found: dict[str, list[int]] = {}
    for line in text.splitlines():
        if not line.startswith("cpu"):
            # The rest of the file can be long: there is a number for each interrupt.
            break
        name, *columns = line.split()
        if name != "cpu" and int(name[3:]) in cpus:
            found[name[3:]] = [int(column) * 1000 // ticks_per_second for column in columns[:8]]
    if len(found) < len(cpus):
        raise ValueError(f"/proc/stat has only the CPUs {sorted(found)} of {sorted(cpus)}")
    return found


def used_ns(role: "dict[str, Any]") -> int:
    """The CPU time of a role's cgroup."""
    if role["version"] == 1:
        return int(read(f"{role['cpu']}/cpuacct.usage"))
    return 1000 * table(read(f"{role['cpu']}/cpu.stat"))["usage_usec"]


def throttled(roles: "Iterable[dict[str, Any]]") -> "dict[str, list[int]]":
    """How often and how long the cgroups of the roles, and those above them, were held back by a quota."""
    found: dict[str, list[int]] = {}
    for directory in dict.fromkeys(directory for role in roles for directory in held_by(role)):
        # A cgroup of a load alone may be gone with it.
        with suppress(OSError):
            counted = table(read(f"{directory}/cpu.stat"))
            nanoseconds = counted.get("throttled_time", 1000 * counted.get("throttled_usec", 0))
            found[directory] = [counted["nr_throttled"], nanoseconds]
    return found


def held_by(role: "dict[str, Any]") -> "list[str]":
    """The cgroups whose quota would hold back a role: its own, and those above it. They are searched only once.

    On v1 the controller `cpu` may have a hierarchy of its own, and only the role's processes show where that is.
    """
    if role["cpu"] not in quota_directories:
        own = Path(role["cpu"]) if role["version"] == 2 else cpu_hierarchy(Path(role["cpu"]))
        if own is None:
            return []
        lineage = [directory for directory in (own, *own.parents) if CGROUPS in directory.parents]
        quota_directories[role["cpu"]] = [str(directory) for directory in lineage if has_quota(directory)]
    return quota_directories[role["cpu"]]


def has_quota(directory: Path) -> bool:
    """Whether the controller `cpu` counts how often a cgroup was held back."""
    try:
        return "nr_throttled" in table(read(f"{directory}/cpu.stat"))
    except OSError:
        return False


def cpu_hierarchy(accounting: Path) -> "Path | None":
    """Where a cgroup's first process is in v1's controller `cpu`; None while it has no process."""
    try:
        process = next(iter(processes_of(str(accounting))), None)
        lines = read(f"/proc/{process}/cgroup").splitlines() if process else []
    except OSError:
        return None
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if "cpu" in controllers.split(","):
            mounted = CGROUPS / controllers
            return (mounted if mounted.is_dir() else CGROUPS / "cpu") / path.lstrip("/")
    return None


def pressure() -> "dict[str, list[int]] | None":
    """The content of /proc/pressure; None on a kernel that was built or booted without it."""
    found: dict[str, list[int]] = {}
    try:
        for resource in ("cpu", "memory", "io"):
            lines = read(f"/proc/pressure/{resource}").splitlines()
            totals = {line.split()[0]: int(line.rpartition("total=")[2]) for line in lines}
            # All tasks of a machine can't wait for CPU at once, so older kernels leave that line out.
            found[resource] = [totals["some"], totals.get("full", 0)]
    except OSError:
        return None
    return found


def scheduled(cgroup: str) -> "list[int] | None":
    """What the threads in a cgroup ran and waited; None where there is none. Source: the kernel's sched-stats.

    The supervisor of the load's job, which is in its cgroup and sleeps, isn't counted.
    """
    ran = waited = threads = 0
    for process in processes_of(cgroup):
        # A process, or one of its threads, may end at any moment.
        with suppress(OSError):
            if read(f"/proc/{process}/comm").strip() == SUPERVISOR_NAME:
                continue
            # The listing ends at a thread that ends during it; a generator's threads don't end before its load.
            for thread in os.listdir(f"/proc/{process}/task"):  # noqa: PTH208 - the names are all that is needed
                with suppress(OSError):
                    columns = read(f"/proc/{process}/task/{thread}/schedstat").split()
                    ran, waited, threads = ran + int(columns[0]), waited + int(columns[1]), threads + 1
    return [ran, waited, threads] if ran else None


def processes_of(cgroup: str) -> "list[str]":
    """The processes in a cgroup. On v1 this file, kept open, would go on showing its first content."""
    return Path(cgroup, "cgroup.procs").read_text().split()


def connections_to(port: int) -> "tuple[int, list[int] | None]":
    """How many TCP connections to a local port are established, and how long the silent ones were sent nothing."""
    try:
        silences = list(ask_kernel(port))
    except OSError:
        # A kernel without the module, or a sandbox that forbids it: then they are only counted.
        return established(port), None
    return len(silences), sorted(silence for silence in silences if silence >= SILENT_MS)


def ask_kernel(port: int) -> "Generator[int]":
    """For each established connection to a local port: the milliseconds since this side last sent data.

    Source: sock_diag(7), netlink(7), and struct tcp_info of linux/tcp.h, whose tcpi_last_data_sent is at octet 44. A
    connection without data counts from its creation. The request is inet_diag's first, TCPDIAG_GETSOCK of
    linux/inet_diag.h: it covers both families at once, so the kernel walks its table of connections once.
    """
    dump, tcp_sockets = 0x301, 18
    request = struct.pack("=BBBB", socket.AF_UNSPEC, 0, 0, 1 << (DIAG_INFO - 1))
    request += struct.pack(">HH", port, 0) + bytes(44) + struct.pack("=II", 1 << 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 4) as kernel:
        kernel.settimeout(1)
        kernel.send(struct.pack("=IHHII", 16 + len(request), tcp_sockets, dump, 1, 0) + request)
        ended = False
        while not ended:
            ended = yield from silences_in(kernel.recv(ANSWER_BYTES))


def silences_in(answer: bytes) -> "Generator[int, None, bool]":
    """The silences in a part of the kernel's answer; whether it is the last part."""
    done, error = 3, 2
    at = 0
    while at < len(answer):
        length, kind = MESSAGE.unpack_from(answer, at)
        if kind == done:
            return True
        if kind == error:
            raise OSError(-struct.unpack_from("=i", answer, at + 16)[0], "the kernel lists no connections")
        size = (length + 3) & ~3
        place = place_of(DIAG_INFO, answer[at : at + length])
        if not place:
            at += size
            continue
        # Most messages have the layout of the one before; these are read in one go.
        row = struct.Struct(f"=IH{place - 4}xH44xI{size - place - 52}x")
        alike = memoryview(answer)[at : at + (len(answer) - at) // size * size]
        for *shape, silence in row.iter_unpack(alike):
            if shape != [length, kind, DIAG_INFO]:
                break
            yield silence
            at += size
    return False


def place_of(sought: int, message: bytes) -> int:
    """The offset of an attribute in a message; 0 if it has none. They follow struct inet_diag_msg, of 72 octets."""
    place = 16 + 72
    while place < len(message):
        size, name = ATTRIBUTE.unpack_from(message, place)
        if name == sought:
            return place
        place += (size + 3) & ~3
    return 0


def established(port: int) -> int:
    """How many TCP connections to a local port are established, from /proc/net/tcp and tcp6. Source: proc_net(5)."""
    count = 0
    for name in ("tcp", "tcp6"):
        with suppress(FileNotFoundError):
            for line in read(f"/proc/net/{name}").splitlines()[1:]:
                columns = line.split()
                count += columns[3] == "01" and int(columns[1].rpartition(":")[2], 16) == port
    return count


def read(path: str) -> str:
    """A file of the kernel's. It is kept open, because opening it costs more than reading it.

    Raises OSError, with the path, if it doesn't exist or no longer exists.
    """
    parts: list[bytes] = []
    at = 0
    try:
        if path not in open_files:
            open_files[path] = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        while part := os.pread(open_files[path], FILE_BYTES, at):
            parts.append(part)
            at += len(part)
    except OSError as error:
        if path in open_files:
            # A later file of the same name, as of another process with that number, is another file.
            os.close(open_files.pop(path))
        raise OSError(error.errno, error.strerror, path) from error
    return b"".join(parts).decode()


def table(text: str) -> "dict[str, int]":
    """Lines of a name and a number."""
    return {name: int(value) for name, value in (line.split() for line in text.splitlines())}


if __name__ == "__main__":
    main()
