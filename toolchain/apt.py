"""The packages of Debian and Ubuntu that the lab needs, by purpose, and their installation."""

import contextlib
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

from documents.errors import ToolchainError
from toolchain.console import Step, as_root

RUNNING_SYSTEMD = Path("/run/systemd/system")
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_POLICY = Path("/usr/sbin/policy-rc.d")
_POLICY_CONTENT = (
    "#!/bin/sh\n# Made by Fairground while it installs packages; remove it if no installation runs.\nexit 101\n"
)
_LOCK_SECONDS = 300.0
_LOCK_PAUSE_SECONDS = 2.0
_LOCKED = re.compile("Unable to acquire the dpkg frontend lock|Unable to lock directory|#db-lock")
"""The last message of apt-get and dpkg if another one runs."""


@dataclass(frozen=True)
class Package:
    """A package, and how to find out whether it, or an equivalent, is installed.

    Attributes:
        name: the package's.
        provides: a command to be found on the PATH or in a system folder, or the absolute path of a file.
        purpose: what the lab does with it.
    """

    name: str
    provides: str
    purpose: str

    def found(self) -> Path | None:
        """The path of what it provides, or None."""
        if self.provides.startswith("/"):
            return Path(self.provides) if Path(self.provides).exists() else None
        where = shutil.which(self.provides) or shutil.which(self.provides, path=SYSTEM_PATH)
        return Path(where) if where else None


DOCKER = (
    Package("docker.io", "dockerd", "runs the host that the lab makes for itself"),
    Package("iptables", "iptables", "the Docker engine's networks"),
)
# Its own package from Debian 13 on; in docker.io before.
DOCKER_CLIENT = Package("docker-cli", "docker", "talks to the Docker engine")

LAB = (
    Package("ca-certificates", "/etc/ssl/certs/ca-certificates.crt", "trust anchors for every download"),
    Package("git", "git", "the commit that a run's manifest names"),
    Package("openssh-client", "ssh", "carries Docker's own connection to a host"),
    Package("mmdebstrap", "mmdebstrap", "makes the Debian base image where none can be pulled"),
    Package(
        "debian-archive-keyring",
        "/usr/share/keyrings/debian-archive-keyring.gpg",
        "verifies the packages of that base image",
    ),
)
TEST = (
    Package("openssh-server", "sshd", "a real server for the tests of the connection"),
    Package("docker-registry", "docker-registry", "a registry on loopback, for the tests that pull an image"),
    Package("wrk", "wrk", "the load of the tests that reach this very machine as a host"),
    Package("iproute2", "ip", "a bridge for the second Docker engine that the tests start"),
    Package("chromium", "chromium", "renders the report for the tests that look at it"),
)
_UNITS = {"openssh-server": "ssh.service", "docker-registry": "docker-registry.service"}


def missing(packages: Sequence[Package]) -> tuple[Package, ...]:
    """The packages that are missing."""
    return tuple(package for package in packages if package.found() is None)


def install(step: Step, names: Sequence[str], *, start_services: bool) -> None:
    """Install packages, without what they only recommend.

    Args:
        step: where it is shown.
        names: the packages.
        start_services: whether their services may start. Debian starts a service with its installation, listening on
            every address; services for tests must not start.

    Raises:
        ToolchainError: there is no apt, this user may not use it, or it failed.
    """
    purpose = f"install {', '.join(names)}"
    if shutil.which("apt-get") is None:
        raise ToolchainError(
            f"This machine has no apt-get, so the lab can't {purpose}. Install what provides them by the means of "
            "this system, then try again."
        )
    # First, so that the error names the command for an administrator.
    as_root(["apt-get", "install", *names], purpose=purpose)
    network = "See that the package mirror can be reached, then run the same command again."

    def apt(*arguments: str) -> None:
        command = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y", *arguments]
        _run_unlocked(step, as_root(command, purpose=purpose), network)

    apt("update")
    with contextlib.nullcontext() if start_services else _no_service_starts(step, names):
        apt("install", "--no-install-recommends", *names)


def is_interrupted() -> bool:
    """Whether an installation was killed: packages are unpacked and not configured, or services still may not start."""
    return _holds_services_back() or bool(_unconfigured())


def finish_interrupted(step: Step) -> None:
    """Finish an installation that was killed. Until then apt refuses everything.

    Args:
        step: where it is shown.

    Raises:
        ToolchainError: this user may not do so, or it failed.
    """
    purpose = "finish an installation that was interrupted"
    configure: list[str | Path] = ["env", "DEBIAN_FRONTEND=noninteractive", "dpkg", "--configure", "-a"]
    _run_unlocked(step, as_root(configure, purpose=purpose), "Repair the packages by hand: dpkg --configure -a")
    # Only now: before dpkg was locked, another installation may have needed it.
    if _holds_services_back():
        _let_services_start(step)


def _unconfigured() -> str:
    """The report of dpkg on half-installed packages; empty without dpkg."""
    try:
        return subprocess.run(["dpkg", "--audit"], capture_output=True, text=True, check=False).stdout
    except FileNotFoundError:
        return ""


def _run_unlocked(step: Step, command: Sequence[str | Path], remedy: str) -> None:
    """Run apt or dpkg; wait for the end of another one, such as the system's own upgrade."""
    end = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            return step.run(command, remedy=remedy)
        except ToolchainError as error:
            if not _LOCKED.search(str(error)) or time.monotonic() >= end:
                raise
        time.sleep(_LOCK_PAUSE_SECONDS)
        step.tick()


@contextlib.contextmanager
def _no_service_starts(step: Step, names: Sequence[str]) -> Generator[None]:
    """Keep invoke-rc.d and deb-systemd-invoke from starting anything, now or at the next boot.

    See policy-rc.d(8): the status 101 forbids the action.
    """
    purpose = "keep services from starting"
    remedy = f"Remove {_POLICY}, then run the same command again."
    ours = not _POLICY.exists()
    if ours:
        with tempfile.NamedTemporaryFile("w") as policy:
            policy.write(_POLICY_CONTENT)
            policy.flush()
            step.run(as_root(["install", "-m", "755", policy.name, _POLICY], purpose=purpose), remedy=remedy)
    try:
        yield
        if RUNNING_SYSTEMD.is_dir():
            for name, unit in _UNITS.items():
                if name in names:
                    step.run(as_root(["systemctl", "disable", unit], purpose=purpose), remedy=remedy)
    finally:
        if ours:
            _let_services_start(step)


def _holds_services_back() -> bool:
    return _POLICY.exists() and _POLICY.read_text() == _POLICY_CONTENT


def _let_services_start(step: Step) -> None:
    step.run(as_root(["rm", "-f", _POLICY], purpose="let services start again"), remedy=f"Remove {_POLICY} by hand.")
