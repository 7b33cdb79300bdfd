"""What counts as a mismatch between a layout and what was read back."""

from documents.lab.host import CoreLayout, Role
from documents.run.records import ProcessPinning
from provision.system.pinning import mismatches

LAYOUT = CoreLayout(api=(0, 1), postgres=(2,), redis=(3,), generator=(4, 5), system=(3,), shared=False)


def thread(role: Role, process: int, number: int, *cpus: int) -> ProcessPinning:
    return ProcessPinning(role=role, process_id=process, thread_id=number, command="worker", cpus=cpus)


GOOD = (
    thread("api", 10, 10, 0, 1),
    thread("api", 10, 11, 0, 1),
    thread("postgres", 20, 20, 2),
    thread("redis", 30, 30, 3),
)


def test_a_pinning_as_the_layout_has_it_is_fine():
    assert mismatches(LAYOUT, GOOD) == []


def test_one_thread_astray_is_named():
    found = mismatches(LAYOUT, (*GOOD, thread("api", 10, 12, 0, 1, 2)))
    assert found == ["The thread 12 (worker) of the role api may run on the CPUs 0,1,2 instead of 0,1."]


def test_many_threads_astray_are_summed_up():
    astray = [thread("api", 10, number, 4) for number in range(100, 140)]
    found = mismatches(LAYOUT, (*GOOD, *astray))
    assert len(found) == 6
    assert found[-1] == "So may 35 more threads of its process 10."


def test_threads_that_share_their_cpus_out_among_themselves_are_fine():
    shared_out = (*GOOD[2:], thread("api", 10, 10, 0), thread("api", 10, 11, 1))
    assert mismatches(LAYOUT, shared_out) == []


def test_a_process_that_leaves_a_cpu_of_its_role_idle_is_named():
    found = mismatches(LAYOUT, (*GOOD[2:], thread("api", 10, 10, 0), thread("api", 10, 11, 0)))
    assert found == ["The process 10 (worker) of the role api keeps to the CPUs 0 of its 0,1."]


def test_a_role_without_a_process_is_named():
    assert mismatches(LAYOUT, GOOD[:3]) == ["No process of the role redis was found."]
    assert mismatches(LAYOUT, GOOD, roles=("generator",)) == ["No process of the role generator was found."]
