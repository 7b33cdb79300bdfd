"""What the harness itself costs, measured in one run on a lab that is up.

    .venv/bin/python -m benchmarks.harness [--json] [--pairs 7] [--seconds 10] [--stack local]

Four figures, each with what it should be:

- throughput under `lab run` ÷ throughput of plain wrk with the same pinning and the same requests, in pairs that
  alternate AB BA AB …; the median over the pairs (0.98 or more). Both begin with the same reset, restart and warm-up;
  the plain one has no sampler, no cgroup of its own and no detached job around it.
- wall time of a cell outside its warm-up and load, the median over the cells (5 s or less).
- wall time of `pulumi up` when nothing changes, the median of three (10 s or less).
- CPU of the sampler and the watch over the host, together, while load runs on 500 connections, in cores (less than
  0.01). The watch looks at each connection.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from analysis.report import analyse
from benchmarks.plain_wrk import FOLDER, WARM_UP_SECONDS, ready_api, scenario
from cli.context import DEFAULT_STACK, open_engine
from documents.inventory import Inventory, Secrets
from documents.protocol import Protocol
from documents.samples import SampledRole
from experiment.events import CellFinished, CellStarted, Event
from experiment.run import start_run
from lab.lifecycle.engine import Engine
from lab.lifecycle.lifecycle import read_lab
from provision import containers, sampling, watching
from provision.cgroups import Cgroup
from provision.connection import Connection

WATCHED_CONNECTIONS = 500
"""As many as the heaviest load of the lab's protocols has."""


@dataclass(frozen=True)
class Result:
    """The four figures, and the single values that they are the medians of."""

    throughput_ratio: float
    throughput_ratios: list[float]
    lab_requests_per_second: list[float]
    plain_requests_per_second: list[float]
    cell_overhead_seconds: float
    cell_overheads_seconds: list[float]
    unchanged_up_seconds: float
    unchanged_ups_seconds: list[float]
    sampler_cores: float


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="What the harness itself costs.")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--pairs", type=int, default=7, help="pairs of lab run and plain wrk")
    parser.add_argument("--seconds", type=int, default=10, help="length of each load window")
    parser.add_argument("--stack", default=DEFAULT_STACK, help="the lab, which must be up")
    arguments = parser.parse_args()
    engine = open_engine(arguments.stack)
    result = measure(engine, pairs=arguments.pairs, seconds=arguments.seconds)
    if arguments.json:
        print(json.dumps(asdict(result), indent=2))
        return
    print(f"throughput under lab run / plain wrk   {result.throughput_ratio:.3f}   (0.98 or more)")
    print(f"a cell outside of warm-up and load     {result.cell_overhead_seconds:.1f} s   (5 s or less)")
    print(f"pulumi up with nothing to change       {result.unchanged_up_seconds:.1f} s   (10 s or less)")
    print(f"sampler and watch                      {result.sampler_cores:.4f} cores   (less than 0.01)")


def measure(engine: Engine, *, pairs: int, seconds: int) -> Result:
    """Measure the four figures on the lab of an engine."""
    inventory, secrets = read_lab(engine)
    lab_rates: list[float] = []
    plain_rates: list[float] = []
    overheads: list[float] = []
    for pair in range(pairs):
        for plain in (False, True) if pair % 2 == 0 else (True, False):
            if plain:
                plain_rates.append(_plain_throughput(inventory, secrets, seconds))
            else:
                rate, overhead = _lab_throughput(inventory, secrets, seconds)
                lab_rates.append(rate)
                overheads.append(overhead)
        _say(f"pair {pair + 1} of {pairs}: lab run {lab_rates[-1]:,.0f}/s, plain wrk {plain_rates[-1]:,.0f}/s")
    ratios = [lab / plain for lab, plain in zip(lab_rates, plain_rates, strict=True)]
    ups = [_unchanged_up(engine) for _ in range(3)]
    sampler_cores = _sampler_cores(inventory, secrets, seconds)
    return Result(
        throughput_ratio=statistics.median(ratios),
        throughput_ratios=ratios,
        lab_requests_per_second=lab_rates,
        plain_requests_per_second=plain_rates,
        cell_overhead_seconds=statistics.median(overheads),
        cell_overheads_seconds=overheads,
        unchanged_up_seconds=statistics.median(ups),
        unchanged_ups_seconds=ups,
        sampler_cores=sampler_cores,
    )


