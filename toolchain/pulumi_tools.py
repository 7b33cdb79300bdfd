"""The Pulumi engine with its language host, and the docker plugin: found, fetched from the vendor, or built.

They are built from the Go module proxy alone, for machines that reach only package registries. What is built or fetched
is kept in the user's cache, and placed from there into the checkout's folders.
"""

import hashlib
import http.client
import io
import json
import os
import platform
import re
import shutil
import stat
import subprocess
import tarfile
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Literal, cast

from documents.errors import ToolchainError
from documents.files import replace_file
from toolchain import console
from toolchain.console import Step
from toolchain.go_toolchain import Go, ensure_go
from toolchain.layout import Layout, fingerprint, make_folder_whole, place, project_layout
from toolchain.versions import VERSIONS, parse_version, version_of

RELEASES = "https://get.pulumi.com/releases/sdk"
"""Where the vendor publishes the engine."""

PieceOrigin = Literal["official", "built"]
GoProvider = Callable[[], Go]

_ANSWER_SECONDS = 60.0
"""How long an engine may take to say its version, on a machine that is busy."""

_VENDOR_SECONDS = 5.0
"""How long the vendor's site may be silent. If it can't be reached, the build waits that long."""

_PLUGIN_DEADLINE_SECONDS = 180.0
_DOWNLOAD_SECONDS = 600.0
_BLOCK_BYTES = 65536
_ENGINE = "pulumi"
_DOCKER_PLUGIN = "pulumi-resource-docker"
GO_TOOLS = Path(__file__).with_name("go_tools")
"""The module that engine and plugin are built from."""

BUILT_PACKAGES = ("github.com/pulumi/pulumi/pkg/v3/cmd/pulumi", f"./{_DOCKER_PLUGIN}")
"""The packages that are built from it; each makes an executable of its last name."""

BUILD_TAGS = "no_compose"
"""Without this, the plugin has a resource that needs Docker Compose."""

LANGUAGE_HOST = "pulumi-language-python"
EXECUTOR = "pulumi-language-python-exec"
DYNAMIC_PROVIDER = "pulumi-resource-pulumi-python"
_HOST_MODULE = "toolchain.language_host"
_LAUNCHER_BYTES = 16384
_ENGINE_FILES = (_ENGINE, LANGUAGE_HOST, EXECUTOR, DYNAMIC_PROVIDER)


@dataclass(frozen=True)
class Piece:
    """One installed tool.

    Attributes:
        name: the executable's.
        origin: the vendor's own, or built here from its sources.
        version: its version.
        source: the file in the cache or on the machine that was placed.
    """

    name: str
    origin: PieceOrigin
    version: str
    source: str


@dataclass(frozen=True)
class Record:
    """What was placed into a checkout.

    Attributes:
        wanted: fingerprint of the requested versions and sources.
        engine: the engine; its language host is beside it.
        docker_plugin: the plugin.
    """

    wanted: str
    engine: Piece
    docker_plugin: Piece


def wanted(layout: Layout) -> str:
    """Fingerprint of everything that decides what is installed, and where."""
    return fingerprint([str(layout.root), *_sources()])


def _sources() -> list[Path]:
    sources = sorted(path for path in GO_TOOLS.rglob("*") if path.is_file())
    return [GO_TOOLS.with_name("versions.toml"), *sources]


def read_record(layout: Layout) -> Record | None:
    """What was placed into a checkout, or None if that wasn't finished."""
    if not layout.record.is_file():
        return None
    content = json.loads(layout.record.read_text())
    return Record(content["wanted"], Piece(**content["engine"]), Piece(**content["docker_plugin"]))


def complete(layout: Layout) -> bool:
    """Whether everything is placed in the requested versions."""
    record = read_record(layout)
    return (
        record is not None
        and record.wanted == wanted(layout)
        and all((layout.tools / name).exists() for name in _ENGINE_FILES)
        and layout.docker_plugin.exists()
    )


def built_language_host(command: Path) -> str | None:
    """The text of a language host that a checkout of this lab has written; None for any other."""
    with command.open("rb") as file:
        begin = file.read(_LAUNCHER_BYTES)
    return begin.decode(errors="replace") if begin.startswith(b"#!") and _HOST_MODULE.encode() in begin else None


