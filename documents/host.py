"""A host: anything with SSH and Docker."""

from typing import Annotated, Literal

from pydantic import Field

from documents.base import Document


class Host(Document):
    """How to reach a host over SSH, and the one key that it may show.

    `private_key_path` and `known_hosts_path` are files of mode 0600 on the controller; `host_public_key` is one
    line in OpenSSH's format, ``ssh-ed25519 AAAA…``.
    """

    kind: Literal["container", "ssh", "aws", "hetzner"]
    address: str
    port: Annotated[int, Field(ge=1, le=65535)]
    user: str
    private_key_path: str
    known_hosts_path: str
    host_public_key: str


class HostSize(Document):
    """What the lab has of the host: its CPUs by the kernel's numbers, and its memory in bytes.

    `smaller` says that this is less than the article's machine of 8 cores and 16 GB; results of a smaller host
    are never compared with those of a full one. `shared_cores` says that other tenants of a cloud have the same cores,
    so that how much of a core there is depends on them.
    """

    cpus: tuple[int, ...]
    memory_bytes: int
    smaller: bool
    shared_cores: bool = False
