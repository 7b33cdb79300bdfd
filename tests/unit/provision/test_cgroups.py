"""What /proc/PID/cgroup says, on v1, v2 and hybrid hosts."""

import pytest

from provision.containers import cgroups
from provision.containers.cgroups import Cgroup
from provision.ssh import Completed
from tests.unit.provision.local_host import LocalHost

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


def test_a_host_that_accounts_nothing_is_reported():
    with pytest.raises(ValueError, match="accounts CPU time and memory"):
        cgroups.parse("3:cpuset:/\n")


def test_a_sibling_lies_beside_it_in_every_hierarchy():
    found = cgroups.sibling(cgroups.parse(JOINED), "generator")
    assert found.directories == {
        "cpuacct": "/sys/fs/cgroup/cpuacct/docker/generator",
        "memory": "/sys/fs/cgroup/memory/docker/generator",
    }


@pytest.mark.parametrize(
    ("text", "memory"),
    [
        (JOINED, "/sys/fs/cgroup/memory/docker/abc/generator"),
        ("0::/init.scope\n", "/sys/fs/cgroup/generator"),
        ("0::/docker/abc/init\n", "/sys/fs/cgroup/docker/abc/generator"),
        ("0::/\n", "/sys/fs/cgroup/generator"),
    ],
)
def test_that_of_a_whole_host_is_bound_by_what_bounds_its_first_process(
    text: str, memory: str, monkeypatch: pytest.MonkeyPatch
):
    def answer(*_: object, **__: object) -> Completed:
        return Completed(text, "", 0)

    monkeypatch.setattr(LocalHost, "run", answer)
    assert cgroups.of_host(LocalHost(), "generator").directories["memory"] == memory
