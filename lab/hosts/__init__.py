"""Host kinds: each gives a `Host` that answers over SSH; from there one code path serves all."""

from lab.hosts.cloud import EXTRAS, missing_extra
from lab.hosts.keys import name_place, pin_key
from lab.hosts.size import (
    describe_load_host,
    lay_out_cores,
    read_controller,
    read_memory_bytes,
    read_topology,
    size_host,
)
from lab.hosts.ssh import describe_host, describe_way, known_key

__all__ = [
    "EXTRAS",
    "describe_host",
    "describe_load_host",
    "describe_way",
    "known_key",
    "lay_out_cores",
    "missing_extra",
    "name_place",
    "pin_key",
    "read_controller",
    "read_memory_bytes",
    "read_topology",
    "size_host",
]
