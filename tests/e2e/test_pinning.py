from collections import defaultdict
from collections.abc import Iterable

import pytest

from documents.lab.host import Role, parse_cpu_list
from tests.conftest import LiveLab
from tests.e2e.host_view import Thread
from tests.e2e.measured_run import WORKLOADS, MeasuredRun

pytestmark = pytest.mark.alone

COMMANDS: dict[str, Role] = {
    "api": "api",
    "postgres": "postgres",
    "redis-server": "redis",
    "wrk": "generator",
    "lab-sampler": "system",
    "lab-watch": "system",
    "sshd": "system",
    "dockerd": "system",
    "containerd": "system",
    "containerd-shim": "system",
}
"""The role of each command on a lab's host."""


def by_process(threads: Iterable[Thread]) -> dict[int, list[Thread]]:
    processes: defaultdict[int, list[Thread]] = defaultdict(list)
    for thread in threads:
        processes[thread.process_id].append(thread)
    return processes


@pytest.mark.parametrize("command", COMMANDS)
def test_under_load_every_thread_runs_on_the_cpus_of_its_role(measured: MeasuredRun, live_lab: LiveLab, command: str):
    wanted = live_lab.inventory.cores.of(COMMANDS[command])
    threads = [thread for thread in measured.threads if thread.command == command]
    assert threads, f"no thread of {command} was seen"
    assert {parse_cpu_list(thread.cpu_list) for thread in threads} == {wanted}


def test_every_thread_of_the_generator_was_seen_on_its_cpus(measured: MeasuredRun, live_lab: LiveLab):
    cores = live_lab.inventory.cores
    for threads in by_process(thread for thread in measured.threads if thread.command == "wrk").values():
        assert len(threads) > 1, "wrk's first thread puts no load on anything"
        assert {parse_cpu_list(thread.cpu_list) for thread in threads} == {cores.generator}


def test_threads_were_seen_and_not_only_processes(measured: MeasuredRun):
    [api] = by_process(thread for thread in measured.threads if thread.command == "api").values()
    assert len(api) > 3
    postgres = by_process(thread for thread in measured.threads if thread.command == "postgres")
    assert len(postgres) > 10, "its sessions are processes of their own"


@pytest.mark.parametrize("workload", WORKLOADS)
def test_a_cell_records_the_cpus_of_every_thread(measured: MeasuredRun, live_lab: LiveLab, workload: str):
    record = measured.records[workload]
    cores = live_lab.inventory.cores
    assert {thread.role for thread in record.pinning} == {"api", "postgres", "redis", "system"}
    for thread in record.pinning:
        assert thread.cpus == cores.of(thread.role), thread
    for role in ("api", "postgres", "redis"):
        found = [thread for thread in record.pinning if thread.role == role]
        assert len({thread.thread_id for thread in found}) == len(found) > 1


def test_the_record_has_the_threads_that_were_seen_under_load(measured: MeasuredRun):
    recorded = {thread.thread_id for thread in measured.records["mixed"].pinning if thread.role == "redis"}
    seen = {thread.thread_id for thread in measured.threads if thread.command == "redis-server"}
    assert seen
    assert seen <= recorded


def test_after_a_run_the_hosts_own_work_has_all_cpus_again(measured: MeasuredRun, live_lab: LiveLab):
    all_cpus = live_lab.inventory.size.cpus
    assert {thread.command for thread in measured.threads_afterwards} >= {"sshd", "dockerd", "containerd"}
    for thread in measured.threads_afterwards:
        assert parse_cpu_list(thread.cpu_list) == all_cpus, thread