def find_engine(directories: Sequence[Path]) -> Path | None:
    """The first of `directories` with a complete and new enough engine of the vendor's.

    One whose language host a checkout has written belongs to that checkout, and is removed with it.
    """
    for directory in directories:
        command = directory / _ENGINE
        if not command.is_file():
            continue
        home = command.resolve().parent
        if not all((home / name).is_file() for name in _ENGINE_FILES) or built_language_host(home / LANGUAGE_HOST):
            continue
        version = engine_version(command)
        if version is not None and version[0] == 3 and version >= version_of(VERSIONS.pulumi_engine):
            return home
    return None


def engine_version(command: Path) -> tuple[int, int, int] | None:
    """The version of an engine, or None if it doesn't run."""
    environment = os.environ | {"PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        answer = subprocess.run(
            [str(command), "version"],
            env=environment,
            capture_output=True,
            text=True,
            timeout=_ANSWER_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return parse_version(answer.stdout) if answer.returncode == 0 else None


def search_path(layout: Layout) -> list[Path]:
    """Where the machine's engine may be: the PATH without the checkout's folders, and the vendor's usual place."""
    directories = [Path(entry) for entry in os.environ.get("PATH", "").split(os.pathsep) if entry]
    own = layout.tools.resolve()
    return [*(entry for entry in directories if entry.resolve() != own), Path.home() / ".pulumi" / "bin"]


def _download(step: Step, url: str, target: IO[bytes], end: float) -> None:
    """Write the content of a URL.

    Raises:
        OSError: it can't be downloaded, or wasn't complete at the time `end` of the monotonic clock.
    """
    with cast("http.client.HTTPResponse", urllib.request.urlopen(url, timeout=_VENDOR_SECONDS)) as answer:  # noqa: S310 (the URL is ours)
        # Waiting for a whole block of a slow server might never end.
        while block := answer.read1(_BLOCK_BYTES):
            target.write(block)
            step.tick()
            if time.monotonic() >= end:
                raise TimeoutError(f"{url} wasn't whole within {_DOWNLOAD_SECONDS:.0f} s.")


def fetch_engine(step: Step, cache: Path, releases: str = RELEASES) -> Path | None:
    """Fetch the vendor's engine, verified against its published checksums.

    Args:
        step: where it is shown.
        cache: where it is kept.
        releases: the vendor's folder of releases.

    Returns:
        Its folder, or None if the vendor can't be reached within a few seconds, is too slow, or has none for this
        machine; a captive portal's answer doesn't count.

    Raises:
        ToolchainError: the content differs from the vendor's checksums.
    """
    machine = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine())
    if machine is None:
        return None
    version = VERSIONS.pulumi_engine
    archive = f"pulumi-v{version}-linux-{machine}.tar.gz"

    def fill(partial: Path) -> None:
        end = time.monotonic() + _DOWNLOAD_SECONDS
        checksums = io.BytesIO()
        _download(step, f"{releases}/pulumi-{version}-checksums.txt", checksums, end)
        expected = _published_checksum(checksums.getvalue().decode(errors="replace"), archive)
        target = partial / archive
        with target.open("wb") as file:
            _download(step, f"{releases}/{archive}", file, end)
        with target.open("rb") as file:
            seen = hashlib.file_digest(file, "sha256").hexdigest()
        if seen != expected:
            raise ToolchainError(
                f"{releases}/{archive} has the SHA-256 {seen}, but its publisher says {expected}. Nothing of it was "
                "installed; run the same command again, and if it stays so, don't trust what serves it."
            )
        _unpack(target, partial)
        target.unlink()

    try:
        return make_folder_whole(cache / f"pulumi-{version}-official", fill)
    except (urllib.error.URLError, TimeoutError, http.client.HTTPException, ConnectionError):
        return None


