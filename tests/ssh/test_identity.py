"""What the host says that it is, against what this machine knows of itself."""

import os
import platform
from pathlib import Path

from provision import identity
from provision.connection import Connection, connect
from tests.ssh.sshd import Sshd


def test_the_identity_is_the_machines_own(connection: Connection):
    found = identity.read_identity(connection)
    assert found.kernel == platform.release()
    assert found.operating_system.startswith(platform.freedesktop_os_release()["NAME"])
    assert set(found.cpus) >= os.sched_getaffinity(0)
    assert found.cpu_model in Path("/proc/cpuinfo").read_text()
    assert found.threads_per_core in {1, 2, 4}
    assert 0 < found.memory_bytes <= os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert found.settings["net.core.somaxconn"] == Path("/proc/sys/net/core/somaxconn").read_text().strip()
    assert "vm.swappiness" in found.settings
    assert found.cgroup_version == (2 if Path("/sys/fs/cgroup/cgroup.controllers").exists() else 1)


def test_a_pinned_session_does_not_change_what_the_host_is(own_sshd: Sshd):
    """Pinning the role `system` leaves sshd, and with it every later session, with fewer CPUs than the host has."""
    with connect(own_sshd.host) as connection:
        before = identity.read_identity(connection)
    os.sched_setaffinity(own_sshd.process_id, {min(os.sched_getaffinity(0))})
    with connect(own_sshd.host) as connection:
        assert connection.run(["nproc"], deadline_seconds=5).stdout == "1\n"
        assert before.changes(identity.read_identity(connection)) == ()
