"""How large a host in a container is on a given machine, and when a host counts as smaller."""

from ipaddress import IPv4Network

import pytest

from documents.errors import DocumentError
from documents.lab.host import HostResources
from documents.stack.hosts import ContainerHost, SshHost
from documents.stack.stack import Api, Cores, Stack
from lab.cores import lay_out_cores, size_host
from lab.hosts.container import HostShare, private_addresses, private_network, share_machine

GB = 1024**3
EIGHT = tuple((cpu,) for cpu in range(8))
SSH_STACK = Stack(
    version=1,
    name="bench",
    host=SshHost(kind="ssh", address="bench.example"),
    apis=(Api(name="go", source="apis/go", port=18080),),
)


def document(memory_gb: int = 16) -> ContainerHost:
    return ContainerHost(kind="container", memory_gb=memory_gb)


def test_machine_that_has_it_all_gives_what_is_asked_for():
    assert share_machine(document(), EIGHT, 32 * GB, hosts=1) == (HostShare(tuple(range(8)), 16 * GB),)
    assert share_machine(document(24), EIGHT, 32 * GB, hosts=1) == (HostShare(tuple(range(8)), 24 * GB),)


def test_machine_with_less_memory_gives_what_it_can_spare():
    assert share_machine(document(), EIGHT, 12 * GB, hosts=1)[0].memory_bytes == 10 * GB
    assert [share.memory_bytes for share in share_machine(document(), EIGHT, 32 * GB, hosts=2)] == [16 * GB] * 2
    assert [share.memory_bytes for share in share_machine(document(), EIGHT, 30 * GB, hosts=2)] == [14 * GB] * 2


def test_tiny_machine_still_gives_one_gigabyte():
    assert share_machine(document(), EIGHT, 2 * GB, hosts=1)[0].memory_bytes == GB


def test_whole_cores_are_given_as_far_as_they_fit():
    four = tuple((cpu, cpu + 4) for cpu in range(4))
    assert share_machine(document(), four, 32 * GB, hosts=1)[0].cpus == (0, 4, 1, 5, 2, 6, 3, 7)
    assert share_machine(document().model_copy(update={"cpus": 5}), four, 32 * GB, hosts=1)[0].cpus == (0, 4, 1, 5)


def test_several_hosts_have_equally_many_cores_each_of_its_own():
    four = tuple((cpu, cpu + 4) for cpu in range(4))
    assert [share.cpus for share in share_machine(document(), four, 64 * GB, hosts=2)] == [(0, 4, 1, 5), (2, 6, 3, 7)]
    assert [share.cpus for share in share_machine(document(), EIGHT[:7], 64 * GB, hosts=3)] == [(0, 1), (2, 3), (4, 5)]
    sixteen = tuple((cpu,) for cpu in range(20))
    shares = share_machine(document(), sixteen, 64 * GB, hosts=2)
    assert [share.cpus for share in shares] == [tuple(range(8)), tuple(range(10, 18))]


@pytest.mark.parametrize("cores", [EIGHT[:2], EIGHT[:3], ((0, 1),)])
def test_several_hosts_share_all_cores_where_there_are_not_two_for_each(cores: tuple[tuple[int, ...], ...]):
    everything = tuple(cpu for core in cores for cpu in core)
    assert [share.cpus for share in share_machine(document(), cores, 64 * GB, hosts=2)] == [everything] * 2


def test_the_hosts_network_is_private_of_the_stack_alone_and_the_same_each_time():
    drawn = {name: private_network(name, document()) for name in ("local", "benchmark")}
    assert drawn == {"local": IPv4Network("10.37.191.0/28"), "benchmark": IPv4Network("10.14.137.0/28")}
    assert all(network.is_private for network in drawn.values())
    named = document().model_copy(update={"private_network": "192.168.7.0/24"})
    assert private_addresses("local", named, 3) == ("192.168.7.2", "192.168.7.3", "192.168.7.4")


def test_the_smallest_network_has_room_for_as_many_load_hosts_as_a_document_may_have():
    smallest = document().model_copy(update={"private_network": "10.0.0.0/28"})
    assert len(private_addresses("local", smallest, 1 + 12)) == 13


def resources(cores: tuple[tuple[int, ...], ...], memory_bytes: int = 16 * GB) -> HostResources:
    return HostResources(cores=cores, memory_bytes=memory_bytes, own_kernel=True)


def test_a_host_like_the_article_s_is_not_smaller_and_of_a_larger_one_as_many_cpus_are_used():
    assert not size_host(resources(EIGHT), SSH_STACK.host).smaller
    sixteen = tuple((cpu,) for cpu in range(16))
    assert size_host(resources(sixteen, 64 * GB), SSH_STACK.host).cpus == tuple(range(8))
    assert size_host(resources(sixteen, 64 * GB), SSH_STACK.host).memory_bytes == 64 * GB


@pytest.mark.parametrize("cores", [EIGHT[:7], EIGHT[:2], tuple((cpu, cpu + 4) for cpu in range(4))])
def test_fewer_physical_cores_count_as_smaller_whatever_their_threads(cores: tuple[tuple[int, ...], ...]):
    size = size_host(resources(cores, 32 * GB), SSH_STACK.host)
    assert size.smaller
    assert size.cpus == tuple(cpu for core in cores for cpu in core)


@pytest.mark.parametrize(
    ("memory_bytes", "smaller"),
    [
        # EC2's c6a.2xlarge and c5.2xlarge have 16 GiB; this is what their kernels report.
        (16 * GB - 794_873_856, False),
        (16 * GB - 910_217_216, False),
        (14 * GB, True),
    ],
)
def test_memory_is_compared_as_the_kernel_of_a_16_gb_machine_reports_it(memory_bytes: int, smaller: bool):
    assert size_host(resources(EIGHT, memory_bytes), SSH_STACK.host).smaller is smaller


def test_cores_are_laid_out_among_those_that_the_document_takes():
    stack = SSH_STACK.model_copy(update={"host": SSH_STACK.host.model_copy(update={"cpus": 4})})
    assert lay_out_cores(stack, resources(EIGHT)).generator == (3,)
    explicit = stack.model_copy(update={"cores": Cores(api="0", postgres="1", system="2", generator="7")})
    with pytest.raises(DocumentError, match=r"cores\.generator: the host has no CPU 7"):
        lay_out_cores(explicit, resources(EIGHT))
