"""What the host says that it is, to whoever it lets on a part of its CPUs."""

import os

from provision.ssh.connection import connect
from provision.system import identity
from tests.ssh.sshd import Sshd


def test_a_pinned_session_does_not_change_what_the_host_is(own_sshd: Sshd):
    """Pinning the role `system` leaves sshd, and with it every later session, with fewer CPUs than the host has."""
    with connect(own_sshd.host) as connection:
        before = identity.read_identity(connection)
    os.sched_setaffinity(own_sshd.process_id, {min(os.sched_getaffinity(0))})
    with connect(own_sshd.host) as connection:
        assert connection.run(["nproc"], deadline_seconds=5).stdout == "1\n"
        assert before.changes(identity.read_identity(connection)) == ()