def _lab_throughput(inventory: Inventory, secrets: Secrets, seconds: int) -> tuple[float, float]:
    """Requests a second of one cell under `lab run`, and the cell's wall time outside of warm-up and load."""
    protocol = Protocol(
        version=1,
        name="benchmark",
        blocks=1,
        warm_up_seconds=WARM_UP_SECONDS,
        scenarios=(scenario("mixed", seconds),),
        attempts=1,
        twin=False,
    )
    [api, *_] = inventory.apis
    started = ended = 0.0

    def watch(event: Event) -> None:
        nonlocal started, ended
        match event:
            case CellStarted():
                started = time.monotonic()
            case CellFinished():
                ended = time.monotonic()
            case _:
                pass

    with tempfile.TemporaryDirectory(prefix="fairground-benchmark-") as folder:
        report = analyse(start_run(inventory, secrets, protocol, Path(folder), apis=[api.name], progress=watch))
    if report.void_cells:
        sys.exit(f"The cell is void: {report.void_cells[0].voids[0].message}")
    return report.cells[0].throughput, ended - started - WARM_UP_SECONDS - seconds


def _plain_throughput(inventory: Inventory, secrets: Secrets, seconds: int) -> float:
    """Requests a second of plain wrk, pinned as the lab pins it."""
    with ready_api(inventory, secrets, inventory.apis[0], "mixed") as ready:
        return ready.load(seconds)


def _sampler_cores(inventory: Inventory, secrets: Secrets, seconds: int) -> float:
    """CPU seconds a second of the sampler and the watch while the API is under load."""
    with ready_api(inventory, secrets, inventory.apis[0], "mixed") as ready:
        connection = ready.connection
        redis = containers.cgroup(connection, inventory.redis.container)
        cgroups: dict[SampledRole, Cgroup] = {
            "api": containers.cgroup(connection, inventory.apis[0].container),
            "postgres": containers.cgroup(connection, inventory.postgres.container),
            "redis": redis,
            # Plain wrk has no cgroup of its own; the fourth costs the sampler the same, whichever it is.
            "generator": redis,
        }
        job = sampling.start(
            connection, f"{FOLDER}/sampler", cgroups, cpus=inventory.cores.system, deadline_seconds=seconds + 60
        )
        watch = watching.start(
            connection,
            f"{FOLDER}/watch",
            cgroups,
            lab_cpus=inventory.size.cpus,
            port=inventory.apis[0].port,
            cpus=inventory.cores.system,
            deadline_seconds=seconds + 60,
        )
        watchers = (job.process_id, watch.process_id)
        before = sum(_cpu_seconds(connection, process) for process in watchers)
        start = time.monotonic()
        ready.load(seconds, connections=WATCHED_CONNECTIONS)
        used = sum(_cpu_seconds(connection, process) for process in watchers) - before
        elapsed = time.monotonic() - start
        with tempfile.TemporaryDirectory(prefix="fairground-benchmark-") as folder:
            sampling.finish(connection, job, Path(folder) / sampling.FILE_NAME)
            watching.finish(connection, watch, Path(folder) / watching.FILE_NAME)
    return used / elapsed


def _cpu_seconds(connection: Connection, process_id: int) -> float:
    """User and system time of a process; nanoseconds of /proc/PID/schedstat, whose ticks in stat are too coarse."""
    return int(connection.run(["cat", f"/proc/{process_id}/schedstat"], deadline_seconds=10).stdout.split()[0]) / 1e9


def _unchanged_up(engine: Engine) -> float:
    start = time.monotonic()
    subprocess.run(
        [
            "pulumi",
            "up",
            "--yes",
            "--skip-preview",
            "--expect-no-changes",
            "--non-interactive",
            "--stack",
            engine.stack,
        ],
        cwd=engine.root,
        env=dict(engine.environment),
        check=True,
        capture_output=True,
    )
    return time.monotonic() - start


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
