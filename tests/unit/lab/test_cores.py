"""A host's CPUs split between the roles, by themselves and as a stack document asks."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from documents.errors import LabError
from documents.lab.host import CoreLayout, PhysicalCore
from documents.stack.stack import Cores, LayoutError, explicit_cores
from lab.cores import read_topology, split_cores, split_load_host, take_cores


def machine(cores: int, *, threads: int = 1) -> tuple[PhysicalCore, ...]:
    """A machine numbered as Linux numbers it: first one CPU of every core, then all second siblings."""
    return tuple(tuple(core + thread * cores for thread in range(threads)) for core in range(cores))


machines = st.builds(machine, st.integers(min_value=1, max_value=16), threads=st.sampled_from((1, 2)))


def groups(layout: CoreLayout) -> list[set[int]]:
    """The CPUs of the four that are distinguished: API, PostgreSQL, Redis with the system, generator."""
    return [set(layout.api), set(layout.postgres), {*layout.redis, *layout.system}, set(layout.generator)]


def cores_of(cpus: set[int], topology: Sequence[PhysicalCore]) -> int:
    """How many physical cores the CPUs are; none may be there in part."""
    touched = [core for core in topology if cpus & set(core)]
    assert cpus == {cpu for core in touched for cpu in core}
    return len(touched)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(
    ("cores", "split"),
    [
        (4, (1, 1, 1, 1)),
        (5, (2, 1, 1, 1)),
        (6, (2, 1, 1, 2)),
        (7, (2, 2, 1, 2)),
        (8, (3, 2, 1, 2)),
        (9, (3, 2, 1, 2)),
        (16, (3, 2, 1, 2)),
    ],
)
def test_machine_is_split_into_whole_cores(cores: int, threads: int, split: tuple[int, ...]):
    topology = machine(cores, threads=threads)
    layout = split_cores(topology)
    assert tuple(cores_of(cpus, topology) for cpus in groups(layout)) == split
    assert not layout.shared


@given(machines)
def test_roles_have_whole_cores_of_the_machine_and_share_only_where_they_say_so(topology: tuple[PhysicalCore, ...]):
    layout = split_cores(topology)
    counts = [cores_of(cpus, topology) for cpus in groups(layout)]
    distinct = cores_of(set[int]().union(*groups(layout)), topology)
    assert min(counts) >= 1
    assert layout.shared == (sum(counts) > distinct) == (len(topology) < 4)
    assert distinct == min(len(topology), 8)
    assert layout.redis == layout.system
    assert len(topology) == 1 or not set(layout.api) & set[int]().union(*groups(layout)[1:])


@pytest.mark.parametrize(
    ("cores", "split"),
    [(3, (1, 1, 1)), (4, (2, 1, 1)), (5, (2, 2, 1)), (6, (3, 2, 1)), (7, (4, 2, 1)), (8, (4, 3, 1)), (9, (4, 3, 1))],
)
def test_host_whose_load_comes_from_elsewhere_gives_the_generator_nothing(cores: int, split: tuple[int, ...]):
    topology = machine(cores, threads=2)
    layout = split_cores(topology, with_generator=False)
    assert tuple(cores_of(cpus, topology) for cpus in groups(layout)[:3]) == split
    assert layout.generator == ()
    assert not layout.shared


@given(machines)
def test_load_host_keeps_its_own_work_from_the_generator(topology: tuple[PhysicalCore, ...]):
    if sum(map(len, topology)) == 1:
        with pytest.raises(LabError, match="A load host needs two CPUs"):
            split_load_host(topology)
        return
    generator, system = split_load_host(topology)
    assert {*generator, *system} == {cpu for core in topology for cpu in core}
    assert not set(generator) & set(system)
    assert generator == tuple(sorted(generator))
    # Of a single core, each has a thread.
    assert len(topology) == 1 or system == topology[0]


@given(machines, st.integers(min_value=1, max_value=40))
def test_no_more_cpus_are_taken_than_asked_for_and_no_core_in_part(topology: tuple[PhysicalCore, ...], cpus: int):
    taken = take_cores(topology, cpus)
    threads = len(topology[0])
    assert taken == topology[: max(1, min(len(topology), cpus // threads))]


def cores(**changes: str) -> Cores:
    return Cores.model_validate({"api": "0-2", "postgres": "3-4", "system": "5", "generator": "6-7"} | changes)


def test_explicit_layout_is_what_the_document_says():
    layout = explicit_cores(cores(), machine(8))
    assert layout == split_cores(machine(8))
    assert explicit_cores(cores(redis="4", postgres="3"), machine(8)).redis == (4,)


def test_explicit_layout_without_a_generator_shares_by_the_other_roles_alone():
    alone = Cores(api="0-2", postgres="3-4", system="5")
    assert explicit_cores(alone, machine(8)).generator == ()
    assert not explicit_cores(alone, machine(8)).shared
    assert explicit_cores(alone.model_copy(update={"postgres": "2"}), machine(8)).shared


@pytest.mark.parametrize("changes", [{"generator": "2,7"}, {"postgres": "2"}, {"redis": "0"}, {"system": "6"}])
def test_explicit_layout_that_shares_says_so(changes: dict[str, str]):
    assert explicit_cores(cores(**changes), machine(8)).shared


@pytest.mark.parametrize("role", ["api", "postgres", "system", "generator", "redis"])
def test_layout_with_a_cpu_that_the_host_lacks_is_refused_with_role_and_remedy(role: str):
    with pytest.raises(LayoutError) as refusal:
        explicit_cores(cores(**{role: "1,8-9"}), machine(8))
    assert str(refusal.value) == (
        f"cores.{role}: the host has no CPU 8, 9, only 0, 1, 2, 3, 4, 5, 6, 7; name others, or leave `cores` out."
    )
    assert refusal.value.location == ("cores", role)


def test_layout_with_a_falling_range_is_refused_with_its_role():
    with pytest.raises(ValidationError, match=r"api\n.*the range 2-0 in the CPU list '2-0' falls"):
        cores(api="2-0")


@pytest.mark.parametrize(
    ("changes", "holders", "siblings"),
    [
        ({"api": "0", "postgres": "4", "generator": "1,5"}, "api and postgres", "0, 4"),
        ({"api": "0", "generator": "4", "postgres": "1,5"}, "api and generator", "0, 4"),
        ({"api": "0,4", "postgres": "1", "generator": "5"}, "postgres and generator", "1, 5"),
    ],
)
def test_siblings_of_one_core_given_to_two_roles_are_refused(changes: dict[str, str], holders: str, siblings: str):
    said = f"cores: {holders} would share the physical core of CPUs {siblings}; give SMT siblings to one role."
    with pytest.raises(LayoutError, match=re.escape(said)):
        explicit_cores(cores(system="2,6", **changes), machine(4, threads=2))


def test_topology_of_this_machine_holds_each_cpu_that_this_process_may_use_once():
    cpus = [cpu for core in read_topology() for cpu in core]
    assert sorted(cpus) == sorted(os.sched_getaffinity(0))


def test_sibling_that_this_process_may_not_use_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for cpu in range(4):
        (tmp_path / f"cpu{cpu}" / "topology").mkdir(parents=True)
        (tmp_path / f"cpu{cpu}" / "topology" / "thread_siblings_list").write_text(f"{cpu % 2},{cpu % 2 + 2}\n")

    def three_cpus(_process: int) -> set[int]:
        return {0, 1, 2}

    monkeypatch.setattr("lab.cores._CPU", tmp_path)
    monkeypatch.setattr(os, "sched_getaffinity", three_cpus)
    assert read_topology() == ((0, 2), (1,))
