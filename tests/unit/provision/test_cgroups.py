"""What /proc/PID/cgroup says, on v1, v2 and hybrid hosts."""

import pytest

from provision import cgroups
from provision.cgroups import Cgroup

HYBRID = """\
9:name=systemd:/
4:memory:/outer/host
3:cpuset:/outer
2:cpuacct:/
1:cpu:/
0::/
"""

JOINED = """\
5:memory:/docker/abc
4:cpu,cpuacct:/docker/abc
"""


def test_each_v1_controller_has_its_own_hierarchy():
    assert cgroups.parse(HYBRID) == Cgroup(
        version=1,
        directories={"cpuacct": "/sys/fs/cgroup/cpuacct", "memory": "/sys/fs/cgroup/memory/outer/host"},
    )


def test_controllers_that_share_a_v1_hierarchy_are_found():
    assert cgroups.parse(JOINED).directories == {
        "cpuacct": "/sys/fs/cgroup/cpuacct/docker/abc",
        "memory": "/sys/fs/cgroup/memory/docker/abc",
    }


def test_v2_has_one_directory_for_all():
    found = cgroups.parse("0::/system.slice/docker-abc.scope\n")
    assert found.version == 2
    assert set(found.directories.values()) == {"/sys/fs/cgroup/system.slice/docker-abc.scope"}


def test_a_name_with_colons_is_kept():
    assert cgroups.parse("0::/a:b\n").directories["memory"] == "/sys/fs/cgroup/a:b"


def test_a_host_that_accounts_nothing_is_told():
    with pytest.raises(ValueError, match="accounts CPU time and memory"):
        cgroups.parse("3:cpuset:/\n")


def test_a_sibling_lies_beside_it_in_every_hierarchy():
    found = cgroups.sibling(cgroups.parse(JOINED), "generator")
    assert found.directories == {
        "cpuacct": "/sys/fs/cgroup/cpuacct/docker/generator",
        "memory": "/sys/fs/cgroup/memory/docker/generator",
    }
