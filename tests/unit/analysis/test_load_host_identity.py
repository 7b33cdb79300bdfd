"""A load host must have the same hardware; other differences are reported."""

import pytest

from analysis.report.caveats import hardware_differences, other_differences
from documents.errors import RunError
from documents.run.records import HostRecord, LoadHostLook, LoadHostRecord
from experiment.bench.load_hosts import require_identical
from tests.unit.analysis.load_host_builder import NETWORK
from tests.unit.documents.samples import IDENTITY


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"cpu_model": "Another"}, "the processor: A processor, and Another of the load host"),
        ({"cpus": (0, 1)}, "CPUs: 8, and 2 of the load host"),
        ({"threads_per_core": 2}, "threads per core: 1, and 2 of the load host"),
        ({"physical_cores": 4}, "physical cores: unknown, and 4 of the load host"),
        ({"numa_nodes": 2}, "NUMA nodes: unknown, and 2 of the load host"),
        ({"memory_bytes": 15 * 1024**3}, "memory: 16.00 GiB, and 15.00 GiB of the load host"),
    ],
)
def test_other_hardware_refuses_the_run(changes: dict[str, object], said: str):
    other = IDENTITY.model_copy(update=changes)
    assert hardware_differences(IDENTITY, other) == (said,)
    assert other_differences(IDENTITY, other) == (), "it is reported once"
    record = LoadHostRecord(before=LoadHostLook(identity=other, network=NETWORK))
    with pytest.raises(RunError, match="Not every load host is identical") as caught:
        require_identical(HostRecord(before=IDENTITY, load_hosts=(record,)))
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"kernel": "6.1"}, "kernel: 6.12.0, and 6.1 of the load host"),
        ({"microcode": "0x2"}, "microcode: unknown, and 0x2 of the load host"),
        ({"mitigations": {"meltdown": "none"}}, "the mitigation of meltdown: absent, and none of the load host"),
        (
            {"settings": {"vm.swappiness": "1"}},
            "the setting vm.swappiness: 60, and 1 of the load host",
        ),
    ],
)
def test_other_settings_are_reported_and_refuse_nothing(changes: dict[str, object], said: str):
    other = IDENTITY.model_copy(update=changes)
    assert hardware_differences(IDENTITY, other) == ()
    assert said in other_differences(IDENTITY, other)
    record = LoadHostRecord(before=LoadHostLook(identity=other, network=NETWORK))
    require_identical(HostRecord(before=IDENTITY, load_hosts=(record,)))


def test_numbers_of_cpus_and_a_little_memory_are_no_difference():
    other = IDENTITY.model_copy(update={"cpus": tuple(range(8, 16)), "memory_bytes": IDENTITY.memory_bytes * 99 // 100})
    assert hardware_differences(IDENTITY, other) == other_differences(IDENTITY, other) == ()
