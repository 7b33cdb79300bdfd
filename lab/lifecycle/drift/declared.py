"""The containers that the lab declares: what its program said of them at the last `up`, as the engine recorded it.

Their environment and their files are secrets to the engine. They are read here in plain text to be compared, and are
never shown.
"""

import hashlib
import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from documents.lab import ContainerState
from lab.lifecycle.engine import Engine
from provision.containers import state as words

_SECRET = "4dabf18193072939515e22adb298388d"  # noqa: S105 - the key by which the engine marks one, and no secret
"""The key that marks a special value in Pulumi's records. Source: sdk/go/common/resource/sig/sig.go."""

_IS_HOST = "fairground:hosts:ContainerHost$docker:index/container:Container::"
"""What the URN has of a container that is a host of the lab, and not on one."""

_MEGABYTE = 1024**2

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)")
_NANOSECONDS = {"ns": 1, "us": 1e3, "µs": 1e3, "ms": 1e6, "s": 1e9, "m": 60e9, "h": 3600e9}


@dataclass(frozen=True)
class Declared:
    """A container on record.

    `subject` is its name in the program, `id` what its engine calls it, and `inputs` what the program said of it, by
    the names that pulumi-docker has for it.
    """

    subject: str
    id: str
    inputs: Mapping[str, Any] = field(repr=False)

    @property
    def name(self) -> str:
        """Its name on its engine."""
        return str(self.inputs["name"])

    @property
    def image_id(self) -> str:
        """The id of its image."""
        return str(self.inputs["image"])

    @property
    def files(self) -> dict[str, str]:
        """The SHA-256 of each file that is laid into it, by its path."""
        return {
            one["file"]: hashlib.sha256(str(one.get("content", "")).encode()).hexdigest()
            for one in words.items(self.inputs, "uploads")
        }


@dataclass(frozen=True)
class DeclaredBase:
    """A base image on record: its name, its id, and whether it is the host's or the controller's."""

    tag: str
    image_id: str
    on_host: bool


@dataclass(frozen=True)
class DeclaredLab:
    """What is on record of a lab: its hosts where they are containers, the containers on it, and the base images."""

    host: Declared | None
    load_hosts: tuple[Declared, ...]
    containers: tuple[Declared, ...]
    bases: tuple[DeclaredBase, ...]


def read_declared(engine: Engine) -> DeclaredLab:
    """What is on record of the lab.

    Raises:
        LabError: the engine can't read its record.
    """
    deployment: dict[str, Any] = json.loads(engine.query("stack", "export", "--show-secrets"))["deployment"]
    resources = [one for one in deployment.get("resources", []) if one.get("custom") and not one.get("delete")]
    containers = [one for one in resources if one["type"].startswith("docker:index/container:")]
    hosts = {one.subject: one for one in (_as_declared(one) for one in containers if _IS_HOST in one["urn"])}
    load_hosts = sorted(hosts.keys() - {"host"}, key=lambda name: int(name.removeprefix("load-host-")))
    return DeclaredLab(
        host=hosts.get("host"),
        load_hosts=tuple(hosts[name] for name in load_hosts),
        containers=tuple(_as_declared(one) for one in containers if _IS_HOST not in one["urn"]),
        bases=tuple(
            DeclaredBase(one["id"], one["outputs"]["image_id"], on_host=one["inputs"].get("host") is not None)
            for one in resources
            if one["type"].endswith(":BaseImage")
        ),
    )


def _as_declared(resource: dict[str, Any]) -> Declared:
    return Declared(resource["urn"].rpartition("::")[2], resource.get("id", ""), _plain(resource["inputs"]))


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever JSON can hold
    """A recorded value with its secrets in plain text."""
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value)
        if _SECRET in members and "plaintext" in members:
            return _plain(json.loads(members["plaintext"]))
        return {name: _plain(member) for name, member in members.items()}
    if isinstance(value, list):
        return [_plain(member) for member in cast("list[Any]", value)]
    return value


def state_of(declared: Declared, image: Mapping[str, Any] | None) -> ContainerState:
    """A declared container in the words in which a running one is described.

    What it leaves to its image is that image's; where the image isn't there nobody knows what that is, and it isn't
    told. A health check of the image isn't declared by that.

    Args:
        declared: the container on record.
        image: what `docker image inspect` says of its declared image; None where that is gone.
    """
    inputs = declared.inputs
    config = None if image is None else words.members(image, "Config")
    return ContainerState(
        name=declared.name,
        image_id=declared.image_id,
        aspects={**_limits(inputs), **_from_image(inputs, config), **_isolation(inputs), **_surroundings(inputs)},
        environment={
            **words.split_environment(words.items(config, "Env")),
            **words.split_environment(inputs.get("envs")),
        },
        labels={
            **words.members(config, "Labels"),
            **{one["label"]: one["value"] for one in words.items(inputs, "labels")},
        },
        files=declared.files,
    )


