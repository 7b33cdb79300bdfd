"""Containers on a host: started, stopped, looked at."""

from provision.containers.cgroups import Cgroup
from provision.containers.control import execute, volume_path
from provision.containers.docker import (
    LOCAL_DOCKER,
    DockerClient,
    HostDocker,
    Labelled,
    find_labelled,
    remove_labelled,
)
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
    "LOCAL_DOCKER",
    "NONE",
    "Cgroup",
    "DockerClient",
    "HostDocker",
    "Labelled",
    "Running",
    "count_in_words",
    "cpus_in_words",
    "execute",
    "find_labelled",
    "folder_owner",
    "inspect_image",
    "items",
    "mapping_in_words",
    "members",
    "quota_in_words",
    "read_container",
    "read_running",
    "remove_labelled",
    "size_in_words",
    "split_environment",
    "volume_path",
]
