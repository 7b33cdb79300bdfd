"""Containers on a host: started, stopped, looked at."""

from provision.containers.cgroups import Cgroup
from provision.containers.control import execute, volume_path
from provision.containers.inspection import (
    ALL,
    NONE,
    Running,
    count_in_words,
    cpus_in_words,
    folder_owner,
    inspect_image,
    items,
    mapping_in_words,
    members,
    quota_in_words,
    read_container,
    read_running,
    size_in_words,
    split_environment,
)

__all__ = [
    "ALL",
    "NONE",
    "Cgroup",
    "Running",
    "count_in_words",
    "cpus_in_words",
    "execute",
    "folder_owner",
    "inspect_image",
    "items",
    "mapping_in_words",
    "members",
    "quota_in_words",
    "read_container",
    "read_running",
    "size_in_words",
    "split_environment",
    "volume_path",
]
