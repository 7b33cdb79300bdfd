"""One run over several workloads, at night over each, watched from outside while it goes on: by the services' counts,
by the CPUs of all threads, by the processes' command lines, and by a second run and a `lab verify` that are started
beside it. These take the CPU from what is measured meanwhile: where that voids an attempt, the cell is run again.
"""

import signal
import subprocess
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from documents.run.records import CellRecord, attempt_id
from experiment.progress.events import CellStarted, Event, PhaseStarted
from experiment.workloads.requests import EXPECTED_STATUS
from provision.ssh.connection import connect
from tests.conftest import NIGHTLY, LiveLab
from tests.e2e.command_lines import CommandLines
from tests.e2e.host_view import ServiceCounts, Thread, count_services, threads_of
from tests.e2e.lab_run import API, ATTEMPTS_MOST, LabRun, read_records, write_protocol

CONNECTIONS = 10
WORKLOADS = ("mixed", *EXPECTED_STATUS) if NIGHTLY else ("mixed", "upload", "create-post")

_SEED = 3
"""With this one the order ends with upload and create-post, whose traces the run must remove from the lab."""

_SYSTEM_COMMANDS = ("sshd", "sshd-session", "dockerd", "containerd", "containerd-shim")


@dataclass(frozen=True)
class MeasuredRun:
    """What was seen of the run.

    `order` has the ids of the attempts in the order in which they were made, and `records` the last attempt at each
    workload's cell. `before` and `after` are the services' counts before the run and, by attempt, when its load has
    just ended and the controller is held up. `threads` are those under load. `second` and `verify` were started beside
    it.
    """

    folder: Path
    exit_code: int
    stdout: str
    records: dict[str, CellRecord]
    order: list[str]
    before: ServiceCounts
    after: dict[str, ServiceCounts]
    threads: list[Thread]
    threads_afterwards: list[Thread]
    second: "subprocess.CompletedProcess[str]"
    verify: "subprocess.CompletedProcess[str]"
    command_lines: frozenset[bytes]

    def after_load(self, workload: str) -> ServiceCounts:
        """What the services saw by the end of the load that counts for a workload."""
        return self.after[self.records[workload].attempt_id]

    def before_load(self, workload: str) -> ServiceCounts:
        """What they saw by the end of the attempt before that, whatever it was at."""
        position = self.order.index(self.records[workload].attempt_id)
        return self.after[self.order[position - 1]] if position else self.before


def measure_workloads(lab: LiveLab, folder: Path) -> MeasuredRun:
    """Measure each of the workloads once."""
    scenarios = ((workload, workload, CONNECTIONS, 2) for workload in WORKLOADS)
    protocol = write_protocol(folder, *scenarios, attempts=ATTEMPTS_MOST)
    after: dict[str, ServiceCounts] = {}
    order: list[str] = []
    workload = ""
    threads: Future[list[Thread]] | None = None
    second: Future[subprocess.CompletedProcess[str]] | None = None
    verify: Future[subprocess.CompletedProcess[str]] | None = None
    with (
        connect(lab.inventory.host) as connection,
        CommandLines() as command_lines,
        ThreadPoolExecutor(4) as pool,
    ):
        count = partial(
            count_services, connection, lab.inventory, lab.secrets.redis_password, api=lab.inventory.api(API)
        )
        before = count()
        run = LabRun(lab.stack, "--protocol", str(protocol), "--seed", str(_SEED))

        def act(event: Event) -> None:
            nonlocal workload, threads, second, verify
            if isinstance(event, CellStarted):
                workload = event.cell.scenario.name
                order.append(attempt_id(event.cell.id, event.attempt))
                if len(order) == 2:
                    second = pool.submit(lab.run, "run", "--protocol", str(protocol))
                    verify = pool.submit(lab.run, "verify", "--only", "users")
            if isinstance(event, PhaseStarted) and event.phase == "load" and workload == "mixed":
                commands = ("wrk", "api", "postgres", "redis-server", "lab-sampler", "lab-watch", *_SYSTEM_COMMANDS)
                threads = pool.submit(threads_of, connection, *commands, awaited="wrk")
            if isinstance(event, PhaseStarted) and event.phase == "pull":
                # The next cell's reset would wipe out what this one left: the controller is held up meanwhile.
                run.send(signal.SIGSTOP)
                after[order[-1]] = count()
                run.send(signal.SIGCONT)

        try:
            exit_code = run.follow(act)
        finally:
            run.abandon()
        begun = {event.cell.scenario.name for event in run.events if isinstance(event, CellStarted)}
        assert begun == set(WORKLOADS), f"the run broke off after {order}: {run.stdout}{run.stderr}"
        assert threads is not None
        assert second is not None
        assert verify is not None
        return MeasuredRun(
            folder=run.folder,
            exit_code=exit_code,
            stdout=run.stdout,
            records=read_records(run.folder),
            order=order,
            before=before,
            after=after,
            threads=threads.result(),
            threads_afterwards=threads_of(connection, *_SYSTEM_COMMANDS),
            second=second.result(),
            verify=verify.result(),
            command_lines=command_lines.seen,
        )
