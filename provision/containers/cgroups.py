"""Control groups on a host, v1 and v2: where a process is accounted for.

Paths are as the host's root sees them under /sys/fs/cgroup. Source: cgroups(7).
"""

import posixpath
import re
from collections.abc import Collection
from typing import Literal

from documents.base import Document
from documents.errors import HostError, RemoteCommandError
from provision.ssh import Connection, matching, whole_number

ROOT = "/sys/fs/cgroup"

ACCOUNTING_CONTROLLERS = ("cpuacct", "memory")
"""The controllers that the lab reads; on cgroup v1 each has its own hierarchy."""

_DEADLINE_SECONDS = 15

_LINE = re.compile(r"\d{1,18}:([^:]*):(/.*)", re.ASCII)

_OTHER = r"(?!usage_usec )[\w.]+ \d{1,20}"
_CPU_STAT = rf"(?:{_OTHER}\n)*usage_usec (\d{{1,18}})(?:\n{_OTHER})*"
"""A `cpu.stat` of version 2. Source: Linux, Documentation/admin-guide/cgroup-v2.rst."""


class Cgroup(Document):
    """A cgroup. `directories` maps each accounting controller to its directory; on v2 it is the same for all."""

    version: Literal[1, 2]
    directories: dict[str, str]

    @property
    def paths(self) -> list[str]:
        """The directories, each once."""
        return sorted(set(self.directories.values()))

    @property
    def cpu_file(self) -> str:
        """The file with the CPU time that its processes have used."""
        return f"{self.directories['cpuacct']}/{'cpuacct.usage' if self.version == 1 else 'cpu.stat'}"

    @property
    def memory_file(self) -> str:
        """The file with the memory that its processes have."""
        return f"{self.directories['memory']}/memory.stat"


def parse(text: str) -> Cgroup:
    """The cgroup in a /proc/PID/cgroup.

    On a hybrid host, where v2 is mounted without the controllers, v1 does the accounting.

    Raises:
        ValueError: the text names neither both v1 controllers nor a v2 cgroup.
    """
    paths: dict[str, str] = {}
    for line in text.splitlines():
        found = _LINE.fullmatch(line)
        if found is None:
            raise ValueError(f"{line!r}, which isn't a line of a /proc/PID/cgroup")
        paths |= dict.fromkeys(found[1].split(","), found[2])
    if all(controller in paths for controller in ACCOUNTING_CONTROLLERS):
        directories = {name: _join(f"{ROOT}/{name}", paths[name]) for name in ACCOUNTING_CONTROLLERS}
        return Cgroup(version=1, directories=directories)
    if "" not in paths:
        raise ValueError(f"no cgroup that accounts CPU time and memory in {text!r}")
    return Cgroup(version=2, directories=dict.fromkeys(ACCOUNTING_CONTROLLERS, _join(ROOT, paths[""])))


def of_process(connection: Connection, process_id: int) -> Cgroup:
    """The cgroup of a process on the host.

    Raises:
        HostError: there is no such process, or the host accounts nothing.
    """
    try:
        text = connection.run(["cat", f"/proc/{process_id}/cgroup"], deadline_seconds=_DEADLINE_SECONDS).stdout
        return parse(text)
    except RemoteCommandError as error:
        raise HostError(f"The process {process_id} on {connection} is gone: {error}") from error
    except ValueError as error:
        raise HostError(f"{connection} has {error}. Mount /sys/fs/cgroup there.") from error


def sibling(cgroup: Cgroup, name: str) -> Cgroup:
    """A cgroup beside another one, with the same limits above it."""
    directories = {
        controller: posixpath.join(posixpath.dirname(directory), name)
        for controller, directory in cgroup.directories.items()
    }
    return Cgroup(version=cgroup.version, directories=directories)


def of_host(connection: Connection, name: str) -> Cgroup:
    """A cgroup of that name under the limits of the host as a whole, which are those of its first process.

    On version 2 it lies beside the cgroup of that process, because a cgroup with processes can't enable controllers. On
    version 1 it lies inside, because a cgroup beside that of a container is outside of the container.

    Raises:
        HostError: the host accounts nothing.
    """
    first = of_process(connection, 1)
    if first.version == 2 and ROOT not in first.directories.values():
        return sibling(first, name)
    directories = {controller: f"{directory}/{name}" for controller, directory in first.directories.items()}
    return Cgroup(version=first.version, directories=directories)


def cpu_seconds(connection: Connection, cgroup: Cgroup) -> float:
    """The CPU time, user and system, that all processes of a cgroup have used since it was created.

    Raises:
        HostError: there is no such cgroup.
    """
    try:
        text = connection.run(["cat", cgroup.cpu_file], deadline_seconds=_DEADLINE_SECONDS).stdout
    except RemoteCommandError as error:
        raise HostError(f"The cgroup {cgroup.directories['cpuacct']} on {connection} is gone: {error}") from error
    what = f"the CPU time in {cgroup.cpu_file}"
    if cgroup.version == 1:
        return whole_number(text, what=what, where=connection) / 1e9
    return int(matching(_CPU_STAT, text, what=what, where=connection)[1]) / 1e6


def create(connection: Connection, cgroup: Cgroup) -> None:
    """Create a cgroup on the host; an existing one is fine.

    Raises:
        HostError: it can't be created, or the host doesn't account memory in it.
    """
    try:
        connection.run(["mkdir", "-p", "--", *cgroup.paths], deadline_seconds=_DEADLINE_SECONDS)
        connection.run(["test", "-e", cgroup.memory_file], deadline_seconds=_DEADLINE_SECONDS)
    except RemoteCommandError as error:
        raise HostError(
            f"The cgroup {cgroup.directories['memory']} can't be created on {connection}, or accounts no memory: "
            f"{error} On cgroup v2 its parent must have +memory in cgroup.subtree_control."
        ) from error


def remove(connection: Connection, directories: Collection[str]) -> None:
    """Remove cgroups without processes; a missing one is fine."""
    for directory in sorted(set(directories)):
        connection.run(f"[ ! -d '{directory}' ] || rmdir -- '{directory}'", deadline_seconds=_DEADLINE_SECONDS)


def _join(root: str, path: str) -> str:
    return posixpath.normpath(root + path)