def _published_checksum(text: str, archive: str) -> str:
    if not re.search(r"^[0-9a-fA-F]{64}\b", text, re.MULTILINE):
        raise urllib.error.URLError("What was answered is no list of checksums.")
    for line in text.splitlines():
        checksum, _, name = line.partition(" ")
        if name.strip().removeprefix("*") == archive:
            return checksum
    raise ToolchainError(
        f"The publisher's checksums don't list {archive}. Nothing of it was installed; put a Pulumi "
        f"{VERSIONS.pulumi_engine} or newer on the PATH yourself."
    )


def _unpack(archive: Path, folder: Path) -> None:
    """Unpack the files of the archive's only folder; anything else in it is left out."""
    with tarfile.open(archive) as content:
        for member in content:
            source = content.extractfile(member) if member.isfile() else None
            if source is not None:
                target = folder / Path(member.name).name
                with target.open("wb") as file:
                    shutil.copyfileobj(source, file)
                _make_executable(target)


def _make_executable(path: Path) -> None:
    path.chmod(path.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)


def lay_out_sources(step: Step, go: Go, folder: Path) -> None:
    """Lay out the module that engine and plugin are built from: go_tools/ with the modules that it trims.

    Args:
        step: where it is shown.
        go: a Go toolchain.
        folder: an empty folder.

    Raises:
        ToolchainError: a module can't be downloaded, or has another content.
    """
    downloads, stubs = folder / "downloads", folder / "stubs"
    shutil.copytree(GO_TOOLS, folder, dirs_exist_ok=True)
    names = {trimmed: f"{trimmed.module}@{trimmed.version}" for trimmed in VERSIONS.go_trimmed}
    originals = go.download(step, {name: trimmed.hash for trimmed, name in names.items()}, work=downloads)
    for trimmed, name in names.items():
        _copy_sources(originals[name], folder / "trimmed" / trimmed.folder, removed=trimmed.removed)
    shutil.copytree(stubs, folder / "trimmed", dirs_exist_ok=True)
    shutil.rmtree(downloads)
    shutil.rmtree(stubs)


def _copy_sources(original: Path, folder: Path, *, removed: Collection[str]) -> None:
    """Copy the part of a module that a build needs. The module cache itself is read-only."""
    for where, folders, names in os.walk(original):
        inside = Path(where).relative_to(original)
        folders[:] = [name for name in folders if name != "testdata" and str(inside / name) not in removed]
        (folder / inside).mkdir(parents=True)
        for name in names:
            if not name.endswith("_test.go") and str(inside / name) not in removed:
                shutil.copyfile(original / inside / name, folder / inside / name)


def build(step: Step, layout: Layout, go: GoProvider) -> Path:
    """Build engine and plugin from the Go module proxy, with the vendor's executor and launcher out of its module.

    Returns:
        The folder; the language host itself is written by `install`, since it belongs to a checkout.
    """

    def fill(partial: Path) -> None:
        toolchain, sources = go(), partial / "sources"
        lay_out_sources(step, toolchain, sources)
        toolchain.build(
            step,
            sources,
            packages=BUILT_PACKAGES,
            flags=[
                f"-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v{VERSIONS.pulumi_engine}",
                f"-X main.version={VERSIONS.docker_plugin}",
            ],
            tags=BUILD_TAGS,
            output=partial,
        )
        sdk = toolchain.module_folder(sources, "github.com/pulumi/pulumi/sdk/v3") / "python"
        for source in (sdk / "cmd" / EXECUTOR, sdk / "dist" / DYNAMIC_PROVIDER):
            shutil.copyfile(source, partial / source.name)
            _make_executable(partial / source.name)
        shutil.rmtree(sources)

    return make_folder_whole(_built(layout), fill)


def is_built(layout: Layout) -> bool:
    """Whether the user's cache has an engine and a plugin that were built from these sources."""
    return _built(layout).is_dir()


def _built(layout: Layout) -> Path:
    return layout.cache / f"pulumi-built-{fingerprint(_sources())}"


