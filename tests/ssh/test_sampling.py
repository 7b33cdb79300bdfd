"""The sampler: its numbers against the kernel's, its rhythm, its cost, and what it does when a cgroup vanishes."""

import csv
import os
import time
from itertools import pairwise
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from documents.errors import HostError
from documents.run.window import SAMPLE_COLUMNS, Sample, SampledRole
from provision.containers import cgroups
from provision.containers.cgroups import Cgroup
from provision.load import jobs, recording
from provision.ssh.connection import Connection

MEBIBYTE = 1 << 20

BURN = """
import time
held = bytearray(b"x") * (64 << 20)
ends_at = time.process_time() + {seconds}
while time.process_time() < ends_at:
    pass
"""

MEMORY_STAT_V2 = """\
anon 1073152
file 20480000
kernel 4096
kernel_stack 16384
anon_thp 0
file_mapped 12288
inactive_anon 999
active_file 777
"""

CPU_STAT_V2 = """\
usage_usec 123456
user_usec 100000
system_usec 23456
"""


def read(path: Path) -> list[Sample]:
    with path.open(newline="") as file:
        header, *rows = csv.reader(file)
    assert tuple(header) == SAMPLE_COLUMNS
    return TypeAdapter(list[Sample]).validate_python(rows)


def read_whole(path: Path) -> list[str]:
    """The lines that are written so far."""
    return path.read_text().splitlines()


def test_cpu_and_memory_of_a_real_cgroup_are_the_works_own(connection: Connection, cgroup: Cgroup, tmp_path: Path):
    sampler = recording.start_sampler(connection, str(tmp_path / "sampler"), {"api": cgroup}, deadline_seconds=60)
    argv = ["python3", "-c", BURN.format(seconds=1)]
    work = jobs.start(connection, str(tmp_path / "work"), argv, cgroup=cgroup, deadline_seconds=60)
    status = jobs.wait(connection, work)
    recording.finish(connection, sampler, recording.SAMPLER, tmp_path / "samples.csv")
    samples = read(tmp_path / "samples.csv")
    assert samples[0].time_ns < status.started_ns
    assert samples[-1].time_ns >= status.ended_ns
    assert samples[0].cpu_ns == 0
    used = samples[-1].cpu_ns / 1e9
    assert 0.9 < used < (status.ended_ns - status.started_ns) / 1e9 + 0.2
    peak = max(sample.anonymous_bytes for sample in samples)
    assert 64 * MEBIBYTE <= peak < 90 * MEBIBYTE
    assert all(before.cpu_ns <= after.cpu_ns for before, after in pairwise(samples))


def test_page_cache_stands_beside_anonymous_memory(connection: Connection, cgroup: Cgroup, tmp_path: Path):
    sampler = recording.start_sampler(connection, str(tmp_path / "sampler"), {"postgres": cgroup}, deadline_seconds=60)
    argv = ["dd", "if=/dev/zero", "of=file", "bs=1M", "count=48"]
    work = jobs.start(connection, str(tmp_path / "work"), argv, cgroup=cgroup, deadline_seconds=60)
    assert jobs.wait(connection, work).exit_status == 0
    time.sleep(2 * recording.SAMPLE_SECONDS)
    recording.finish(connection, sampler, recording.SAMPLER, tmp_path / "samples.csv")
    last = read(tmp_path / "samples.csv")[-1]
    # The kernel may have taken some of it back by then.
    assert 32 * MEBIBYTE <= last.page_cache_bytes < 60 * MEBIBYTE
    assert last.anonymous_bytes < 5 * MEBIBYTE


def test_v2_files_are_read_by_their_names(connection: Connection, tmp_path: Path):
    tree = fake_v2(tmp_path / "cgroup")
    sampler = recording.start_sampler(connection, str(tmp_path / "sampler"), {"redis": tree}, deadline_seconds=60)
    recording.finish(connection, sampler, recording.SAMPLER, tmp_path / "samples.csv")
    first = read(tmp_path / "samples.csv")[0]
    assert first[1:] == ("redis", 123_456_000, 1_073_152, 20_480_000)


