"""The journal of changes on a host that the lab didn't make, written on the host itself before each change.

It is one file in the lab's folder there. A host that the lab made has none, because it is removed as a whole.
"""

import hashlib
import secrets

from documents.base import Document, Name
from documents.errors import DocumentError, HostError, RemoteCommandError
from provision.payload import HOME
from provision.ssh import Connection

JOURNAL = f"{HOME}/changes.json"

_DEADLINE_SECONDS = 30

_OVERTAKEN = 9
"""The exit status for a journal that isn't the one that was read."""


class HostChanges(Document):
    """The changes of a host, and the lab they were made for.

    Attributes:
        stack: the lab's name.
        lab: the identity that distinguishes this lab from another of the same name.
        held: whether the lab is up; otherwise only its kept images are left.
        earlier: the names of earlier labs whose images may still be kept there.
        made_folder: whether the lab created its folder.
        client_folder: the folder of root's Docker client, if it wasn't there before.
        packages: the packages installed for the lab, and those that they pulled in.
        folders: the folders that those packages created; removed with them.
        groups: the groups that those packages created; removed with them.
        drop_in: whether a file with sshd's limits was laid beside its configuration.
        engine_started: whether the lab started an engine that was installed and stopped.
        engine_units: the systemd units that were started with it.
        memberships: users that were put into a group, each as ``user:group``.
        cgroups: the directories of the cgroups that were made beside the engine's.
        build_cache: the engine's build cache as it was found, by the ids of its records: all others are the lab's. None
            until the engine could be asked for it: nothing was built before.
    """

    stack: Name
    lab: str
    held: bool = True
    earlier: tuple[Name, ...] = ()
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
    """The journal on the host; None if the lab changed nothing there, or made the host.

    Raises:
        HostError: it exists and can't be read.
    """
    return parse_changes(connection, read_journal(connection))


def read_journal(connection: Connection) -> str:
    """The journal's text on the host; empty if there is none.

    Raises:
        HostError: there is one that can't be read.
    """
    found = connection.run(f"[ ! -e {JOURNAL} ] || cat {JOURNAL}", deadline_seconds=_DEADLINE_SECONDS, check=False)
    if found.exit_status:
        raise HostError(f"The journal of changes {JOURNAL} on {connection} can't be read: {found.stderr.strip()}")
    return found.stdout


def parse_changes(connection: Connection, text: str) -> HostChanges | None:
    """Parse the journal of a host.

    Raises:
        HostError: it isn't a journal, or one of another release.
    """
    if not text:
        return None
    try:
        return HostChanges.from_json(text, name=f"The journal of changes {JOURNAL} on {connection}")
    except DocumentError as error:
        raise HostError(
            f"{error} What the lab changed there isn't known without it: take the lab down with the release of "
            "Fairground that wrote it, or fix the file."
        ) from error


def take_over(connection: Connection, before: str, changes: HostChanges) -> bool:
    """Write the journal if it is unchanged since it was read; returns whether it was.

    `before` is the journal as `read_journal` returned it.

    Raises:
        HostError: it can't be written.
    """
    mine = f"{JOURNAL}.{secrets.token_hex(8)}.new"
    connection.push_bytes(changes.to_json().encode(), mine)
    expected = f"{hashlib.sha256(before.encode()).hexdigest()}  {JOURNAL}" if before else ""
    swap = (
        f"found=$([ ! -e {JOURNAL} ] || sha256sum {JOURNAL}); "
        f"if [ \"$found\" = '{expected}' ]; then mv {mine} {JOURNAL} && sync {JOURNAL} {HOME}; "
        f"else rm {mine} && exit {_OVERTAKEN}; fi"
    )
    done = connection.run(["flock", HOME, "sh", "-c", swap], deadline_seconds=_DEADLINE_SECONDS, check=False)
    if done.exit_status not in {0, _OVERTAKEN}:
        raise HostError(f"The journal of changes on {connection} can't be written: {done.stderr.strip()}")
    return done.exit_status == 0


def write_changes(connection: Connection, changes: HostChanges) -> None:
    """Write the journal atomically and durably: its changes are about to be made.

    Raises:
        HostError: it can't be written; then nothing may be changed.
    """
    connection.push_bytes(changes.to_json().encode(), JOURNAL)
    try:
        connection.run(["sync", JOURNAL, HOME], deadline_seconds=_DEADLINE_SECONDS)
    except RemoteCommandError as error:
        raise HostError(f"The journal of changes on {connection} doesn't reach its disk: {error}") from error


class ChangeJournal:
    """The open journal: each change is noted before it is made, if the host has a journal."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._changes = read_changes(connection)

    @property
    def is_kept(self) -> bool:
        """Whether changes have to be noted, because the lab didn't make the host."""
        return self._changes is not None

    @property
    def lacks_build_cache(self) -> bool:
        """Whether the engine's build cache has yet to be noted as it was found."""
        return self._changes is not None and self._changes.build_cache is None

    def note(self, **more: tuple[str, ...] | bool) -> None:
        """Note a change that is about to be made; lists are extended."""
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
