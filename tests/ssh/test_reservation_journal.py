"""A reservation's journal on a host without an engine: who has it, what it says, and what becomes of it."""

from collections.abc import Iterator

import pytest

from documents.errors import HostError, LabError
from provision.reservation import release, reserve
from provision.ssh.connection import Connection, connect
from provision.system import engine
from provision.system.changes import JOURNAL, ChangeJournal, HostChanges, read_changes
from tests.ssh.found_machine import Found

FIRST, SECOND = ("first", "ssh-ed25519 ONE"), ("second", "ssh-ed25519 TWO")


@pytest.fixture
def connection(without_engine: Found) -> Iterator[Connection]:
    """A connection to the machine, which has no journal before and after."""
    with connect(without_engine.host) as opened:
        yield opened
        opened.run("rm -rf /var/lib/fairground", deadline_seconds=10)


def journal(connection: Connection) -> HostChanges:
    changes = read_changes(connection)
    assert changes is not None
    return changes


def test_of_two_labs_that_reservation_at_the_same_moment_one_is_refused(
    without_engine: Found, connection: Connection, monkeypatch: pytest.MonkeyPatch
):
    list_records = engine.list_records

    def overtaken(connection: Connection) -> tuple[str, ...] | None:
        """Between its look at the host and its reservation, the other one comes."""
        monkeypatch.undo()
        with connect(without_engine.host) as another:
            reserve(another, *SECOND)
        return list_records(connection)

    monkeypatch.setattr(engine, "list_records", overtaken)
    with pytest.raises(LabError, match=r"Another lab reserved .* at the same moment"):
        reserve(connection, *FIRST)
    assert (journal(connection).stack, journal(connection).lab) == SECOND
    with pytest.raises(LabError, match=r"has a lab second on it already.*lab down --adopt --stack second"):
        reserve(connection, *FIRST)
    reserve(connection, *SECOND)
    assert connection.run(["ls", "/var/lib/fairground"], deadline_seconds=10).stdout == "changes.json\n"
    release(connection, keep_images=False)
    assert connection.run(["ls", "/var/lib/fairground"], deadline_seconds=10, check=False).exit_status != 0


def test_labs_whose_images_are_kept_are_not_forgotten(connection: Connection):
    reserve(connection, *FIRST)
    release(connection, keep_images=True)
    assert not journal(connection).held
    reserve(connection, *SECOND)
    assert (journal(connection).stack, journal(connection).earlier, journal(connection).held) == (
        "second",
        ("first",),
        True,
    )
    release(connection, keep_images=True)
    reserve(connection, *FIRST)
    assert (journal(connection).stack, journal(connection).earlier) == ("first", ("second",))
    release(connection, keep_images=False)
    assert read_changes(connection) is None


def test_nobody_stays_in_the_engine_s_group_while_images_are_kept_or_in_silence(connection: Connection):
    connection.run("groupadd docker && usermod --append --groups docker someone", deadline_seconds=10)
    reserve(connection, *FIRST)
    ChangeJournal(connection).note(memberships=("someone:docker",))
    # What keeps it from its work, as another administrator at work on the file of groups.
    connection.run("mv /usr/bin/gpasswd /usr/bin/gpasswd.away", deadline_seconds=10)
    with pytest.raises(HostError, match=r"^someone can't be taken out of the group docker .* as root does"):
        release(connection, keep_images=True)
    connection.run("mv /usr/bin/gpasswd.away /usr/bin/gpasswd", deadline_seconds=10)
    assert journal(connection).memberships == ("someone:docker",)
    release(connection, keep_images=True)
    assert connection.run(["id", "-nG", "someone"], deadline_seconds=10).stdout == "someone\n"
    assert journal(connection).memberships == ()
    connection.run("groupdel docker", deadline_seconds=10)


def test_a_journal_of_another_shape_is_reported_with_what_to_do(connection: Connection):
    connection.run(f"mkdir -p /var/lib/fairground && echo '{{}}' >{JOURNAL}", deadline_seconds=10)
    with pytest.raises(HostError, match=r"changes\.json .*stack: this key is missing.*with the release of Fairground"):
        release(connection, keep_images=False)
