"""What the harness itself costs, measured on a lab that is up.

    .venv/bin/python -m benchmarks.harness [--json] [--pairs 140] [--seconds 2] [--stack local]

Four figures, each with its limit:

- throughput of a load window as in `lab run` ÷ throughput of plain wrk with the same pinning and the same requests,
  against the same process, in pairs that alternate AB BA AB …; the geometric mean over the pairs (0.98 or more), with
  its 95% interval. Plain wrk has no sampler, no watch, no spin before it, no cgroup and no detached job.
- wall time of a cell outside its warm-up and load, the median of three (5 s or less).
- wall time of `pulumi up` when nothing changes, the median of three (10 s or less).
- CPU of sampler and watch together on the host under load on 500 connections, in cores (less than 0.01). The watch
  looks at each connection.

Cells under `lab run` are watched and checked as always. A void one is run again, and only the valid attempt is timed.
The exit status is 0 if all four figures are within their limits, otherwise 1, and 2 after an error.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from analysis.raw import read_run
from analysis.report import analyse
from analysis.statistics import LEAST_BLOCKS
from benchmarks.page import say
from benchmarks.plain_wrk import ReadyApi, ready_api, scenario
from benchmarks.ratios import mean_ratio
from cli.context import DEFAULT_STACK, open_engine
from documents.errors import FairgroundError, LabError, RunError
from documents.lab import Inventory, Secrets
from documents.run import Protocol, SampledRole
from experiment.bench import host_folder
from experiment.progress import CellFinished, CellStarted, Event
from experiment.running import start_run
from lab.lifecycle import Engine, read_lab
from provision.containers import Cgroup, control
from provision.load import recording
from provision.ssh import Connection

LEAST_THROUGHPUT_RATIO = 0.98
MOST_OVERHEAD_SECONDS = 5.0
MOST_UP_SECONDS = 10.0
SAMPLER_CORES_BELOW = 0.01

WARM_UP_SECONDS = 3
"""Both sides of a pair have the same process, so it needn't be steady."""

WATCHED_CONNECTIONS = 500
"""The connections of the heaviest load in the lab's protocols."""


@dataclass(frozen=True)
class Result:
    """The four figures with the values that they are means or medians of, and a 95% interval."""

    throughput_ratio: float
    throughput_interval: tuple[float, float]
    throughput_ratios: list[float]
    lab_requests_per_second: list[float]
    plain_requests_per_second: list[float]
    cell_overhead_seconds: float
    cell_overheads_seconds: list[float]
    unchanged_up_seconds: float
    unchanged_ups_seconds: list[float]
    sampler_cores: float

    @property
    def held(self) -> bool:
        """Whether all four figures are within their limits."""
        return (
            self.throughput_ratio >= LEAST_THROUGHPUT_RATIO
            and self.cell_overhead_seconds <= MOST_OVERHEAD_SECONDS
            and self.unchanged_up_seconds <= MOST_UP_SECONDS
            and self.sampler_cores < SAMPLER_CORES_BELOW
        )


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="What the harness itself costs.")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--pairs", type=int, default=140, help="pairs of windows: as in lab run, and by plain wrk")
    parser.add_argument("--seconds", type=int, default=2, help="length of each load window")
    parser.add_argument("--stack", default=DEFAULT_STACK, help="the lab, which must be up")
    given = parser.parse_args(arguments)
    if given.pairs < LEAST_BLOCKS:
        parser.error(f"measure {LEAST_BLOCKS} pairs or more")
    try:
        result = measure(open_engine(given.stack), pairs=given.pairs, seconds=given.seconds)
    except FairgroundError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    print(json.dumps(asdict(result) | {"held": result.held}, indent=2) if given.json else render(result))
    sys.exit(0 if result.held else 1)


def render(result: Result) -> str:
    """The four figures, each with its limit."""
    rows = (
        (
            "throughput under lab run / plain wrk",
            "{:.3f}, 95% interval {:.3f} to {:.3f}".format(result.throughput_ratio, *result.throughput_interval),
            f"{LEAST_THROUGHPUT_RATIO} or more",
        ),
        (
            "a cell outside of warm-up and load",
            f"{result.cell_overhead_seconds:.1f} s",
            f"{MOST_OVERHEAD_SECONDS:.0f} s or less",
        ),
        (
            "pulumi up with nothing to change",
            f"{result.unchanged_up_seconds:.1f} s",
            f"{MOST_UP_SECONDS:.0f} s or less",
        ),
        ("sampler and watch", f"{result.sampler_cores:.4f} cores", f"less than {SAMPLER_CORES_BELOW}"),
    )
    return "\n".join(f"{name:<39}{value}   ({wanted})" for name, value, wanted in rows)


def measure(engine: Engine, *, pairs: int, seconds: int) -> Result:
    """Measure the four figures on the lab of an engine.

    Raises:
        FairgroundError: the lab failed, or no attempt at a cell is valid.
    """
    inventory, secrets = read_lab(engine)
    lab_rates, plain_rates = _window_rates(inventory, secrets, pairs=pairs, seconds=seconds)
    ratios = [lab / plain for lab, plain in zip(lab_rates, plain_rates, strict=True)]
    ratio = mean_ratio(ratios)
    overheads = [cell_overhead(inventory, secrets, seconds) for _ in range(3)]
    ups = [_unchanged_up(engine) for _ in range(3)]
    sampler_cores = _sampler_cores(inventory, secrets, seconds)
    return Result(
        throughput_ratio=ratio.mean,
        throughput_interval=(ratio.low, ratio.high),
        throughput_ratios=ratios,
        lab_requests_per_second=lab_rates,
        plain_requests_per_second=plain_rates,
        cell_overhead_seconds=statistics.median(overheads),
        cell_overheads_seconds=overheads,
        unchanged_up_seconds=statistics.median(ups),
        unchanged_ups_seconds=ups,
        sampler_cores=sampler_cores,
    )


