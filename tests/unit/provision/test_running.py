"""What runs on a host, by files as kernels have them under cgroups v1 and v2, and an engine that answers from files."""

import json
import os
import threading
from pathlib import Path

import pytest

from documents.errors import HostError
from documents.lab import Effective, ProcessCpus
from provision import payload
from provision.containers.inspection import Running, read_running
from provision.payload import running
from tests.unit.lab.drifting import IMAGE, IMAGE_ID, INSPECTED
from tests.unit.provision.local_host import LocalHost

ENGINE = """#!/bin/sh
case "$1 $2" in
    "ps --all") case "$*" in *name=*) cat "$ENGINE/named" ;; *) cat "$ENGINE/ps" ;; esac ;;
    "container inspect") cat "$ENGINE/containers" ;;
    "image inspect") cat "$ENGINE/image" 2>/dev/null || { echo "No such image" >&2; exit 1; } ;;
esac
"""

STATUS = "Name:\t{name}\nCpus_allowed_list:\t{cpus}\n"

API = "docker/host/lab/api"

VERSION_1 = {
    "proc/1/cgroup": "3:memory:/docker/host\n2:cpu,cpuacct:/docker/host\n1:cpuset:/docker/host\n0::/\n",
    "proc/77/cgroup": f"3:memory:/{API}\n2:cpu,cpuacct:/{API}\n1:cpuset:/{API}\n",
    "sys/fs/cgroup/cpuset/docker/host/cpuset.effective_cpus": "0-3\n",
    "sys/fs/cgroup/cpuset/docker/host/lab/api/cpuset.effective_cpus": "0-1\n",
    "sys/fs/cgroup/cpuset/docker/host/lab/api/cgroup.procs": "77\n78\n",
    "sys/fs/cgroup/memory/docker/host/memory.limit_in_bytes": "2147483648\n",
    "sys/fs/cgroup/memory/docker/host/lab/api/memory.limit_in_bytes": "9223372036854771712\n",
    "sys/fs/cgroup/memory/docker/host/lab/memory.limit_in_bytes": "4294967296\n",
    "sys/fs/cgroup/cpu/docker/host/cpu.cfs_quota_us": "-1\n",
    "sys/fs/cgroup/cpu/docker/host/lab/api/cpu.cfs_quota_us": "150000\n",
    "sys/fs/cgroup/cpu/docker/host/lab/api/cpu.cfs_period_us": "100000\n",
}

VERSION_2 = {
    "proc/1/cgroup": "0::/docker/host/init\n",
    "proc/77/cgroup": "0::/docker/host/lab/api\n",
    "sys/fs/cgroup/docker/host/cpuset.cpus.effective": "0-3\n",
    "sys/fs/cgroup/docker/host/memory.max": "2147483648\n",
    "sys/fs/cgroup/docker/host/cpu.max": "max 100000\n",
    "sys/fs/cgroup/docker/host/init/cpuset.cpus.effective": "0-3\n",
    "sys/fs/cgroup/docker/host/lab/api/cpuset.cpus.effective": "0-1\n",
    "sys/fs/cgroup/docker/host/lab/memory.max": "4294967296\n",
    "sys/fs/cgroup/docker/host/lab/api/memory.max": "max\n",
    "sys/fs/cgroup/docker/host/lab/api/cpu.max": "150000 100000\n",
    "sys/fs/cgroup/docker/host/lab/api/cgroup.procs": "77\n78\n",
}

