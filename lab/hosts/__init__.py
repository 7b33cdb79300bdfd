"""Host kinds: each gives a `Host` that answers over SSH; from there one code path serves all."""

from lab.hosts.cloud import CLOUDS, missing_extra
from lab.hosts.declared import LOAD_HOST, DeclaredLoadHost, host_slug
from lab.hosts.ssh import confirm_key, describe_host, describe_unverified_host, known_key

__all__ = [
    "CLOUDS",
    "LOAD_HOST",
    "DeclaredLoadHost",
    "confirm_key",
    "describe_host",
    "describe_unverified_host",
    "host_slug",
    "known_key",
    "missing_extra",
]
