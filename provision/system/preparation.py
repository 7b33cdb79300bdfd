"""Preparing a Debian or Ubuntu host for measurements; only what is missing is installed."""

import logging
import re
from collections.abc import Mapping

from tenacity import Retrying, before_sleep_log, retry_if_exception_type, stop_before_delay, wait_fixed

from documents.errors import DeadlineExceededError, HostError, RemoteCommandError
from provision.images import build
from provision.payload import HOME
from provision.ssh import Connection, matching, whole_number
from provision.system import engine, packages
from provision.system.changes import ChangeJournal

_logger = logging.getLogger(__name__)

REQUIRED_PACKAGES = {
    "wrk": "wrk",
    "taskset": "util-linux",
    "python3": "python3",
    "docker": "docker-cli | docker.io",
    "dockerd": "docker.io",
    "sshd": "openssh-server",
}
"""The commands that a host must have, and Debian's package of each, or the first of several that apt knows."""

NETWORK_PACKAGES = {"iperf3": "iperf3"}
"""The additional commands of a host with load hosts."""

LOAD_HOST_PACKAGES = {
    **{command: REQUIRED_PACKAGES[command] for command in ("wrk", "taskset", "python3", "sshd")},
    **NETWORK_PACKAGES,
}
"""The commands that a load host must have; it needs no Docker engine, because nothing runs in a container there."""

BUILDER_PACKAGE = "docker-buildx | docker.io"
"""The package with BuildKit; before version 23, Docker's client contains it."""

MINIMUM_PYTHON = (3, 10)
"""The version that the programs of `provision/payload/` need."""

SSHD_LIMITS = {"maxstartups": "100:30:200", "maxsessions": "64"}
"""Docker's ssh transport opens a connection for each request: sshd's default limits refuse some of them."""

SSHD_DROP_IN = "/etc/ssh/sshd_config.d/10-fairground.conf"

_ENGINE_SOCKET = "/var/run/docker.sock"
_ENGINE_SECONDS = 60
"""How long to wait for the Docker engine; on a new host it starts at the same time as sshd."""

_DEADLINE_SECONDS = 30


def prepare(connection: Connection) -> None:
    """Prepare the host for the lab: its packages, sshd's limits and the lab's folder. Repeating it changes nothing.

    On a host that the lab didn't make, each change is noted there before it is done; see `provision.reservation`.

    Raises:
        HostError: the user isn't root and can't become it, the system isn't Debian or Ubuntu, a package isn't
            available, a tool is too old, or the Docker engine doesn't answer.
    """
    require_root(connection)
    journal = ChangeJournal(connection)
    packages.install(connection, _missing_packages(connection), journal)
    _raise_sshd_limits(connection, journal)
    connection.run(["install", "-d", "-m", "0700", HOME], deadline_seconds=_DEADLINE_SECONDS)
    if journal.is_kept:
        engine.start(connection, journal)
    wait_for_engine(connection, deadline_seconds=_ENGINE_SECONDS)
    if journal.lacks_build_cache and (found := engine.list_records(connection)) is not None:
        # The engine didn't run before, and nothing was built since.
        journal.note(build_cache=found)
    # Refuses a host on which a tool is missing or too old.
    tool_versions(connection)


def prepare_load_host(connection: Connection) -> None:
    """Prepare a load host: its packages and the lab's folder. Repeating it changes nothing.

    Raises:
        HostError: the user isn't root and can't become it, the system isn't Debian or Ubuntu, or a package isn't
            available.
    """
    require_root(connection)
    packages.install(connection, _missing(connection, LOAD_HOST_PACKAGES), ChangeJournal(connection))
    connection.run(["install", "-d", "-m", "0700", HOME], deadline_seconds=_DEADLINE_SECONDS)


def prepare_for_network(connection: Connection) -> None:
    """Install the tools that measure the network between the lab's host and its load hosts.

    Raises:
        HostError: a package can't be installed.
    """
    packages.install(connection, _missing(connection, NETWORK_PACKAGES), ChangeJournal(connection))


