"""A container in words, from what Docker's `inspect` says of it; whoever declares one says it in the same words.

Source: the Docker Engine API, `ContainerInspect` and `ImageInspect`.
"""

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from documents.lab import ContainerState, parse_cpu_list

NONE = "none"

ALL = "all of the engine's"
"""A cpuset that isn't set."""

ENGINE_STOP_SECONDS = 10
"""What Docker gives a container to end where nobody says how long."""

ENGINE_SHARED_MEMORY = 64 * 1024**2
"""The size of /dev/shm where nobody says one."""

UNMASKED = "systempaths=unconfined"
"""The option that leaves /proc and /sys as the kernel has them."""

_ANONYMOUS = re.compile(r"[0-9a-f]{64}")


def describe(inspected: Mapping[str, Any], image: Mapping[str, Any] | None) -> ContainerState:
    """A container that is there, without its files.

    Args:
        inspected: what `docker container inspect` says.
        image: what `docker image inspect` says of its image; None where that is gone.
    """
    config, host = members(inspected, "Config"), members(inspected, "HostConfig")
    aspects = {
        "CPUs": cpus_in_words(host.get("CpusetCpus")),
        "memory nodes": cpus_in_words(host.get("CpusetMems")),
        "memory limit": size_in_words(host.get("Memory")),
        "memory and swap limit": size_in_words(host.get("MemorySwap")),
        "memory reservation": size_in_words(host.get("MemoryReservation")),
        "CPU quota": quota_in_words(host.get("NanoCpus"), host.get("CpuQuota"), host.get("CpuPeriod")),
        "CPU shares": count_in_words(host.get("CpuShares")),
        "process limit": count_in_words(host.get("PidsLimit")),
        "block I/O weight": count_in_words(host.get("BlkioWeight")),
        "restart policy": restart_in_words(host["RestartPolicy"]["Name"], host["RestartPolicy"]["MaximumRetryCount"]),
        "network mode": network_in_words(host.get("NetworkMode")),
        "addresses": listed(_addresses(members(members(inspected, "NetworkSettings"), "Networks"))),
        "entry point": shlex.join(items(config, "Entrypoint")) or NONE,
        "command": shlex.join(items(config, "Cmd")) or NONE,
        "user": config.get("User") or "root",
        "working folder": config.get("WorkingDir") or "/",
        "read-only root": yes_or_no(host.get("ReadonlyRootfs")),
        "privileged": yes_or_no(host.get("Privileged")),
        "capabilities added": capabilities_in_words(host.get("CapAdd")),
        "capabilities dropped": capabilities_in_words(host.get("CapDrop")),
        "security options": security_in_words(host.get("SecurityOpt")),
        "masked system paths": yes_or_no(not _unmasked(host)),
        "mounts": listed(_mounts(inspected, image)),
        "temporary file systems": mapping_in_words(host.get("Tmpfs")),
        "kernel settings": mapping_in_words(host.get("Sysctls")),
        "published ports": listed(_ports(members(host, "PortBindings"))),
        "shared memory": size_in_words(host.get("ShmSize") or ENGINE_SHARED_MEMORY),
        "stop time": seconds_in_words(config.get("StopTimeout")),
        "stop signal": config.get("StopSignal") or "SIGTERM",
        "process namespace": host.get("PidMode") or "its own",
        "IPC namespace": ipc_in_words(host.get("IpcMode")),
        "user namespace": host.get("UsernsMode") or "the engine's",
        "devices": listed(f"{one['PathOnHost']}:{one['PathInContainer']}" for one in items(host, "Devices")),
        "extra hosts": listed(items(host, "ExtraHosts")),
        "log options": mapping_in_words(members(members(host, "LogConfig"), "Config")),
        "cgroup namespace": host.get("CgroupnsMode") or "the engine's",
        "cgroup parent": host.get("CgroupParent") or "the engine's",
        "health check": health_check_in_words(config.get("Healthcheck")),
    }
    return ContainerState(
        name=inspected["Name"].lstrip("/"),
        image_id=inspected["Image"],
        aspects=aspects,
        environment=split_environment(config.get("Env")),
        labels=members(config, "Labels"),
    )


def members(of: Mapping[str, Any] | None, name: str) -> dict[str, Any]:
    """A member that is a mapping; an empty one where it isn't there, or Docker writes null."""
    return (of or {}).get(name) or {}


def items(of: Mapping[str, Any] | None, name: str) -> list[Any]:
    """A member that is a list; an empty one where it isn't there, or Docker writes null."""
    return (of or {}).get(name) or []


def cpus_in_words(text: str | None) -> str:
    """A cpuset, each CPU, or node of memory, by its number."""
    return ",".join(map(str, parse_cpu_list(text))) if text else ALL


def size_in_words(size: int | None) -> str:
    """A limit in bytes; 0 and -1 are none."""
    if not size or size < 0:
        return NONE
    for unit, name in ((1024**3, "GiB"), (1024**2, "MiB"), (1024, "KiB")):
        if size % unit == 0:
            return f"{size // unit} {name}"
    return f"{size} bytes"


