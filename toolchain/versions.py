"""The exact versions of the toolchain, read from versions.toml."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

Version = tuple[int, int, int]


def parse_version(text: str) -> Version | None:
    """The first ``major.minor.patch`` in a tool's output, or None; a missing patch is 0.

    Examples are ``v3.259.0``, ``go version go1.26.8 linux/amd64`` and ``Docker version 20.10.24+dfsg1``.
    """
    match = re.search(r"(?<![\d.])(\d+)\.(\d+)(?:\.(\d+))?", text)
    return (int(match[1]), int(match[2]), int(match[3] or 0)) if match else None


def version_of(text: str) -> Version:
    """The version in a text that must hold one.

    Raises:
        ValueError: there is none.
    """
    version = parse_version(text)
    if version is None:
        raise ValueError(f"There is no version in {text!r}.")
    return version


@dataclass(frozen=True)
class Trimmed:
    """A Go module of which some packages are replaced by stubs.

    Attributes:
        folder: its name below ``trimmed/`` in the build, and below ``stubs/`` here.
        module: its path at the module proxy.
        version: its version.
        hash: of its content, as go.sum writes it.
        removed: its files and folders that are left out.
    """

    folder: str
    module: str
    version: str
    hash: str
    removed: tuple[str, ...]


@dataclass(frozen=True)
class Versions:
    """The content of versions.toml."""

    pulumi_engine: str
    docker_plugin: str
    go_minimum: str
    go_package: str
    go_hashes: tuple[str, ...]
    """The hashes of the wheels of `go_package`, as pip writes them."""
    go_trimmed: tuple[Trimmed, ...]


def read_versions(path: Path) -> Versions:
    """Read a versions.toml."""
    content = tomllib.loads(path.read_text())
    return Versions(
        pulumi_engine=content["pulumi"]["engine"],
        docker_plugin=content["pulumi"]["docker_plugin"],
        go_minimum=content["go"]["minimum"],
        go_package=content["go"]["package"],
        go_hashes=tuple(content["go"]["hashes"]),
        go_trimmed=tuple(Trimmed(**one | {"removed": tuple(one["removed"])}) for one in content["go"]["trimmed"]),
    )


VERSIONS = read_versions(Path(__file__).with_name("versions.toml"))