def wait_for_engine(connection: Connection, *, deadline_seconds: float) -> None:
    """Wait until the host's Docker engine answers.

    Raises:
        HostError: it didn't by the deadline; has its message.
    """
    retrying = Retrying(
        retry=retry_if_exception_type((RemoteCommandError, DeadlineExceededError)),
        stop=stop_before_delay(deadline_seconds),
        wait=wait_fixed(0.25),
        before_sleep=before_sleep_log(_logger, logging.INFO),
        reraise=True,
    )
    try:
        retrying(_engine_version, connection)
    except (RemoteCommandError, DeadlineExceededError) as error:
        raise HostError(
            f"The Docker engine on {connection} didn't answer within {deadline_seconds:g} s: {error} "
            "Look at the engine's log on the host."
        ) from error


def tool_versions(connection: Connection) -> dict[str, str]:
    """The version of each tool on the host, by name, and its kernel's.

    Raises:
        HostError: a tool is missing or too old.
    """
    python = _version(connection, "python3 --version", r"Python ((\d{1,4})\.(\d{1,4})\S*)")
    if (int(python[2]), int(python[3])) < MINIMUM_PYTHON:
        raise HostError(
            f"{connection} has Python {python[1]}, and the lab's programs there need "
            f"{'.'.join(map(str, MINIMUM_PYTHON))} or newer. Use a newer release of Debian or Ubuntu."
        )
    return {
        "docker": _engine_version(connection),
        "kernel": _version(connection, "uname -r", r"(\S+)")[1],
        "python3": python[1],
        # It writes its version to standard error.
        "sshd": _version(connection, "ssh -V 2>&1 || true", r"([^,]*\d[^,]*)(?:,.*)?")[1],
        "taskset": _version(connection, "taskset --version", r".* (\d\S*)")[1],
        "wrk": read_wrk_version(connection),
    }


def read_wrk_version(connection: Connection) -> str:
    """The version of wrk on the lab's host or a load host.

    Raises:
        HostError: wrk is missing.
    """
    # It prints its version and ends with a status other than 0.
    return _version(connection, "wrk --version || true", r"wrk (\S+)(?: .*)?")[1]


def require_root(connection: Connection) -> None:
    """Refuse a user who isn't root and can't become it.

    Raises:
        HostError: the user can't become root; says what to do.
    """
    found = connection.run(["id", "-u"], deadline_seconds=_DEADLINE_SECONDS, check=False)
    if found.exit_status:
        raise HostError(
            f"{connection} can't become root: {' '.join(found.stderr.split())} Allow the user sudo without a password "
            "(`USER ALL=(ALL) NOPASSWD: ALL` in a file of /etc/sudoers.d there), or name root as the host's user."
        )
    if found.stdout.strip() != "0":
        raise HostError(f"{connection} is not root, and pinning and cgroups need it. Name root as the host's user.")


def let_user_reach_engine(connection: Connection, user: str) -> None:
    """Add a user who isn't root to the group that may use the Docker engine, which Docker's ssh transport needs.

    Raises:
        HostError: the engine's socket belongs to no such group.
    """
    group = connection.run(["stat", "-c", "%G", _ENGINE_SOCKET], deadline_seconds=_DEADLINE_SECONDS).stdout.strip()
    if group in {"root", "UNKNOWN"}:
        raise HostError(
            f"Only root may use the Docker engine on {connection}: its socket {_ENGINE_SOCKET} belongs to the group "
            f"{group}. Have dockerd make it for a group (`--group docker`), or name root as the host's user."
        )
    members = connection.run(["id", "-nG", user], deadline_seconds=_DEADLINE_SECONDS).stdout.split()
    if group not in members:
        ChangeJournal(connection).note(memberships=(f"{user}:{group}",))
        connection.run(["usermod", "--append", "--groups", group, user], deadline_seconds=_DEADLINE_SECONDS)