def _limits(inputs: Mapping[str, Any]) -> dict[str, str]:
    memory, swap = inputs.get("memory", 0), inputs.get("memorySwap")
    limits = {
        "CPUs": words.cpus_in_words(inputs.get("cpuSet")),
        # What pulumi-docker has no name for, no program sets.
        "memory nodes": words.cpus_in_words(None),
        "memory limit": words.size_in_words(memory * _MEGABYTE),
        "memory reservation": words.size_in_words(inputs.get("memoryReservation", 0) * _MEGABYTE),
        "CPU quota": words.quota_in_words(
            round(float(inputs.get("cpus", 0)) * 1e9), inputs.get("cpuQuota"), inputs.get("cpuPeriod")
        ),
        "CPU shares": words.count_in_words(inputs.get("cpuShares")),
        "process limit": words.NONE,
        "block I/O weight": words.NONE,
        "restart policy": words.restart_in_words(inputs.get("restart"), inputs.get("maxRetryCount")),
        "shared memory": words.size_in_words(inputs.get("shmSize", 0) * _MEGABYTE or words.ENGINE_SHARED_MEMORY),
        "stop time": words.seconds_in_words(inputs.get("stopTimeout")),
    }
    # Where memory is limited and swap isn't told, the engine chooses.
    if swap is not None or not memory:
        limits["memory and swap limit"] = words.size_in_words((swap or 0) * _MEGABYTE)
    return limits


def _from_image(inputs: Mapping[str, Any], config: Mapping[str, Any] | None) -> dict[str, str]:
    """What an image says where the program doesn't."""

    def chosen(name: str, of_image: str) -> Any:  # noqa: ANN401 - whatever it is
        return inputs.get(name) or (config or {}).get(of_image)

    known: dict[str, tuple[str, str]] = {
        "entry point": ("entrypoints", "Entrypoint"),
        "command": ("command", "Cmd"),
        "user": ("user", "User"),
        "working folder": ("workingDir", "WorkingDir"),
        "stop signal": ("stopSignal", "StopSignal"),
    }
    unsaid = {"user": "root", "working folder": "/", "stop signal": "SIGTERM"}
    told: dict[str, str] = {}
    for aspect, (name, of_image) in known.items():
        value = chosen(name, of_image)
        # A program that names an entry point leaves nothing of the image's command.
        if aspect == "command" and not inputs.get("command") and inputs.get("entrypoints"):
            value = None
        elif config is None and not inputs.get(name):
            continue
        told[aspect] = unsaid.get(aspect, words.NONE) if not value else _line(value)
    return told


def _line(value: str | Sequence[str]) -> str:
    return value if isinstance(value, str) else shlex.join(value)


def _isolation(inputs: Mapping[str, Any]) -> dict[str, str]:
    capabilities = words.members(inputs, "capabilities")
    told = {
        "network mode": words.network_in_words(inputs.get("networkMode")),
        "read-only root": words.yes_or_no(inputs.get("readOnly")),
        "privileged": words.yes_or_no(inputs.get("privileged")),
        "capabilities added": words.capabilities_in_words(capabilities.get("adds")),
        "capabilities dropped": words.capabilities_in_words(capabilities.get("drops")),
        "security options": words.security_in_words(inputs.get("securityOpts")),
        "process namespace": inputs.get("pidMode") or "its own",
        "IPC namespace": words.ipc_in_words(inputs.get("ipcMode")),
        "user namespace": inputs.get("usernsMode") or "the engine's",
        "devices": words.listed(
            f"{one['hostPath']}:{one.get('containerPath') or one['hostPath']}" for one in words.items(inputs, "devices")
        ),
        "kernel settings": words.mapping_in_words(inputs.get("sysctls")),
        "cgroup parent": inputs.get("cgroupParent") or "the engine's",
        "health check": words.health_check_in_words(_health_check(inputs.get("healthcheck"))),
    }
    options = words.items(inputs, "securityOpts")
    if words.UNMASKED in options:
        told["masked system paths"] = "no"
    elif "seccomp=unconfined" not in options:
        # A refresh reads the option back as nothing, so of the host's container it may be gone from the record.
        told["masked system paths"] = "yes"
    # Which one an engine chooses by itself depends on the version of cgroups.
    if "cgroupnsMode" in inputs:
        told["cgroup namespace"] = inputs["cgroupnsMode"]
    return told


def _surroundings(inputs: Mapping[str, Any]) -> dict[str, str]:
    mounts = [
        (one.get("volumeName") or one["hostPath"], one["containerPath"], one.get("readOnly", False))
        for one in words.items(inputs, "volumes")
    ]
    mounts += [
        (one["source"], one["target"], one.get("readOnly", False))
        for one in words.items(inputs, "mounts")
        if one["type"] != "tmpfs"
    ]
    told = {
        "mounts": words.listed(words.mount_in_words(source, target, read_only=only) for source, target, only in mounts),
        "temporary file systems": words.mapping_in_words(inputs.get("tmpfs")),
        "published ports": words.listed(
            words.port_in_words(one.get("ip"), one.get("external"), f"{one['internal']}/{one.get('protocol', 'tcp')}")
            for one in words.items(inputs, "ports")
        ),
        "extra hosts": words.listed(f"{one['host']}:{one['ip']}" for one in words.items(inputs, "hosts")),
        "addresses": words.listed(
            words.address_in_words(one["ipv4Address"], one["name"]) for one in words.items(inputs, "networksAdvanced")
        ),
    }
    # An engine may have log options of its own for containers that have none.
    if inputs.get("logOpts"):
        told["log options"] = words.mapping_in_words(inputs["logOpts"])
    return told


def _health_check(declared: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """A declared health check as Docker has one."""
    if declared is None:
        return None
    return {
        "Test": declared.get("tests"),
        "Interval": _nanoseconds(declared.get("interval")),
        "Timeout": _nanoseconds(declared.get("timeout")),
        "StartPeriod": _nanoseconds(declared.get("startPeriod")),
        "Retries": declared.get("retries"),
    }


def _nanoseconds(duration: str | None) -> int:
    """A length of time as Go writes it, such as ``1m30s``."""
    return round(sum(float(number) * _NANOSECONDS[unit] for number, unit in _DURATION.findall(duration or "")))
