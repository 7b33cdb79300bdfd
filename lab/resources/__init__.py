"""The lab's own resources: what Pulumi's providers don't have."""

from lab.resources.access import (
    KEY_NAME,
    KNOWN_HOSTS_NAME,
    Credentials,
    SshFiles,
    list_known_hosts,
    pin_host_key,
    ssh_options,
)
from lab.resources.hosts import ReadyHost, ReadyLoadHost, ReservedHost, ReservedHostArgs, take_kept
from lab.resources.images import BaseImage, BuiltImage, BuiltImageArgs
from lab.resources.seed import SeededDatabase, hash_contract

__all__ = [
    "KEY_NAME",
    "KNOWN_HOSTS_NAME",
    "BaseImage",
    "BuiltImage",
    "BuiltImageArgs",
    "Credentials",
    "ReadyHost",
    "ReadyLoadHost",
    "ReservedHost",
    "ReservedHostArgs",
    "SeededDatabase",
    "SshFiles",
    "hash_contract",
    "list_known_hosts",
    "pin_host_key",
    "ssh_options",
    "take_kept",
]