def test_the_cpu_time_of_a_real_v2_cgroup_is_read(connection: Connection, tmp_path: Path):
    """On a hybrid machine v2 accounts CPU time but no memory, so the memory's file is one of the kernel's format."""
    root = next((path for path in (Path("/sys/fs/cgroup/unified"), Path("/sys/fs/cgroup")) if is_v2(path)), None)
    assert root is not None, "this machine has a cgroup v2 hierarchy"
    directory = root / f"provision-test-{os.getpid()}"
    directory.mkdir()
    try:
        memory = directory if (directory / "memory.stat").exists() else tmp_path
        (tmp_path / "memory.stat").write_text(MEMORY_STAT_V2)
        tree = Cgroup(version=2, directories={"cpuacct": str(directory), "memory": str(memory)})
        into = Cgroup(version=2, directories=dict.fromkeys(("cpuacct", "memory"), str(directory)))
        sampler = recording.start_sampler(connection, str(tmp_path / "sampler"), {"api": tree}, deadline_seconds=60)
        argv = ["python3", "-c", BURN.format(seconds=0.5)]
        work = jobs.start(connection, str(tmp_path / "work"), argv, cgroup=into, deadline_seconds=60)
        status = jobs.wait(connection, work)
        recording.finish(connection, sampler, recording.SAMPLER, tmp_path / "samples.csv")
    finally:
        directory.rmdir()
    samples = read(tmp_path / "samples.csv")
    assert samples[0].cpu_ns == 0
    assert 0.4 < samples[-1].cpu_ns / 1e9 < (status.ended_ns - status.started_ns) / 1e9 + 0.2


def test_every_role_is_sampled_in_each_tick_and_ten_times_a_second_at_most(
    connection: Connection, cgroup: Cgroup, tmp_path: Path
):
    roles: dict[SampledRole, Cgroup] = {
        "api": cgroup,
        "postgres": cgroups.of_process(connection, os.getpid()),
        "redis": fake_v2(tmp_path / "cgroup"),
        "generator": cgroup,
    }
    sampler = recording.start_sampler(connection, str(tmp_path / "sampler"), roles, deadline_seconds=60)
    used_before = cpu_ns(sampler.process_id), len(read_whole(tmp_path / "sampler" / "samples.csv"))
    time.sleep(2)
    used_after = cpu_ns(sampler.process_id), len(read_whole(tmp_path / "sampler" / "samples.csv"))
    recording.finish(connection, sampler, recording.SAMPLER, tmp_path / "samples.csv")
    samples = read(tmp_path / "samples.csv")
    assert [sample.role for sample in samples] == list(roles) * (len(samples) // 4)
    assert all(before.time_ns < after.time_ns for before, after in pairwise(samples))
    ticks = [sample.time_ns for sample in samples if sample.role == "api"]
    # On a busy machine some are left out, and none is made up for.
    assert 5 < len(ticks) - 1 <= (ticks[-1] - ticks[0]) / 100e6 + 1
    ticks_seen = (used_after[1] - used_before[1]) / 4
    assert (used_after[0] - used_before[0]) / ticks_seen < 1e6, "a hundredth of a core"


def test_a_cgroup_that_vanishes_ends_the_sampler_and_is_reported(
    connection: Connection, cgroup: Cgroup, tmp_path: Path
):
    sampler = recording.start_sampler(connection, str(tmp_path / "sampler"), {"api": cgroup}, deadline_seconds=60)
    cgroups.remove(connection, cgroup.directories.values())
    jobs.wait(connection, sampler)
    with pytest.raises(HostError, match=r"ended too early, with the status 1.*No such device"):
        recording.finish(connection, sampler, recording.SAMPLER, tmp_path / "samples.csv")
    assert not (tmp_path / "samples.csv").exists()


def test_a_cgroup_that_is_not_there_is_reported_at_the_start(connection: Connection, tmp_path: Path):
    nowhere = Cgroup(version=2, directories=dict.fromkeys(("cpuacct", "memory"), "/sys/fs/cgroup/nowhere"))
    with pytest.raises(HostError, match=r"took no sample.*No such file"):
        recording.start_sampler(connection, str(tmp_path / "sampler"), {"api": nowhere}, deadline_seconds=60)


def fake_v2(directory: Path) -> Cgroup:
    """A directory with files of the format that the kernel gives those of cgroup v2."""
    directory.mkdir()
    (directory / "cpu.stat").write_text(CPU_STAT_V2)
    (directory / "memory.stat").write_text(MEMORY_STAT_V2)
    return Cgroup(version=2, directories=dict.fromkeys(("cpuacct", "memory"), str(directory)))


def is_v2(path: Path) -> bool:
    return (path / "cgroup.controllers").exists()


def cpu_ns(process_id: int) -> int:
    """What a process has used since it began, to the nanosecond. Source: the kernel's sched-stats document."""
    return int(Path(f"/proc/{process_id}/schedstat").read_text().split()[0])
