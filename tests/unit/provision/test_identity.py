"""What this machine says that it is, and how two identities differ."""

from documents.run.records import HostIdentity
from provision.system import identity
from tests.unit.documents.samples import IDENTITY
from tests.unit.provision.local_host import LocalHost


def test_an_identity_read_twice_is_the_same_though_free_memory_differs():
    found, again = identity.read_identity(LocalHost()), identity.read_identity(LocalHost())
    assert found.changes(again) == ()
    busier = again.model_copy(update={"available_memory_bytes": 1, "steal_seconds": 1e6})
    assert found.changes(busier) == ()


def test_each_difference_is_reported():
    before = IDENTITY.model_copy(
        update={
            "settings": {"vm.swappiness": "60", "cpufreq.governor": "powersave"},
            "mitigations": {"meltdown": "Not affected"},
            "cgroup_limits": {"memory.max": "1000"},
            "numa_nodes": 1,
        }
    )
    after = before.model_copy(
        update={
            "kernel": "6.12",
            "settings": {"vm.swappiness": "10", "kernel.nmi_watchdog": "1"},
            "mitigations": {"meltdown": "Vulnerable"},
            "cgroup_limits": {},
            "numa_nodes": 2,
        }
    )
    assert set(before.changes(after)) == {
        f"kernel was {before.kernel} and is 6.12",
        "the setting cpufreq.governor was powersave and is absent",
        "the setting kernel.nmi_watchdog was absent and is 1",
        "the setting vm.swappiness was 60 and is 10",
        "the mitigation of meltdown was Not affected and is Vulnerable",
        "the cgroup limit memory.max was 1000 and is absent",
        "numa nodes was 1 and is 2",
    }


def test_a_value_that_one_identity_lacks_is_a_difference():
    older = HostIdentity.model_validate({name: getattr(IDENTITY, name) for name in _FIRST_MEMBERS})
    assert older.changes(older) == ()
    assert "numa nodes was unknown and is 4" in older.changes(older.model_copy(update={"numa_nodes": 4}))
    assert HostIdentity.from_json(older.model_dump_json(include=_FIRST_MEMBERS), name="host.json") == older


_FIRST_MEMBERS = {
    "cpu_model",
    "cpus",
    "threads_per_core",
    "memory_bytes",
    "kernel",
    "operating_system",
    "cgroup_version",
    "settings",
}
