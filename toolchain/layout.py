"""Where the toolchain keeps things, and how they get there complete.

The checkout has its own ``.lab/``; a cache is shared by all checkouts of the user.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from pathlib import Path

from toolchain import docker_engine
from toolchain.versions import VERSIONS

DEFAULT_STACK = "local"
"""The stack that `make lab` stands up."""


@dataclass(frozen=True)
class Layout:
    """The places of one checkout.

    Attributes:
        root: the checkout.
        cache: built and fetched tools, one folder for each version and content.
    """

    root: Path
    cache: Path

    @property
    def private(self) -> Path:
        """Everything that belongs to this checkout and isn't tracked, except the environment."""
        return self.root / ".lab"

    @property
    def environment(self) -> Path:
        """The virtual environment."""
        return self.root / ".venv"

    @property
    def python(self) -> Path:
        """The environment's Python."""
        return self.environment / "bin" / "python"

    @property
    def tools(self) -> Path:
        """The folder of the engine and its language host, for the PATH."""
        return self.private / "bin"

    @property
    def pulumi_home(self) -> Path:
        """PULUMI_HOME."""
        return self.private / "pulumi"

    @property
    def docker_plugin(self) -> Path:
        """Where Pulumi looks for the plugin; one on the PATH causes a warning with every command."""
        folder = f"resource-docker-v{VERSIONS.docker_plugin}"
        return self.pulumi_home / "plugins" / folder / "pulumi-resource-docker"

    @property
    def state(self) -> Path:
        """The folder of Pulumi's backend."""
        return self.private / "state"

    @property
    def passphrase(self) -> Path:
        """The file, of mode 0600, whose passphrase encrypts the secrets in the state."""
        return self.private / "passphrase"

    @property
    def record(self) -> Path:
        """What was installed in `tools` and `pulumi_home`, and where it came from."""
        return self.private / "toolchain.json"

    @property
    def log(self) -> Path:
        """What the last installation's commands printed."""
        return self.private / "log" / "setup.log"

    @property
    def build_log(self) -> Path:
        """What the build of the Pulumi engine printed, which runs beside the rest of the installation."""
        return self.private / "log" / "pulumi.log"

    @property
    def docker_log(self) -> Path:
        """What the Docker engine prints if this checkout had to start it."""
        return self.private / "log" / "dockerd.log"

    @property
    def backend_url(self) -> str:
        """PULUMI_BACKEND_URL.

        Without metadata: the backend would keep a second file beside each of the state's, with its checksum. An engine
        that is killed while it writes one leaves it empty, and the state can't be read any more ("failed to load
        checkpoint: EOF").
        """
        return f"file://{self.state}?metadata=skip"

    def pulumi_environment(self) -> dict[str, str]:
        """The variables that make `pulumi` work on this checkout's lab; ``env`` exports the same to a shell."""
        path = [str(self.tools), str(self.environment / "bin"), os.environ.get("PATH", os.defpath)]
        return {
            "PATH": os.pathsep.join(path),
            "PULUMI_HOME": str(self.pulumi_home),
            "PULUMI_BACKEND_URL": self.backend_url,
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(self.passphrase),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            # Otherwise the engine tries to fetch the plugin of every installed package at every command, also of unused
            # clouds. `make setup` installs Docker's; those of the clouds are installed by name.
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "GRPC_VERBOSITY": "ERROR",
            # The docker client uses its selected context, which the plugin doesn't know.
            "DOCKER_HOST": docker_engine.address(),
        }

    def whole_environment(self) -> dict[str, str]:
        """This process's environment with these variables, and without those that take precedence over them."""
        environment = os.environ | self.pulumi_environment()
        for name in ("PULUMI_CONFIG_PASSPHRASE", "DOCKER_CONTEXT"):
            environment.pop(name, None)
        return environment


def project_layout() -> Layout:
    """The layout of this module's checkout."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Layout(root=Path(__file__).resolve().parent.parent, cache=cache / "fairground")


def fingerprint(parts: Iterable[str | Path]) -> str:
    """Twelve hexadecimal digits of the SHA-256 over texts and the contents of files."""
    digest = hashlib.sha256()
    for part in parts:
        content = part.read_bytes() if isinstance(part, Path) else part.encode()
        digest.update(len(content).to_bytes(8, "big"))
        digest.update(content)
    return digest.hexdigest()[:12]


def make_folder_whole(folder: Path, fill: Callable[[Path], None]) -> Path:
    """Fill a folder under another name, then rename it; an existing folder is left alone.

    What a killed process left under the other name is removed first: hold the `lock` of the parent.
    """
    if not folder.is_dir():
        partial = folder.with_name(f".{folder.name}.partial")
        if partial.exists():
            shutil.rmtree(partial)
        partial.mkdir(parents=True)
        try:
            fill(partial)
        except BaseException:
            shutil.rmtree(partial)
            raise
        partial.rename(folder)
    return folder


def place(source: Path, target: Path) -> None:
    """Make `target` the same file as `source`: a hard link, or a copy if they are on different disks.

    A symbolic link doesn't work: the Pulumi engine looks for its language host beside its own resolved path.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.partial")
    partial.unlink(missing_ok=True)
    try:
        partial.hardlink_to(source)
    except OSError:
        shutil.copy2(source, partial)
    partial.replace(target)
    # rename(2) does nothing, not even remove the old name, if both already are the same file.
    partial.unlink(missing_ok=True)


@contextlib.contextmanager
def lock(folder: Path, waiting: Callable[[], None]) -> Generator[None]:
    """Hold a folder's lock, which ends with the process; `waiting` is called once if another process holds it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
