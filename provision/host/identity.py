"""Runs on the host: what the host is, as one line of JSON. Standard library only, Python 3.10 or newer.

What it has is read from its first process, which nothing of the lab pins or limits: an SSH session may have been left
with fewer CPUs than the host.
"""

import json
import platform
from pathlib import Path

KERNEL_SETTINGS = (
    "fs.file-max",
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
    "cpufreq.governor": "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor",
    "cpuidle.driver": "/sys/devices/system/cpu/cpuidle/current_driver",
    "intel_pstate.no_turbo": "/sys/devices/system/cpu/intel_pstate/no_turbo",
    "smt": "/sys/devices/system/cpu/smt/control",
    "transparent_hugepage.defrag": "/sys/kernel/mm/transparent_hugepage/defrag",
    "transparent_hugepage.enabled": "/sys/kernel/mm/transparent_hugepage/enabled",
}


def main() -> None:
    """Print what the host is."""
    version, limits = read_cgroup()
    settings = {name: read(f"/proc/sys/{name.replace('.', '/')}") for name in KERNEL_SETTINGS}
    settings |= {name: read(path) for name, path in DEVICE_SETTINGS.items()}
    status = field("/proc/1/status", "Cpus_allowed_list:")
    identity = {
        "cpu_model": field("/proc/cpuinfo", "model name\t:") or platform.machine(),
        "cpu_list": status,
        "sibling_list": read("/sys/devices/system/cpu/cpu0/topology/thread_siblings_list") or "0",
        "memory_bytes": min([1024 * int(field("/proc/meminfo", "MemTotal:").split()[0]), *limits]),
        "kernel": platform.release(),
        "operating_system": field("/etc/os-release", "PRETTY_NAME=").strip('"'),
        "cgroup_version": version,
        "settings": {name: " ".join(value.split()) for name, value in settings.items() if value is not None},
    }
    print(json.dumps(identity))  # noqa: T201 - this line is the answer


def read_cgroup() -> "tuple[int, list[int]]":
    """The version of the cgroups that account memory, and the memory limits of the first process's and those above."""
    lines = [line.split(":", 2) for line in Path("/proc/1/cgroup").read_text().splitlines()]
    v1 = next((path for _, controllers, path in lines if "memory" in controllers.split(",")), None)
    if v1 is not None:
        root, path, name = Path("/sys/fs/cgroup/memory"), v1, "memory.limit_in_bytes"
    else:
        root, path, name = Path("/sys/fs/cgroup"), lines[0][2], "memory.max"
    place = root / path.lstrip("/")
    found = [read(str(directory / name)) for directory in (place, *place.parents) if directory.is_relative_to(root)]
    return (2 if v1 is None else 1), [int(limit) for limit in found if limit is not None and limit != "max"]


def field(path: str, name: str) -> str:
    """What stands behind a name at the beginning of a line; nothing where no line begins so."""
    for line in Path(path).read_text().splitlines():
        if line.startswith(name):
            return line[len(name) :].strip()
    return ""


def read(path: str) -> "str | None":
    """A small file's text; None where the kernel doesn't have it or doesn't tell."""
    try:
        return Path(path).read_text().strip()
    except OSError:
        return None


main()
