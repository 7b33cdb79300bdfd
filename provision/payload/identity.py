"""Runs on the host: what the host is. Standard library only, Python 3.10 or newer.

CPUs and limits are read from its first process, which the lab neither pins nor limits: an SSH session may have fewer
CPUs than the host.
"""

import os
import platform
from collections.abc import Iterator
from pathlib import Path
from typing import Any

KERNEL_SETTINGS = (
    "fs.file-max",
    "kernel.nmi_watchdog",
    "kernel.numa_balancing",
    "kernel.randomize_va_space",
    "kernel.sched_autogroup_enabled",
    "net.core.netdev_max_backlog",
    "net.core.rmem_max",
    "net.core.somaxconn",
    "net.core.wmem_max",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.tcp_autocorking",
    "net.ipv4.tcp_congestion_control",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_max_syn_backlog",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_slow_start_after_idle",
    "net.ipv4.tcp_tw_reuse",
    "net.ipv4.tcp_wmem",
    "vm.dirty_background_ratio",
    "vm.dirty_expire_centisecs",
    "vm.dirty_ratio",
    "vm.overcommit_memory",
    "vm.swappiness",
)

DEVICE_SETTINGS = {
    "clocksource": "/sys/devices/system/clocksource/clocksource0/current_clocksource",
    "cpufreq.boost": "/sys/devices/system/cpu/cpufreq/boost",
    "cpufreq.driver": "/sys/devices/system/cpu/cpu0/cpufreq/scaling_driver",
    "cpuidle.driver": "/sys/devices/system/cpu/cpuidle/current_driver",
    "intel_pstate.no_turbo": "/sys/devices/system/cpu/intel_pstate/no_turbo",
    "smt": "/sys/devices/system/cpu/smt/control",
    "transparent_hugepage.defrag": "/sys/kernel/mm/transparent_hugepage/defrag",
    "transparent_hugepage.enabled": "/sys/kernel/mm/transparent_hugepage/enabled",
}

MACHINE = Path("/sys/devices/system")

LIMITS = {
    1: {
        "cpu.cfs_quota_us": "cpu",
        "memory.limit_in_bytes": "memory",
        "memory.soft_limit_in_bytes": "memory",
        "pids.max": "pids",
    },
    2: {"cpu.max": "", "memory.high": "", "memory.max": "", "pids.max": ""},
}
"""The files of a cgroup with its limits, each with its hierarchy, by the version of cgroups."""

UNLIMITED_BYTES = 1 << 62
"""Version 1 writes "no limit" as the greatest number of pages that it can count."""

INITIAL_NAMESPACE = "pid:[4026531836]"
"""The kernel's own namespace of processes. Source: include/linux/proc_ns.h, PROC_PID_INIT_INO."""


def main(_request: object) -> "dict[str, Any]":
    """The host's identity."""
    settings = {name: read(f"/proc/sys/{name.replace('.', '/')}") for name in KERNEL_SETTINGS}
    settings |= {name: read(path) for name, path in DEVICE_SETTINGS.items()}
    settings["cpufreq.governor"] = all_contents("cpu/cpu[0-9]*/cpufreq/scaling_governor")
    cpus = field("/proc/1/status", "Cpus_allowed_list:")
    version, limits = read_limits()
    return {
        "cpu_model": field("/proc/cpuinfo", "model name\t:") or platform.machine(),
        "microcode": field("/proc/cpuinfo", "microcode\t:") or None,
        "cpu_list": cpus,
        "sibling_lists": [
            text
            for path in sorted(MACHINE.glob("cpu/cpu[0-9]*/topology/thread_siblings_list"))
            if (text := read(str(path))) is not None
        ],
        "numa_list": read(str(MACHINE / "node/online")),
        "memory_bytes": min([1024 * kilobytes("MemTotal:"), *memory_limits(version)]),
        "swap_bytes": 1024 * kilobytes("SwapTotal:"),
        "available_memory_bytes": 1024 * kilobytes("MemAvailable:"),
        "kernel": platform.release(),
        "operating_system": field("/etc/os-release", "PRETTY_NAME=").strip('"'),
        "cgroup_version": version,
        "cgroup_limits": limits,
        "open_files": open_files(),
        "irqbalance": irqbalance(),
        "own_kernel": own_kernel(),
        "steal_seconds": steal_seconds(),
        "mitigations": {path.name: read(str(path)) or "" for path in sorted(MACHINE.glob("cpu/vulnerabilities/*"))},
        "settings": {name: " ".join(value.split()) for name, value in settings.items() if value is not None},
    }