def _missing_packages(connection: Connection) -> list[str]:
    found = connection.run("PATH=/snap/bin command -v docker", deadline_seconds=_DEADLINE_SECONDS, check=False)
    if found.exit_status == 0:
        raise HostError(
            f"{connection} has its Docker engine as a snap, which is kept from the lab's folder {HOME}. Remove "
            "it there (`snap remove docker`): the lab brings an engine of its own. Or use another host."
        )
    missing = _missing(connection, REQUIRED_PACKAGES)
    if REQUIRED_PACKAGES["docker"] in missing or build.find_builder(connection) is None:
        missing.append(BUILDER_PACKAGE)
    return missing


def _missing(connection: Connection, required: Mapping[str, str]) -> list[str]:
    """The packages of those commands that the host doesn't have."""
    present = connection.run(
        f'PATH="$PATH:/usr/sbin"; for name in {" ".join(required)}; do command -v "$name"; done; true',
        deadline_seconds=_DEADLINE_SECONDS,
    ).stdout.splitlines()
    names = {path.rpartition("/")[2] for path in present}
    return sorted({package for command, package in required.items() if command not in names})


def _raise_sshd_limits(connection: Connection, journal: ChangeJournal) -> None:
    """Raise sshd's limits by a drop-in if they are lower, and make sshd read them."""
    if not _find_low_limits(connection):
        return
    drop_in = "".join(f"{name} {value}\n" for name, value in SSHD_LIMITS.items())
    journal.note(drop_in=True)
    connection.push_bytes(drop_in.encode(), SSHD_DROP_IN, 0o644)
    reload_sshd(connection)
    if lower := _find_low_limits(connection):
        _logger.warning(
            "%s keeps the limits %s for sshd, so it may turn some of the lab's connections away: its configuration "
            "sets them before %s, or doesn't include that. Raise them there.",
            *(connection, ", ".join(lower), SSHD_DROP_IN),
        )


def _find_low_limits(connection: Connection) -> list[str]:
    """The limits in sshd's configuration that are lower than the lab needs."""
    sshd = connection.run("PATH=$PATH:/usr/sbin sshd -T", deadline_seconds=_DEADLINE_SECONDS).stdout
    effective = dict(line.split(" ", 1) for line in sshd.splitlines() if " " in line)
    found = {name: effective.get(name, "0") for name in SSHD_LIMITS}
    return [
        f"{name} {value}"
        for name, value in found.items()
        if _first(connection, name, value) < _first(connection, name, SSHD_LIMITS[name])
    ]


def reload_sshd(connection: Connection) -> None:
    """Make sshd read its configuration again: the daemon itself, not the child that serves this session.

    Where systemd holds its socket, as on Ubuntu since 22.10, a daemon that reloads it can't listen any
    more and ends. It is restarted there, and systemd listens until then. Sessions go on in either case.

    Raises:
        RemoteCommandError: it can't be found.
    """
    connection.run(
        "if systemctl --quiet is-active ssh.socket 2>/dev/null; then systemctl try-restart ssh.service; "
        "elif systemctl --quiet is-active ssh.service 2>/dev/null; then systemctl reload ssh.service; "
        'else kill -HUP "$(cat /run/sshd.pid 2>/dev/null || pgrep --oldest --exact sshd)"; fi',
        deadline_seconds=_DEADLINE_SECONDS,
    )


def _first(connection: Connection, name: str, limit: str) -> int:
    """The first number of a limit such as ``10:30:100``."""
    return whole_number(limit.partition(":")[0], what=f"sshd's limit {name}", where=connection)


def _version(connection: Connection, command: str, pattern: str) -> re.Match[str]:
    try:
        text = connection.run(command, deadline_seconds=_DEADLINE_SECONDS).stdout.strip()
    except RemoteCommandError as error:
        raise HostError(
            f"{connection} lacks a tool that the lab needs: {error} Install it there, or use another host."
        ) from error
    if not text:
        raise HostError(
            f"`{command}` on {connection} printed no version. Install the program there, or use another host."
        )
    return matching(pattern, text.partition("\n")[0], what=f"the version by `{command}`", where=connection)


def _engine_version(connection: Connection) -> str:
    # With a field of the server in the template, every version of the client fails if the engine is missing.
    command = ["docker", "version", "--format", "{{.Server.Version}}"]
    return connection.run(command, deadline_seconds=_DEADLINE_SECONDS).stdout.strip()
