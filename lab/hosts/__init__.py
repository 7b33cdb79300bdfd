"""Host kinds: each gives a `Host` that answers over SSH; from there one code path serves all."""

from lab.hosts.cloud import CLOUDS, missing_extra
from lab.hosts.declared import host_slug
from lab.hosts.ssh import describe_host, describe_way, known_key, pin_key

__all__ = [
    "CLOUDS",
    "describe_host",
    "describe_way",
    "host_slug",
    "known_key",
    "missing_extra",
    "pin_key",
]
