"""The lab's reservation of a host that it didn't make: made before any change, and released after undoing all changes.

Everything that was there before stays unchanged: other containers, images and volumes, the engine and its build cache,
other services. What the lab makes on the host's engine carries its label, and what else it changes is in a journal on
the host (`provision.system.changes`). So anyone who can log in can undo it, also without the record of the lab.
"""

import shlex

from documents.errors import HostError, LabError, RemoteCommandError
from provision.containers import HostDocker, Labelled, cgroups, remove_labelled
from provision.kernel import KnobPaths, tuning
from provision.load import jobs
from provision.payload import HOME
from provision.ssh import Connection
from provision.system import (
    JOURNAL,
    ChangeJournal,
    HostChanges,
    engine,
    find_labelled_on_host,
    packages,
    parse_changes,
    preparation,
    read_changes,
    read_journal,
    take_over,
    write_changes,
)

_DEADLINE_SECONDS = 60

_REMOVE_FOLDER = """
awk '$5 == "{folder}" || index($5, "{folder}/") == 1 {{ print $5 }}' /proc/self/mountinfo | sort -r | xargs -r umount --
rm -rf --one-file-system -- {folder}
"""
"""A stopped engine leaves the namespaces of its networks mounted."""


def reserve(connection: Connection, stack: str, lab: str) -> None:
    """Reserve a host for a lab, and begin its journal; a reservation of the same lab is renewed.

    Args:
        connection: to the host.
        stack: the lab's name.
        lab: the identity that distinguishes it from another lab of that name.

    Raises:
        HostError: the user isn't root and can't become it.
        LabError: another lab has the host; names it.
    """
    preparation.require_root(connection)
    before = read_journal(connection)
    changes = parse_changes(connection, before)
    if changes is not None and changes.held and changes.lab != lab:
        raise LabError(
            f"{connection} has a lab {changes.stack} on it already, which isn't on record here. Another checkout "
            "probably made it. Take that down from there, or remove it by "
            f"`lab down --adopt --stack {changes.stack}` from here, or choose another host."
        )
    if changes is None:
        there = connection.run(["test", "-e", HOME], deadline_seconds=_DEADLINE_SECONDS, check=False)
        client = connection.run('[ -e "$HOME/.docker" ] || echo "$HOME/.docker"', deadline_seconds=_DEADLINE_SECONDS)
        changes = HostChanges(
            stack=stack,
            lab=lab,
            made_folder=there.exit_status != 0,
            client_folder=client.stdout.strip() or None,
            build_cache=engine.list_records(connection),
        )
    connection.run(["install", "-d", "-m", "0700", HOME], deadline_seconds=_DEADLINE_SECONDS)
    earlier = tuple(name for name in dict.fromkeys((*changes.earlier, changes.stack)) if name != stack)
    mine = changes.model_copy(update={"stack": stack, "lab": lab, "held": True, "earlier": earlier})
    if not take_over(connection, before, mine):
        raise LabError(
            f"Another lab reserved {connection} at the same moment. Run `lab up` again, which names it, or choose "
            "another host."
        )


def release(connection: Connection, *, keep_images: bool) -> tuple[str, ...]:
    """End the lab's processes on the host, remove its things, undo its changes, and release the reservation.

    It can be repeated, and continues where it was interrupted. On a host without a reservation it does nothing.

    Args:
        connection: to the host.
        keep_images: whether images and build cache stay for the next lab, and with them an engine that came with
            the lab. The journal then stays, too.

    Returns:
        What was left because something else on the host now needs it, a sentence for each.

    Raises:
        HostError: something can't be undone; says what. What is still to be undone stays in the journal.
    """
    changes = read_changes(connection)
    if changes is None:
        return ()
    if changes.packages:
        packages.wait_for_apt(connection)
    if packages.ENGINE_PACKAGE not in changes.packages and engine.is_installed(connection):
        changes = _wake_engine(connection, changes)
    if connection.run("command -v python3", deadline_seconds=_DEADLINE_SECONDS, check=False).stdout:
        jobs.end_all(connection, f"{HOME}/*")
        tuning.restore(connection, paths=KnobPaths())
    for thing in find_things(connection, changes):
        if not (keep_images and thing.kind == "image"):
            remove_labelled(HostDocker(connection), thing)
    cgroups.remove(connection, changes.cgroups)
    if not keep_images and changes.build_cache is not None and not _goes_with_its_engine(connection, changes):
        engine.remove_records(connection, but=changes.build_cache)
    _undo_access(connection, changes)
    if keep_images:
        _empty_folder(connection)
        undone = {"drop_in": False, "engine_started": False, "engine_units": (), "cgroups": (), "memberships": ()}
        write_changes(connection, changes.model_copy(update={**undone, "held": False}))
        return ()
    still_needed = _undo_packages(connection, changes)
    if changes.client_folder is not None:
        connection.run(["rm", "-rf", "--", changes.client_folder], deadline_seconds=_DEADLINE_SECONDS)
    folder = HOME if changes.made_folder else JOURNAL
    if not changes.made_folder:
        _empty_folder(connection)
    connection.run(["rm", "-rf", "--", folder], deadline_seconds=_DEADLINE_SECONDS)
    return tuple(still_needed)