PROCESSES = {
    "proc/1/task/1/status": STATUS.format(name="init", cpus="0-3"),
    "proc/77/task/77/status": STATUS.format(name="api", cpus="0"),
    "proc/77/task/79/status": STATUS.format(name="worker", cpus="1"),
    "proc/78/task/78/status": STATUS.format(name="helper", cpus="0"),
}


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host's folder; its engine has one container and its image."""
    text = (payload.PROGRAMS / "running.py").read_text()
    for place in ("/proc", "/sys"):
        assert f'"{place}' in text
    script = tmp_path / "running.py"
    script.write_text(text.replace('"/proc', f'"{tmp_path}/proc').replace('"/sys', f'"{tmp_path}/sys'))
    monkeypatch.setattr(payload, "PROGRAMS", script.parent)
    engine = tmp_path / "engine"
    engine.mkdir()
    (engine / "docker").write_text(ENGINE)
    (engine / "docker").chmod(0o755)
    (engine / "ps").write_text(f"{INSPECTED['Id']}\n")
    (engine / "named").write_text("")
    (engine / "containers").write_text(json.dumps([INSPECTED]))
    (engine / "image").write_text(json.dumps([IMAGE]))
    monkeypatch.setenv("PATH", f"{engine}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("ENGINE", str(engine))
    return tmp_path


def read(folder: Path, files: dict[str, str]) -> Running:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return read_running(
        LocalHost(),
        "local",
        names=["fairground-api-go"],
        images=[IMAGE_ID],
    )


@pytest.mark.parametrize("version", [VERSION_1, VERSION_2], ids=["v1", "v2"])
def test_containers_are_read_with_the_limits_of_the_kernel(host: Path, version: dict[str, str]):
    found = read(host, {**version, **PROCESSES})
    (container,) = found.containers
    assert (container.id, container.status, container.name) == (INSPECTED["Id"], "running", "fairground-api-go")
    assert container.effective == Effective(
        cpus=(0, 1),
        memory_bytes=2 * 1024**3,
        cpu_quota=1.5,
        processes=(
            ProcessCpus(process_id=77, name="api", cpus=(0, 1)),
            ProcessCpus(process_id=78, name="helper", cpus=(0,)),
        ),
    )
    assert found.effective == Effective(cpus=(0, 1, 2, 3), memory_bytes=2 * 1024**3, cpu_quota=None, processes=())
    assert found.images == {IMAGE_ID: {"PATH": "/usr/bin"}}


def test_the_tightest_quota_of_all_around_counts(host: Path):
    around = {"sys/fs/cgroup/docker/host/cpu.max": "50000 100000\n"}
    found = read(host, {**VERSION_2, **around, **PROCESSES})
    (container,) = found.containers
    assert (container.effective and container.effective.cpu_quota, found.effective.cpu_quota) == (0.5, 0.5)


def test_of_a_host_that_mounts_version_2_only_to_name_processes_version_1_counts(host: Path):
    version_2 = {
        "proc/77/cgroup": f"{VERSION_1['proc/77/cgroup']}0::/{API}\n",
        f"sys/fs/cgroup/{API}/cpu.max": "10000 100000\n",
        f"sys/fs/cgroup/{API}/cgroup.procs": "78\n",
    }
    (container,) = read(host, {**VERSION_1, **version_2, **PROCESSES}).containers
    assert container.effective is not None
    assert container.effective.cpu_quota == 1.5
    assert [one.process_id for one in container.effective.processes] == [77, 78]


def test_each_controller_is_read_in_the_version_that_has_it(host: Path):
    files = {name: text for name, text in VERSION_2.items() if "cpuset" not in name}
    files |= {name: text for name, text in VERSION_1.items() if "cpuset" in name}
    files["proc/77/cgroup"] = f"1:cpuset:/{API}\n0::/{API}\n"
    files["proc/1/cgroup"] = "1:cpuset:/docker/host\n0::/docker/host\n"
    (container,) = read(host, {**files, **PROCESSES}).containers
    assert container.effective is not None
    assert (container.effective.cpus, container.effective.cpu_quota) == ((0, 1), 1.5)
    assert container.effective.memory_bytes == 2 * 1024**3


def test_a_declared_container_that_lost_its_label_is_found_by_its_name(host: Path):
    (host / "engine" / "ps").write_text("")
    (host / "engine" / "named").write_text(f"{INSPECTED['Id']}\n")
    (container,) = read(host, {**VERSION_2, **PROCESSES}).containers
    assert container.id == INSPECTED["Id"]


WITHOUT_LIMITS = {
    "v1": {
        "proc/1/cgroup": "1:memory:/\n",
        "proc/77/cgroup": "1:memory:/docker\n",
        "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
    },
    "v2": {"proc/1/cgroup": "0::/\n", "proc/77/cgroup": "0::/system.slice/docker\n"},
}


@pytest.mark.parametrize("version", WITHOUT_LIMITS)
def test_a_host_without_limits_has_none(host: Path, version: str):
    found = read(host, {**PROCESSES, **WITHOUT_LIMITS[version]})
    assert found.effective == Effective(cpus=(0, 1, 2, 3), memory_bytes=None, cpu_quota=None, processes=())
    (container,) = found.containers
    assert container.effective is not None
    # Without a cpuset, a thread's own list has the CPUs.
    assert (container.effective.cpus, container.effective.memory_bytes) == ((0,), None)


def test_a_stopped_container_has_no_effective_limits(host: Path):
    stopped = {**INSPECTED, "State": {"Status": "exited", "Running": False, "Pid": 0}}
    (host / "engine" / "containers").write_text(json.dumps([stopped]))
    (container,) = read(host, {**VERSION_2, **PROCESSES}).containers
    assert (container.status, container.effective) == ("exited", None)


def test_an_image_that_is_gone_and_an_engine_without_containers_are_no_failure(host: Path):
    (host / "engine" / "image").unlink()
    (host / "engine" / "ps").write_text("")
    found = read(host, {**VERSION_2, **PROCESSES})
    assert (found.containers, found.images) == ((), {IMAGE_ID: None})


def test_an_engine_that_refuses_is_quoted(host: Path):
    (host / "engine" / "docker").write_text("#!/bin/sh\necho 'Is the docker daemon running?' >&2\nexit 1\n")
    with pytest.raises(HostError, match=r"The containers on root@here can't be read: .*Is the docker daemon running\?"):
        read(host, {**VERSION_2, **PROCESSES})


def test_no_thread_s_cpus_are_missed_if_one_ends_while_they_are_listed(monkeypatch: pytest.MonkeyPatch):
    """The listing ends at its first thread, as if that ended during it, four times; then it is whole."""
    list_folder, times = os.listdir, iter(range(4))
    ended = threading.Event()

    def listed(folder: str) -> list[str]:
        found = list_folder(folder)
        return found[:1] if next(times, None) is not None else found

    monkeypatch.setattr(os, "listdir", listed)
    other = threading.Thread(target=ended.wait)
    other.start()
    try:
        threads = running.threads_of(str(os.getpid()))
    finally:
        ended.set()
        other.join()
    assert {str(threading.main_thread().native_id), str(other.native_id)} <= set(threads)
