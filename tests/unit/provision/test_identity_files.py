"""What a host is, by files as kernels have them: a machine of its own under cgroups v2, and a container under v1."""

from pathlib import Path

import pytest

from documents.run.records import HostIdentity
from provision import payload
from provision.system import identity
from tests.unit.provision.local_host import LocalHost

CPUINFO = "processor\t: 0\nmodel name\t: A processor at 3.0 GHz\nmicrocode\t: 0x2b\n"
MEMINFO = "MemTotal:       16000000 kB\nMemAvailable:    9000000 kB\nSwapTotal:       1000 kB\n"
LIMITS = "Limit                     Soft Limit           Hard Limit           Units\n"
OPEN_FILES = "Max open files            1024                 524288               files\n"

ANY_HOST = {
    "proc/cpuinfo": CPUINFO,
    "proc/meminfo": MEMINFO,
    "proc/stat": "cpu  1 2 3 4 5 6 7 800 0 0\ncpu0 1 2 3 4 5 6 7 800 0 0\n",
    "proc/1/limits": LIMITS + OPEN_FILES,
    "proc/1/status": "Name:\tinit\nCpus_allowed_list:\t0-3\n",
    "etc/os-release": 'NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 13 (trixie)"\n',
}

CPU = "sys/devices/system/cpu"

OWN_HOST = {
    **ANY_HOST,
    "proc/1/cgroup": "0::/system.slice/lab\n",
    "proc/77/comm": "irqbalance\n",
    "proc/sys/kernel/randomize_va_space": "2\n",
    "proc/sys/net/core/somaxconn": "4096\n",
    "proc/sys/net/ipv4/ip_local_port_range": "32768\t60999\n",
    "proc/sys/vm/swappiness": "60\n",
    "sys/devices/system/clocksource/clocksource0/current_clocksource": "tsc\n",
    f"{CPU}/intel_pstate/no_turbo": "0\n",
    f"{CPU}/smt/control": "on\n",
    # The first CPU alone wouldn't show that the others were switched between two runs.
    f"{CPU}/cpu0/cpufreq/scaling_governor": "performance\n",
    f"{CPU}/cpu1/cpufreq/scaling_governor": "powersave\n",
    f"{CPU}/cpu2/cpufreq/scaling_governor": "performance\n",
    f"{CPU}/cpu0/topology/thread_siblings_list": "0,2\n",
    f"{CPU}/cpu1/topology/thread_siblings_list": "1,3\n",
    f"{CPU}/cpu2/topology/thread_siblings_list": "0,2\n",
    f"{CPU}/cpu3/topology/thread_siblings_list": "1,3\n",
    f"{CPU}/vulnerabilities/meltdown": "Mitigation: PTI\n",
    "sys/devices/system/node/online": "0-1\n",
    "sys/kernel/mm/transparent_hugepage/enabled": "always [madvise] never\n",
    "sys/fs/cgroup/system.slice/lab/cpu.max": "max 100000\n",
    "sys/fs/cgroup/system.slice/lab/memory.max": "8000000000\n",
    "sys/fs/cgroup/system.slice/cpu.max": "150000 100000\n",
    "sys/fs/cgroup/system.slice/memory.max": "max\n",
    "sys/fs/cgroup/pids.max": "max\n",
}

CONTAINER = {
    **ANY_HOST,
    "proc/1/cgroup": "4:memory:/docker/abc\n3:cpu:/docker/abc\n2:pids:/docker/abc\n1:cpuset:/\n",
    "proc/77/comm": "sshd\n",
    "sys/fs/cgroup/cpu/docker/abc/cpu.cfs_quota_us": "-1\n",
    "sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes": "9223372036854771712\n",
    "sys/fs/cgroup/memory/docker/memory.limit_in_bytes": "4000000000\n",
    "sys/fs/cgroup/pids/docker/abc/pids.max": "512\n",
}


def read_from(folder: Path, files: dict[str, str], namespace: str, monkeypatch: pytest.MonkeyPatch) -> HostIdentity:
    """What the script says of a host that has these files, whose first process has this namespace of processes."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (folder / "proc/1/ns").mkdir()
    (folder / "proc/1/ns/pid").symlink_to(namespace)
    text = (payload.PROGRAMS / "identity.py").read_text()
    for place in ("proc", "sys", "etc"):
        assert f'"/{place}' in text
        text = text.replace(f'"/{place}', f'"{folder}/{place}')
    script = folder / "identity.py"
    script.write_text(text)
    monkeypatch.setattr(payload, "PROGRAMS", script.parent)
    return identity.read_identity(LocalHost())


def test_a_machine_shows_its_whole_identity(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    found = read_from(tmp_path, OWN_HOST, "pid:[4026531836]", monkeypatch)
    assert found == HostIdentity(
        cpu_model="A processor at 3.0 GHz",
        microcode="0x2b",
        cpus=(0, 1, 2, 3),
        threads_per_core=2,
        physical_cores=2,
        numa_nodes=2,
        memory_bytes=8_000_000_000,
        swap_bytes=1_024_000,
        available_memory_bytes=9_216_000_000,
        kernel=found.kernel,
        operating_system="Debian GNU/Linux 13 (trixie)",
        cgroup_version=2,
        cgroup_limits={"cpu.max": "150000 100000", "memory.max": "8000000000"},
        open_files="1024 soft, 524288 hard",
        irqbalance=True,
        steal_seconds=8.0,
        mitigations={"meltdown": "Mitigation: PTI"},
        settings={
            "kernel.randomize_va_space": "2",
            "net.core.somaxconn": "4096",
            "net.ipv4.ip_local_port_range": "32768 60999",
            "vm.swappiness": "60",
            "clocksource": "tsc",
            "cpufreq.governor": "performance, powersave",
            "intel_pstate.no_turbo": "0",
            "smt": "on",
            "transparent_hugepage.enabled": "always [madvise] never",
        },
    )


def test_a_container_shows_its_limits_and_what_it_cannot_see(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    found = read_from(tmp_path, CONTAINER, "pid:[4026532999]", monkeypatch)
    assert (found.cgroup_version, found.cgroup_limits) == (
        1,
        {"memory.limit_in_bytes": "4000000000", "pids.max": "512"},
    )
    assert found.memory_bytes == 4_000_000_000
    assert (found.irqbalance, found.physical_cores, found.numa_nodes) == (None, None, None)
    assert (found.settings, found.mitigations) == ({}, {})