def find_things(connection: Connection, changes: HostChanges) -> tuple[Labelled, ...]:
    """Everything with the lab's label, or with that of an earlier lab whose images were kept."""
    if _goes_with_its_engine(connection, changes):
        return ()
    return tuple(
        thing for name in (changes.stack, *changes.earlier) for thing in find_labelled_on_host(connection, name)
    )


def _goes_with_its_engine(connection: Connection, changes: HostChanges) -> bool:
    """Whether the engine was installed for the lab and doesn't run; then it is removed with its content."""
    if packages.ENGINE_PACKAGE not in changes.packages:
        return False
    answer = connection.run(["docker", "version"], deadline_seconds=_DEADLINE_SECONDS, check=False)
    return answer.exit_status != 0


def _wake_engine(connection: Connection, changes: HostChanges) -> HostChanges:
    """Start a stopped engine until all is undone, because only the engine can remove its content."""
    if not engine.start(connection, ChangeJournal(connection)):
        return changes
    preparation.wait_for_engine(connection, deadline_seconds=_DEADLINE_SECONDS)
    return read_changes(connection) or changes


def _undo_access(connection: Connection, changes: HostChanges) -> None:
    """Undo what a lab needs only while it is up: access to the engine, its start, and sshd's limits."""
    for membership in changes.memberships:
        user, _, group = membership.partition(":")
        # A missing user or group is no failure.
        done = connection.run(["gpasswd", "--delete", user, group], deadline_seconds=_DEADLINE_SECONDS, check=False)
        listed = connection.run(["getent", "group", group], deadline_seconds=_DEADLINE_SECONDS, check=False).stdout
        if user in listed.strip().rpartition(":")[2].split(","):
            raise HostError(
                f"{user} can't be taken out of the group {group} on {connection}, and so may still use the Docker "
                f"engine as root does: {done.stderr.strip()} Take it out there, then run `lab down` again."
            )
    if changes.engine_started:
        engine.stop(connection, changes.engine_units)
    if changes.drop_in:
        connection.run(["rm", "-f", "--", preparation.SSHD_DROP_IN], deadline_seconds=_DEADLINE_SECONDS)
        preparation.reload_sshd(connection)


def _undo_packages(connection: Connection, changes: HostChanges) -> list[str]:
    """Remove what was installed for the lab; returns what other software now needs."""
    if not changes.packages:
        return []
    needed = packages.purge(connection, changes.packages)
    still_needed = [
        f"package {name} on the host, which {', '.join(others)} now needs" for name, others in needed.items()
    ]
    if packages.ENGINE_PACKAGE in needed and engine.CONFIGURATION in changes.folders:
        connection.run(["rm", "-f", "--", engine.CONFIGURATION], deadline_seconds=_DEADLINE_SECONDS)
        still_needed.append("the engine on the host without networks of its own, until it is restarted")
    if packages.ENGINE_PACKAGE not in needed:
        try:
            for folder in changes.folders:
                connection.run(_REMOVE_FOLDER.format(folder=folder), deadline_seconds=_DEADLINE_SECONDS)
        except RemoteCommandError as error:
            raise HostError(f"What the Docker engine left on {connection} can't be removed: {error}") from error
        for group in changes.groups:
            connection.run(["groupdel", group], deadline_seconds=_DEADLINE_SECONDS, check=False)
    return still_needed


def _empty_folder(connection: Connection) -> None:
    """Remove everything in the lab's folder except the journal."""
    find = ["find", HOME, "-mindepth", "1", "-maxdepth", "1", "!", "-path", JOURNAL]
    connection.run(f"{shlex.join(find)} -exec rm -rf -- {{}} +", deadline_seconds=_DEADLINE_SECONDS)
