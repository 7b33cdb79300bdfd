"""The containers that the lab declares: the inputs that Pulumi recorded for them at the last `up`.

Their environment is a secret to Pulumi. It is read here in plain text to be compared, and is never shown.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from documents.lab import ContainerState
from lab.lifecycle.engine import Engine
from provision.containers import (
    ALL,
    NONE,
    count_in_words,
    cpus_in_words,
    mapping_in_words,
    quota_in_words,
    size_in_words,
    split_environment,
)

_SECRET = "4dabf18193072939515e22adb298388d"  # noqa: S105 - the key by which the engine marks one, and no secret
"""The key that marks a special value in Pulumi's records. Source: sdk/go/common/resource/sig/sig.go."""

_IS_HOST = "fairground:hosts:ContainerHost$docker:index/container:Container::"
"""The part of a URN that a container has which is a host of the lab, not one on it."""

_MEGABYTE = 1024**2


@dataclass(frozen=True)
class Declared:
    """A container on record.

    Attributes:
        subject: its name in the program.
        id: its id on its engine.
        inputs: what the program declares for it, by pulumi-docker's names.
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

    def state(self, image: Mapping[str, str]) -> ContainerState:
        """The container in the words in which a running one is described; `image` has the variables of its image."""
        memory, swap = self.inputs.get("memory", 0), self.inputs.get("memorySwap")
        nano_cpus = round(float(self.inputs.get("cpus", 0)) * 1e9)
        aspects = {
            "CPUs": cpus_in_words(self.inputs.get("cpuSet")),
            # Pulumi-docker has no input for memory nodes, process limit and block I/O weight, so no program sets them.
            "memory nodes": ALL,
            "process limit": NONE,
            "block I/O weight": NONE,
            "CPU quota": quota_in_words(nano_cpus, self.inputs.get("cpuQuota"), self.inputs.get("cpuPeriod")),
            "CPU shares": count_in_words(self.inputs.get("cpuShares")),
            "memory limit": size_in_words(memory * _MEGABYTE),
            "memory reservation": size_in_words(self.inputs.get("memoryReservation", 0) * _MEGABYTE),
            "kernel settings": mapping_in_words(self.inputs.get("sysctls")),
        }
        # Where memory is limited and swap isn't, the engine chooses the limit of both.
        if swap is not None or not memory:
            aspects["memory and swap limit"] = size_in_words((swap or 0) * _MEGABYTE)
        environment = {**image, **split_environment(self.inputs.get("envs"))}
        return ContainerState(image_id=self.image_id, aspects=aspects, environment=environment)


@dataclass(frozen=True)
class DeclaredLab:
    """The lab's hosts on record, where they are containers, and the containers on the lab's host."""

    host: Declared | None
    load_hosts: tuple[Declared, ...]
    containers: tuple[Declared, ...]


def read_declared(engine: Engine) -> DeclaredLab:
    """The containers on record.

    Raises:
        LabError: the engine can't read its record.
    """
    deployment: dict[str, Any] = json.loads(engine.query("stack", "export", "--show-secrets"))["deployment"]
    containers = [
        one
        for one in deployment.get("resources", [])
        if one["type"].startswith("docker:index/container:") and not one.get("delete")
    ]
    hosts = {one.subject: one for one in (_as_declared(one) for one in containers if _IS_HOST in one["urn"])}
    load_hosts = sorted(hosts.keys() - {"host"}, key=lambda name: int(name.removeprefix("load-host-")))
    return DeclaredLab(
        host=hosts.get("host"),
        load_hosts=tuple(hosts[name] for name in load_hosts),
        containers=tuple(_as_declared(one) for one in containers if _IS_HOST not in one["urn"]),
    )


def _as_declared(resource: dict[str, Any]) -> Declared:
    return Declared(resource["urn"].rpartition("::")[2], resource.get("id", ""), _plain(resource["inputs"]))


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever JSON can hold
    """A recorded value with its secrets in plain text."""
    if isinstance(value, dict):
        recorded = cast("dict[str, Any]", value)
        if _SECRET in recorded and "plaintext" in recorded:
            return _plain(json.loads(recorded["plaintext"]))
        return {name: _plain(member) for name, member in recorded.items()}
    if isinstance(value, list):
        return [_plain(member) for member in cast("list[Any]", value)]
    return value
