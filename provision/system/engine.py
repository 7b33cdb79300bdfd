"""The Docker engine of a host as a service: whether it runs, its start, its stop and its configuration.

If systemd holds the engine's socket, any call of the client starts a stopped engine. So the lab has to check whether it
runs before any call, or it would be left running.
"""

import json
from collections.abc import Collection

from documents.errors import HostError, RemoteCommandError
from provision.containers import HostDocker, Labelled, find_labelled
from provision.ssh import Connection
from provision.system.changes import ChangeJournal

CONFIGURATION = "/etc/docker/daemon.json"

_WITHOUT_NETWORK = {"bridge": "none", "iptables": False, "ip6tables": False, "ip-forward": False}
"""The lab's containers share the host's network. An engine with its own networks would add a bridge, a packet filter
and forwarding to the host, which outlive it, and address translation to the measured path."""

_UNITS = ("docker.socket", "docker.service", "containerd.service")
"""The units that `docker.service` starts together."""

_AT_WORK = (
    "pgrep --exact dockerd >/dev/null || "
    "{ ! systemctl --quiet is-active docker.socket 2>/dev/null && docker version >/dev/null 2>&1; }"
)
_DEADLINE_SECONDS = 60
_START_SECONDS = 120


def is_installed(connection: Connection) -> bool:
    """Whether the host has an engine, running or not."""
    found = connection.run("PATH=$PATH:/usr/sbin command -v dockerd", deadline_seconds=_DEADLINE_SECONDS, check=False)
    return found.exit_status == 0


def is_at_work(connection: Connection) -> bool:
    """Whether the host has an engine that runs or is starting; this starts nothing."""
    return connection.run(_AT_WORK, deadline_seconds=_DEADLINE_SECONDS, check=False).exit_status == 0


def start(connection: Connection, journal: ChangeJournal) -> bool:
    """Start an engine that is installed and doesn't run, as its administrator may have left it.

    Returns:
        Whether it had to be started.

    Raises:
        HostError: it doesn't start.
    """
    if is_at_work(connection):
        return False
    states = connection.run(
        f"for unit in {' '.join(_UNITS)}; do echo $unit $(systemctl is-active $unit 2>/dev/null); done",
        deadline_seconds=_DEADLINE_SECONDS,
    ).stdout.splitlines()
    # Without systemd there is no state at all.
    units = tuple(unit for unit, *state in map(str.split, states) if state and state != ["active"])
    journal.note(engine_started=True, engine_units=units)
    try:
        connection.run(["service", "docker", "start"], deadline_seconds=_START_SECONDS)
    except RemoteCommandError as error:
        raise HostError(f"The Docker engine on {connection} doesn't start: {error} See its log there.") from error
    return True


def stop(connection: Connection, units: tuple[str, ...]) -> None:
    """Stop an engine that was started for the lab, with the units of systemd that were started with it, if any.

    Raises:
        HostError: it still runs.
    """
    command = ["systemctl", "stop", *units] if units else ["service", "docker", "stop"]
    done = connection.run(command, deadline_seconds=_START_SECONDS, check=False)
    if is_at_work(connection):
        raise HostError(
            f"The Docker engine on {connection}, which didn't run before the lab, can't be stopped: "
            f"{done.stderr.strip()} Stop it there, then run `lab down` again."
        )


def configure(connection: Connection) -> None:
    """Write the configuration for an engine that is about to be installed, unless there is one."""
    if connection.run(["test", "-e", CONFIGURATION], deadline_seconds=_DEADLINE_SECONDS, check=False).exit_status:
        connection.run(["mkdir", "-p", "/etc/docker"], deadline_seconds=_DEADLINE_SECONDS)
        connection.push_bytes(f"{json.dumps(_WITHOUT_NETWORK, indent=2)}\n".encode(), CONFIGURATION, 0o644)


_CACHE_DEADLINE_SECONDS = 120

_LIST_CACHE = ["docker", "system", "df", "--verbose", "--format", "{{range .BuildCache}}{{.ID}} {{end}}"]


def list_records(connection: Connection) -> tuple[str, ...] | None:
    """The ids of the build cache's records: empty without a Docker client, None if the engine can't be asked.

    This starts nothing.
    """
    if is_installed(connection) and not is_at_work(connection):
        return None
    if not connection.run("command -v docker", deadline_seconds=_CACHE_DEADLINE_SECONDS, check=False).stdout:
        return ()
    found = connection.run(_LIST_CACHE, deadline_seconds=_CACHE_DEADLINE_SECONDS, check=False)
    # The client marks one that is in use by a star.
    return tuple(word.rstrip("*") for word in found.stdout.split()) if found.exit_status == 0 else None


def remove_records(connection: Connection, *, but: Collection[str]) -> None:
    """Remove the build cache's records, except these.

    A record goes once none that was built on it is left, so this is done until it changes nothing.

    Raises:
        HostError: the engine refused, or can't be asked for them.
    """
    while doomed := _records(connection).difference(but):
        prune = " && ".join(f"docker builder prune --all --force --filter id={record}" for record in sorted(doomed))
        try:
            connection.run(f"({prune}) >/dev/null", deadline_seconds=_CACHE_DEADLINE_SECONDS)
        except RemoteCommandError as error:
            raise HostError(f"The build cache on {connection} can't be removed: {error}") from error
        if _records(connection) >= doomed:
            return


def _records(connection: Connection) -> set[str]:
    found = list_records(connection)
    if found is None:
        raise HostError(
            f"The build cache on {connection} can't be listed, so the lab's part of it can't be removed. See why "
            "`docker system df` fails there, then run `lab down` again."
        )
    return set(found)


def find_labelled_on_host(connection: Connection, stack: str) -> tuple[Labelled, ...]:
    """Everything that carries the stack's label on a host, in the order of removal; nothing where it has no engine.

    Raises:
        HostError: the engine is installed and doesn't run, or doesn't answer.
    """
    if not connection.run("command -v docker", deadline_seconds=_DEADLINE_SECONDS, check=False).stdout:
        return ()
    if not is_at_work(connection):
        raise HostError(
            f"The Docker engine on {connection} doesn't run, so its containers and images can't be listed. Start it "
            "there, and try again."
        )
    return find_labelled(HostDocker(connection), stack)