def _window_rates(
    inventory: Inventory, secrets: Secrets, *, pairs: int, seconds: int
) -> tuple[list[float], list[float]]:
    """Requests a second of windows as in `lab run` and of plain ones, pair by pair."""
    lab_rates: list[float] = []
    plain_rates: list[float] = []
    with ready_api(inventory, secrets, inventory.apis[0], "mixed") as ready:
        ready.load(WARM_UP_SECONDS)
        for pair in range(pairs):
            for plain in (False, True) if pair % 2 == 0 else (True, False):
                if plain:
                    plain_rates.append(ready.load(seconds))
                else:
                    lab_rates.append(_recorded_load(ready, seconds))
            say(f"pair {pair + 1} of {pairs}: lab run {lab_rates[-1]:,.0f}/s, plain wrk {plain_rates[-1]:,.0f}/s")
    return lab_rates, plain_rates


def _recorded_load(ready: ReadyApi, seconds: int) -> float:
    """Requests a second of a window with everything that `lab run` does around it.

    Raises:
        RunError: wrk, the sampler or the watch failed.
    """
    ready.bench.prepare(ready.tokens)
    ready.bench.start_sampling(seconds=seconds + 60)
    ready.bench.measure(ready.lab_load(seconds))
    with tempfile.TemporaryDirectory(prefix="fairground-benchmark-") as folder:
        measured = ready.bench.collect(Path(folder))
    failures = (measured.generator_failure, measured.sampler_failure, measured.watch_failure)
    if measured.throughput is None or any(failures):
        raise RunError(f"A window failed: {next(filter(None, failures))}")
    return measured.throughput


def cell_overhead(inventory: Inventory, secrets: Secrets, seconds: int) -> float:
    """Wall time of one cell under `lab run`, in seconds, outside of its warm-up and load.

    Raises:
        RunError: no attempt at it is valid.
    """
    protocol = Protocol(
        version=1,
        name="benchmark",
        blocks=1,
        warm_up_seconds=WARM_UP_SECONDS,
        warm_up_least_seconds=WARM_UP_SECONDS,
        scenarios=(scenario("mixed", seconds),),
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
                for void in event.record.voids:
                    say(f"  void: {void.message}")
            case _:
                pass

    with tempfile.TemporaryDirectory(prefix="fairground-benchmark-") as folder:
        report = analyse(
            read_run(start_run(inventory, secrets, protocol, Path(folder), apis=[api.name], progress=watch))
        )
    if not report.cells:
        raise RunError(
            f"No attempt at the cell is valid: {report.void_cells[0].voids[0].message} `lab logs` shows the API's log. "
            "End other work on the host."
        )
    return ended - started - WARM_UP_SECONDS - seconds


def _sampler_cores(inventory: Inventory, secrets: Secrets, seconds: int) -> float:
    """CPU seconds a second of the sampler and the watch while the API is under load."""
    with ready_api(inventory, secrets, inventory.apis[0], "mixed") as ready:
        ready.load(WARM_UP_SECONDS)
        connection = ready.connection
        redis = control.cgroup(connection, inventory.redis.container)
        cgroups: dict[SampledRole, Cgroup] = {
            "api": control.cgroup(connection, inventory.apis[0].container),
            "postgres": control.cgroup(connection, inventory.postgres.container),
            "redis": redis,
            # Plain wrk has no cgroup; a fourth one costs the sampler the same, whichever it is.
            "generator": redis,
        }
        job = recording.start_sampler(
            connection,
            host_folder.path_of("sampler"),
            cgroups,
            cpus=inventory.cores.system,
            deadline_seconds=seconds + 60,
        )
        watch = recording.start_watch(
            connection,
            host_folder.path_of("watch"),
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
            recording.finish(connection, job, recording.SAMPLER, Path(folder) / "samples")
            recording.finish(connection, watch, recording.WATCH, Path(folder) / "ticks")
    return used / elapsed


def _cpu_seconds(connection: Connection, process_id: int) -> float:
    """User and system seconds of a process, from /proc/PID/schedstat; the clock ticks in stat are too coarse."""
    return int(connection.run(["cat", f"/proc/{process_id}/schedstat"], deadline_seconds=10).stdout.split()[0]) / 1e9


def _unchanged_up(engine: Engine) -> float:
    start = time.monotonic()
    done = subprocess.run(
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
        check=False,
        capture_output=True,
        text=True,
    )
    elapsed = time.monotonic() - start
    if done.returncode:
        raise LabError(
            f"pulumi up on {engine.stack} failed, or had something to change: {(done.stderr or done.stdout).strip()} "
            "Bring the lab up with `lab up`, then run this again."
        )
    return elapsed


if __name__ == "__main__":
    main()
