"""What the lab changed on a host that it didn't make, written down on the host itself before each change.

The journal is one file in the lab's folder there. A host that the lab made has none: it goes as a whole.
"""

import posixpath

from documents.base import Document, Name
from documents.errors import HostError, RemoteCommandError
from provision import paths
from provision.connection import Connection

JOURNAL = f"{paths.HOME}/changes.json"

_DEADLINE_SECONDS = 30


class HostChanges(Document):
    """What the lab changed on a host, and for whom.

    Attributes:
        stack: the lab's name.
        lab: what tells this lab from another of the same name.
        held: whether the lab stands; else only what its document keeps is left of it.
        made_folder: whether the lab's own folder wasn't there before.
        client_folder: the folder of root's Docker client, if it wasn't there before.
        packages: the packages installed for the lab, and those that they pulled in.
        folders: what wasn't there before those packages, and goes with them.
        groups: the groups that weren't there before those packages, and go with them.
        drop_in: whether a file with sshd's limits was laid beside its configuration.
        engine_started: whether the Docker engine was there and didn't run.
        engine_units: what of systemd's was started with it.
        memberships: users that were put into a group, each as ``user:group``.
        cgroups: the directories of the cgroups that were made beside the engine's.
        build_cache: the engine's build cache as it was found, by the ids of its records: all others are the lab's. None
            where an engine that doesn't run hasn't been asked yet: nothing was built then.
    """

    stack: Name
    lab: str
    held: bool = True
    made_folder: bool
    client_folder: str | None = None
    packages: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    drop_in: bool = False
    engine_started: bool = False
    engine_units: tuple[str, ...] = ()
    memberships: tuple[str, ...] = ()
    cgroups: tuple[str, ...] = ()
    build_cache: tuple[str, ...] | None = None


def read_changes(connection: Connection) -> HostChanges | None:
    """The journal on the host; None where the lab changed nothing there, or made the host.

    Raises:
        HostError: there is one that can't be read.
    """
    found = connection.run(f"[ ! -e {JOURNAL} ] || cat {JOURNAL}", deadline_seconds=_DEADLINE_SECONDS, check=False)
    if found.exit_status:
        raise HostError(f"The journal of changes {JOURNAL} on {connection} can't be read: {found.stderr.strip()}")
    return HostChanges.from_json(found.stdout, name=f"{JOURNAL} on {connection}") if found.stdout.strip() else None


def write_changes(connection: Connection, changes: HostChanges) -> None:
    """Write the journal, whole or not at all, and to the disk: what it tells is about to be done.

    Raises:
        HostError: it can't be written; then nothing may be changed.
    """
    connection.push_bytes(changes.to_json().encode(), JOURNAL)
    try:
        connection.run(["sync", JOURNAL, posixpath.dirname(JOURNAL)], deadline_seconds=_DEADLINE_SECONDS)
    except RemoteCommandError as error:
        raise HostError(f"The journal of changes on {connection} doesn't reach its disk: {error}") from error


class Journal:
    """The journal while the host is changed: each change is noted before it is made, where the host has a journal."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._changes = read_changes(connection)

    @property
    def is_kept(self) -> bool:
        """Whether what is changed has to be noted, because the lab didn't make the host."""
        return self._changes is not None

    def note(self, **more: tuple[str, ...] | bool) -> None:
        """Note a change that is about to be made; members that list things get these added."""
        if self._changes is None:
            return
        merged: dict[str, object] = {}
        for name, value in more.items():
            before = getattr(self._changes, name)
            merged[name] = value if isinstance(value, bool) else tuple(dict.fromkeys((*(before or ()), *value)))
        changed = self._changes.model_copy(update=merged)
        if changed != self._changes:
            write_changes(self._connection, changed)
            self._changes = changed
