"""How large a host in a container is on a given machine, and when that counts as smaller."""

import pytest

from documents.stack import ContainerHost
from lab.hosts.container import size_container_host

GB = 1024**3
EIGHT = tuple((cpu,) for cpu in range(8))


def document(memory_gb: int = 16) -> ContainerHost:
    return ContainerHost(kind="container", memory_gb=memory_gb)


def test_machine_that_has_it_all_gives_what_is_asked_for():
    size = size_container_host(document(), EIGHT, 32 * GB)
    assert (size.cpus, size.memory_bytes, size.smaller) == (tuple(range(8)), 16 * GB, False)


def test_machine_with_less_memory_gives_what_it_can_spare_and_counts_as_smaller():
    size = size_container_host(document(), EIGHT, 12 * GB)
    assert (size.memory_bytes, size.smaller) == (10 * GB, True)


def test_tiny_machine_still_gives_one_gigabyte():
    assert size_container_host(document(), EIGHT, 2 * GB).memory_bytes == GB


@pytest.mark.parametrize("topology", [EIGHT[:7], EIGHT[:2], tuple((cpu, cpu + 4) for cpu in range(4))])
def test_fewer_physical_cores_count_as_smaller_whatever_their_threads(topology: tuple[tuple[int, ...], ...]):
    size = size_container_host(document(), topology, 32 * GB)
    assert size.smaller
    assert size.cpus == tuple(cpu for core in topology for cpu in core)


def test_document_that_asks_for_less_memory_than_the_article_s_counts_as_smaller():
    size = size_container_host(document(8), EIGHT, 32 * GB)
    assert (size.memory_bytes, size.smaller) == (8 * GB, True)


def test_more_memory_than_the_article_s_is_not_smaller():
    assert not size_container_host(document(24), EIGHT, 32 * GB).smaller
