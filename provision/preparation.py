"""What a host needs before anything can be measured on it; installs only what is missing.

Debian and Ubuntu hosts are known. A host that is already fit is only looked at.
"""

import logging

from tenacity import Retrying, before_sleep_log, retry_if_exception_type, stop_before_delay, wait_fixed

from documents.errors import HostError, RemoteCommandError
from provision import paths
from provision.connection import Connection

_logger = logging.getLogger(__name__)

REQUIRED_PACKAGES = {
    "wrk": "wrk",
    "taskset": "util-linux",
    "python3": "python3",
    "docker": "docker-cli | docker.io",
    "dockerd": "docker.io",
    "sshd": "openssh-server",
}
"""The commands that a host must have, and Debian's package of each; the first of several that apt knows is taken."""

MINIMUM_PYTHON = (3, 10)
"""What the scripts of `provision/host/` are written for."""

SSHD_LIMITS = {"maxstartups": "100:30:200", "maxsessions": "64"}
"""Docker's ssh transport opens a connection for each request: sshd's default limits turn some of them away."""

_SSHD_DROP_IN = "/etc/ssh/sshd_config.d/10-fairground.conf"
_APT_DEADLINE_SECONDS = 900
_DEADLINE_SECONDS = 30


def prepare(connection: Connection, *, engine_seconds: float = 60) -> dict[str, str]:
    """Make the host fit for the lab: its packages, sshd's limits and the lab's folder. Repeating it changes nothing.

    Args:
        connection: to the host.
        engine_seconds: how long the Docker engine is waited for; that of a host just made starts beside its sshd.

    Returns:
        The version of each tool, by name.

    Raises:
        HostError: the user isn't root, the system isn't Debian's kin, a package can't be had, or the Docker engine
            doesn't answer.
    """
    _require_root(connection)
    _install(connection, _missing_packages(connection))
    _raise_sshd_limits(connection)
    connection.run(["install", "-d", "-m", "0700", paths.HOME], deadline_seconds=_DEADLINE_SECONDS)
    wait_for_engine(connection, deadline_seconds=engine_seconds)
    return tool_versions(connection)


def wait_for_engine(connection: Connection, *, deadline_seconds: float) -> None:
    """Wait until the host's Docker engine answers.

    Raises:
        HostError: it didn't by the deadline; its message is told.
    """
    retrying = Retrying(
        retry=retry_if_exception_type(RemoteCommandError),
        stop=stop_before_delay(deadline_seconds),
        wait=wait_fixed(0.25),
        before_sleep=before_sleep_log(_logger, logging.INFO),
        reraise=True,
    )
    try:
        retrying(_engine_version, connection)
    except RemoteCommandError as error:
        raise HostError(
            f"The Docker engine on {connection} didn't answer within {deadline_seconds:g} s: {error} "
            "Look at the engine's log on the host."
        ) from error


def tool_versions(connection: Connection) -> dict[str, str]:
    """The version of each tool on the host, by name, and its kernel's.

    Raises:
        HostError: a tool is missing or too old.
    """
    python = _version(connection, "python3 --version").split()[-1]
    if tuple(int(part) for part in python.split(".")[:2]) < MINIMUM_PYTHON:
        raise HostError(
            f"{connection} has Python {python}, and the sampler needs {'.'.join(map(str, MINIMUM_PYTHON))} or newer. "
            "Use a newer release of Debian or Ubuntu."
        )
    return {
        "docker": _engine_version(connection),
        "kernel": _version(connection, "uname -r"),
        "python3": python,
        # Both print their version and end with a status of their own.
        "sshd": _version(connection, "ssh -V 2>&1 || true").split(",")[0],
        "taskset": _version(connection, "taskset --version").split()[-1],
        "wrk": _version(connection, "wrk --version || true").split()[1],
    }


def _require_root(connection: Connection) -> None:
    user = connection.run(["id", "-u"], deadline_seconds=_DEADLINE_SECONDS).stdout.strip()
    if user != "0":
        raise HostError(f"{connection} is not root, and pinning and cgroups need it. Name root as the host's user.")