def quota_in_words(nano_cpus: int | None, quota: int | None, period: int | None) -> str:
    """A CPU quota as a number of CPUs, by whichever of Docker's two ways it is set. The kernel's period is 100 ms."""
    if nano_cpus:
        return f"{nano_cpus / 1e9:g} CPUs"
    return f"{quota / (period or 100_000):g} CPUs" if quota and quota > 0 else NONE


def count_in_words(count: int | None) -> str:
    """A number that is set; 0 and -1 are none."""
    return str(count) if count and count > 0 else NONE


def restart_in_words(policy: str | None, most: int | None) -> str:
    """A restart policy with how often it starts a container anew, if that is limited."""
    return f"{policy or 'no'}:{most}" if most else policy or "no"


def network_in_words(mode: str | None) -> str:
    """A network mode; some engines call their bridge the default."""
    return "bridge" if mode in {None, "", "default"} else str(mode)


def address_in_words(address: str, network: str) -> str:
    """An address that a container was given in a network."""
    return f"{address} in {network}"


def ipc_in_words(mode: str | None) -> str:
    """An IPC namespace; which of its own a container has, is the engine's default."""
    return "its own" if mode in {None, "", "private", "shareable"} else str(mode)


def yes_or_no(flag: bool | None) -> str:
    """A flag in a word."""
    return "yes" if flag else "no"


def seconds_in_words(seconds: int | None) -> str:
    """How long a container has to end."""
    return f"{ENGINE_STOP_SECONDS if seconds is None else seconds} s"


def capabilities_in_words(names: Iterable[str] | None) -> str:
    """Capabilities by the kernel's names; some engines leave their prefix out."""
    return listed(name.upper().removeprefix("CAP_") for name in names or [])


def security_in_words(options: Iterable[str] | None) -> str:
    """Security options; between name and value engines write a colon or an equals sign.

    `systempaths=unconfined` isn't among them: engines take it to mask nothing, and forget it.
    """
    return listed(
        "no-new-privileges=true" if option == "no-new-privileges" else option.replace(":", "=", 1)
        for option in options or []
        if option != UNMASKED
    )


def mapping_in_words(mapping: Mapping[str, str] | None) -> str:
    """Names with their values."""
    return listed(f"{name}={value}" for name, value in (mapping or {}).items())


def port_in_words(address: str | None, outer: object, inner: str) -> str:
    """A port that is published."""
    return f"{address or '0.0.0.0'}:{outer} to {inner}"  # noqa: S104 - what Docker means by none


def mount_in_words(source: str, target: str, *, read_only: bool) -> str:
    """A volume or a folder that is mounted."""
    return f"{source} at {target}{' (read-only)' if read_only else ''}"


def listed(items: Iterable[str]) -> str:
    """Items in rising order, for their order means nothing."""
    return ", ".join(sorted(items)) or NONE


def split_environment(lines: Iterable[str] | None) -> dict[str, str]:
    """Variables by name."""
    return {name: value for name, _, value in (line.partition("=") for line in lines or [])}


def health_check_in_words(check: Mapping[str, Any] | None) -> str:
    """A health check as Docker has it, its times in nanoseconds; those of 0 are the engine's own and aren't told."""
    test: Sequence[str] = items(check, "Test")
    if check is None or not test or test[0] == "NONE":
        return NONE
    told = [shlex.join(test)]
    for member, name in (("Interval", "every"), ("Timeout", "at most"), ("StartPeriod", "from")):
        if check.get(member):
            told.append(f"{name} {check[member] / 1e9:g} s")
    if check.get("Retries"):
        told.append(f"{check['Retries']} tries")
    return ", ".join(told)


def _unmasked(host: Mapping[str, Any]) -> bool:
    return host.get("MaskedPaths") == [] == host.get("ReadonlyPaths")


def _ports(bindings: Mapping[str, Any]) -> Iterable[str]:
    for inner in bindings:
        for one in items(bindings, inner):
            yield port_in_words(one["HostIp"], one["HostPort"], inner)


def _addresses(networks: Mapping[str, Any]) -> Iterable[str]:
    for name, joined in networks.items():
        # One that the engine chose is another after each start.
        if address := members(joined, "IPAMConfig").get("IPv4Address"):
            yield address_in_words(address, name)


def _mounts(inspected: Mapping[str, Any], image: Mapping[str, Any] | None) -> Iterable[str]:
    brought = members(members(image, "Config"), "Volumes")
    for mount in items(inspected, "Mounts"):
        if mount["Type"] == "tmpfs":
            continue
        # What an image calls a volume gets one of its own where nothing else is mounted there.
        if mount["Destination"] in brought and _ANONYMOUS.fullmatch(mount.get("Name", "")):
            continue
        source: str = mount["Name"] if mount["Type"] == "volume" else mount["Source"]
        yield mount_in_words(source, mount["Destination"], read_only=not mount["RW"])