def fetch_docker_plugin(step: Step, layout: Layout) -> Path | None:
    """Let the installed engine fetch the vendor's plugin; returns its folder, or None if that fails."""
    version = VERSIONS.docker_plugin

    def fill(partial: Path) -> None:
        home = partial / "home"
        step.run(
            [layout.tools / _ENGINE, "plugin", "install", "resource", "docker", f"v{version}"],
            environment={**layout.pulumi_environment(), "PULUMI_HOME": str(home)},
            deadline=_PLUGIN_DEADLINE_SECONDS,
            remedy="It is built instead.",
        )
        installed = home / layout.docker_plugin.relative_to(layout.pulumi_home)
        installed.rename(partial / layout.docker_plugin.name)
        shutil.rmtree(home)

    try:
        return make_folder_whole(layout.cache / f"docker-plugin-{version}-official", fill)
    except ToolchainError:
        return None


def install(step: Step, layout: Layout, go: GoProvider) -> Record:
    """Find, fetch or build engine and plugin, place them into the checkout, and note what was placed.

    Args:
        step: where it is shown.
        layout: the checkout.
        go: returns a Go toolchain, if one is needed.

    Raises:
        ToolchainError: one can't be installed in any way, or doesn't run.
    """
    engine = _install_engine(step, layout, go)
    # Not from the vendor if the engine couldn't be downloaded from there either.
    plugin = _install_docker_plugin(step, layout, go, ask_vendor=engine.origin == "official")
    return write_record(layout, engine, plugin)


def _install_engine(step: Step, layout: Layout, go: GoProvider) -> Piece:
    official = find_engine(search_path(layout)) or fetch_engine(step, layout.cache)
    folder = official or build(step, layout, go)
    for name in _ENGINE_FILES:
        if (folder / name).is_file():
            place(folder / name, layout.tools / name)
    if official is None:
        replace_file(layout.tools / LANGUAGE_HOST, _launcher(layout), mode=0o777)
    version = engine_version(layout.tools / _ENGINE)
    if version is None:
        raise ToolchainError(
            f"The Pulumi engine from {folder} doesn't run on this machine. Remove that folder, then run the same "
            "command again."
        )
    origin: PieceOrigin = "official" if official else "built"
    return Piece(_ENGINE, origin, ".".join(map(str, version)), str(folder / _ENGINE))


def _install_docker_plugin(step: Step, layout: Layout, go: GoProvider, *, ask_vendor: bool) -> Piece:
    official = fetch_docker_plugin(step, layout) if ask_vendor else None
    folder = official or build(step, layout, go)
    name = layout.docker_plugin.name
    place(folder / name, layout.docker_plugin)
    origin: PieceOrigin = "official" if official else "built"
    return Piece(name, origin, VERSIONS.docker_plugin, str(folder / name))


def write_record(layout: Layout, engine: Piece, docker_plugin: Piece) -> Record:
    """Note what was placed, once all of it is."""
    record = Record(wanted=wanted(layout), engine=engine, docker_plugin=docker_plugin)
    replace_file(layout.record, json.dumps(asdict(record), indent=2) + "\n")
    return record


def _launcher(layout: Layout) -> str:
    """The checkout's own language host.

    ``-P`` keeps the folder in which Pulumi was called out of the imports.
    """
    return f"#!/bin/sh\nexec '{layout.python}' -P -m {_HOST_MODULE} --executor '{layout.tools / EXECUTOR}' \"$@\"\n"


def rewrite_go_modules(step: Step, go: Go) -> None:
    """Write go_tools/go.mod and go.sum again, after a version in them or in versions.toml was changed."""
    with tempfile.TemporaryDirectory() as folder:
        sources = Path(folder)
        lay_out_sources(step, go, sources)
        # `go mod tidy` would ask for what only the tests of all modules need.
        (sources / "go.sum").unlink()
        step.run(
            [go.command, "list", "-C", sources, "-mod=mod", f"-tags={BUILD_TAGS}", "-deps", *BUILT_PACKAGES],
            environment=go.environment,
            remedy="See that the Go module proxy can be reached.",
        )
        for name in ("go.mod", "go.sum"):
            shutil.copyfile(sources / name, GO_TOOLS / name)


if __name__ == "__main__":
    # Called by hand. Where no Go is installed, the one that is fetched stays in the user's cache.
    with console.step("Go modules", project_layout().log) as current:
        rewrite_go_modules(current, ensure_go(current, project_layout()))
        current.done("written")
