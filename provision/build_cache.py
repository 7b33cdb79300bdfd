"""BuildKit's cache on a host's engine: which of its records were there before the lab, and the end of the others."""

from collections.abc import Collection

from documents.errors import HostError, RemoteCommandError
from provision.connection import Connection

_DEADLINE_SECONDS = 120

_LIST = ["docker", "system", "df", "--verbose", "--format", "{{range .BuildCache}}{{.ID}} {{end}}"]


def list_records(connection: Connection) -> tuple[str, ...] | None:
    """The ids of all records, none where the host has no engine; None where it has one that can't be asked."""
    if not connection.run("command -v docker", deadline_seconds=_DEADLINE_SECONDS, check=False).stdout:
        return ()
    found = connection.run(_LIST, deadline_seconds=_DEADLINE_SECONDS, check=False)
    # The client marks one that is in use by a star.
    return tuple(word.rstrip("*") for word in found.stdout.split()) if found.exit_status == 0 else None


def remove_records(connection: Connection, *, but: Collection[str]) -> None:
    """Remove all records but these.

    A record goes once none that was built on it is left, so this is done until it changes nothing.

    Raises:
        HostError: the engine refused.
    """
    while doomed := set(list_records(connection) or ()).difference(but):
        prune = " && ".join(f"docker builder prune --all --force --filter id={record}" for record in sorted(doomed))
        try:
            connection.run(f"({prune}) >/dev/null", deadline_seconds=_DEADLINE_SECONDS)
        except RemoteCommandError as error:
            raise HostError(f"The build cache on {connection} can't be removed: {error}") from error
        if set(list_records(connection) or ()) >= doomed:
            return