def _missing_packages(connection: Connection) -> list[str]:
    present = connection.run(
        f'PATH="$PATH:/usr/sbin"; for name in {" ".join(REQUIRED_PACKAGES)}; do command -v "$name"; done; true',
        deadline_seconds=_DEADLINE_SECONDS,
    ).stdout.splitlines()
    names = {path.rpartition("/")[2] for path in present}
    return sorted({package for command, package in REQUIRED_PACKAGES.items() if command not in names})


def _install(connection: Connection, packages: list[str]) -> None:
    if not packages:
        return
    if not connection.run("command -v apt-get", deadline_seconds=_DEADLINE_SECONDS, check=False).stdout:
        raise HostError(
            f"{connection} lacks {', '.join(packages)}, and has no apt-get to install them with. "
            "Use a Debian or Ubuntu host, or install them there by hand."
        )
    _logger.info("%s lacks %s: installing", connection, ", ".join(packages))
    apt = "DEBIAN_FRONTEND=noninteractive apt-get --quiet --option=DPkg::Lock::Timeout=300"
    try:
        connection.run(f"{apt} update", deadline_seconds=_APT_DEADLINE_SECONDS)
        names = [_available(connection, package) for package in packages]
        connection.run(
            f"{apt} install --yes --no-install-recommends {' '.join(names)}", deadline_seconds=_APT_DEADLINE_SECONDS
        )
    except RemoteCommandError as error:
        raise HostError(
            f"{', '.join(packages)} couldn't be installed on {connection}: {error} "
            "Check the host's package sources and its network."
        ) from error


def _available(connection: Connection, alternatives: str) -> str:
    """The first of several package names that the host's release has; the last where it has none, so apt says so."""
    names = alternatives.split(" | ")
    for name in names:
        shown = connection.run(["apt-cache", "show", "--quiet=1", name], deadline_seconds=60, check=False)
        if shown.exit_status == 0 and shown.stdout.strip():
            return name
    return names[-1]


def _raise_sshd_limits(connection: Connection) -> None:
    """Raise sshd's limits by a drop-in where they are lower, and have sshd read them."""
    sshd = connection.run("PATH=$PATH:/usr/sbin sshd -T", deadline_seconds=_DEADLINE_SECONDS).stdout
    effective = dict(line.split(" ", 1) for line in sshd.splitlines() if " " in line)
    if all(_first(effective.get(name, "0")) >= _first(value) for name, value in SSHD_LIMITS.items()):
        return
    drop_in = "".join(f"{name} {value}\n" for name, value in SSHD_LIMITS.items())
    connection.push_bytes(drop_in.encode(), _SSHD_DROP_IN, 0o644)
    # The daemon itself, not the child that serves this session: it alone listens.
    connection.run(
        "systemctl reload ssh 2>/dev/null || kill -HUP "
        '"$(cat /run/sshd.pid 2>/dev/null || pgrep --oldest --exact sshd)"',
        deadline_seconds=_DEADLINE_SECONDS,
    )


def _first(limit: str) -> int:
    """The first number of a limit such as ``10:30:100``."""
    return int(limit.split(":", maxsplit=1)[0])


def _version(connection: Connection, command: str) -> str:
    try:
        text = connection.run(command, deadline_seconds=_DEADLINE_SECONDS).stdout.strip()
    except RemoteCommandError as error:
        raise HostError(f"{connection} lacks a tool that the lab prepares hosts with: {error} Run `lab up`.") from error
    if not text:
        raise HostError(f"`{command}` on {connection} told no version. Run `lab up`.")
    return text.splitlines()[0]


def _engine_version(connection: Connection) -> str:
    # A template with a member of the server's makes an engine that is away an error on every version of the client.
    command = ["docker", "version", "--format", "{{.Server.Version}}"]
    return connection.run(command, deadline_seconds=_DEADLINE_SECONDS).stdout.strip()
