"""Containers on a host: started, stopped, looked at."""

from provision.containers.cgroups import Cgroup
from provision.containers.control import execute, volume_path
from provision.containers.inspection import (
    Running,
    as_running,
    folder_owner,
    inspect_image,
    read_container,
    read_image,
    read_running,
)
from provision.containers.state import ALL, NONE, items, members, size_in_words, split_environment

__all__ = [
    "ALL",
    "NONE",
    "Cgroup",
    "Running",
    "as_running",
    "execute",
    "folder_owner",
    "inspect_image",
    "items",
    "members",
    "read_container",
    "read_image",
    "read_running",
    "size_in_words",
    "split_environment",
    "volume_path",
]