def read_limits() -> "tuple[int, dict[str, str]]":
    """The version of the cgroups that account memory, and the nearest limit of each kind on the first process."""
    version = 1 if any("memory" in controllers for controllers, _ in cgroups()) else 2
    found: dict[str, str] = {}
    for name, controller in LIMITS[version].items():
        for directory in lineage(controller):
            text = read(str(directory / name))
            if text is not None and is_limit(text):
                found[name] = text
                break
    return version, found


def is_limit(text: str) -> bool:
    """Whether the value of a cgroup's file is a limit: `max`, -1 and a huge number aren't."""
    first = text.split(maxsplit=1)[0] if text.split() else "max"
    return first not in {"max", "-1"} and not (first.isdigit() and int(first) >= UNLIMITED_BYTES)


def memory_limits(version: int) -> "Iterator[int]":
    """The memory limits of the first process: of its cgroup and of those above."""
    name = "memory.limit_in_bytes" if version == 1 else "memory.max"
    for directory in lineage("memory" if version == 1 else ""):
        text = read(str(directory / name))
        if text is not None and is_limit(text):
            yield int(text)


def cgroups() -> "list[tuple[list[str], str]]":
    """The cgroups of the first process: the controllers of each hierarchy (one empty name for version 2) and a path."""
    lines = [line.split(":", 2) for line in Path("/proc/1/cgroup").read_text().splitlines()]
    return [(controllers.split(","), path) for _, controllers, path in lines]


def lineage(controller: str) -> "Iterator[Path]":
    """The directories of the first process's cgroup and of those above, the nearest first; empty without that kind."""
    path = next((path for controllers, path in cgroups() if controller in controllers), None)
    if path is None:
        return
    root = Path("/sys/fs/cgroup", controller)
    place = root / path.lstrip("/")
    yield from (directory for directory in (place, *place.parents) if directory.is_relative_to(root))


def open_files() -> "str | None":
    """How many files the first process, and what it starts, may have open: soft and hard limit."""
    limits = field("/proc/1/limits", "Max open files").split()
    return f"{limits[0]} soft, {limits[1]} hard" if len(limits) > 1 else None


def irqbalance() -> "bool | None":
    """Whether irqbalance runs, which moves interrupts from CPU to CPU; None where this host can't see all processes."""
    commands = {read(str(path)) for path in Path("/proc").glob("[0-9]*/comm")}
    if "irqbalance" in commands:
        return True
    return False if own_kernel() else None


def own_kernel() -> bool:
    """Whether the host has its own kernel, and isn't a container."""
    try:
        return os.readlink("/proc/1/ns/pid") == INITIAL_NAMESPACE  # noqa: PTH115 - no path at all
    except OSError:
        return False


def steal_seconds() -> "float | None":
    """How long CPUs of the machine waited for their hypervisor since its boot. Source: proc_stat(5), field 8."""
    counters = field("/proc/stat", "cpu ").split()
    return int(counters[7]) / os.sysconf("SC_CLK_TCK") if len(counters) > 7 else None


def all_contents(pattern: str) -> "str | None":
    """The different contents of the files that match, such as the governors in use; None if there is no such file."""
    return ", ".join(sorted({text for path in MACHINE.glob(pattern) if (text := read(str(path)))})) or None


def kilobytes(name: str) -> int:
    """A line of /proc/meminfo, in KiB; 0 where it has none of that name."""
    return int((field("/proc/meminfo", name) or "0").split()[0])


def field(path: str, name: str) -> str:
    """The text after a name at the beginning of a line; empty if no line begins so."""
    for line in Path(path).read_text().splitlines():
        if line.startswith(name):
            return line[len(name) :].strip()
    return ""


def read(path: str) -> "str | None":
    """A small file's text; None where the kernel doesn't have it or refuses."""
    try:
        return Path(path).read_text().strip()
    except OSError:
        return None
