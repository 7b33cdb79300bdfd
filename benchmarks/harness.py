"""What the harness itself costs, measured in one run on a lab that is up.

    .venv/bin/python -m benchmarks.harness [--json] [--pairs 7] [--seconds 10] [--stack local]

Four figures, each with what it should be:

- throughput under `lab run` ÷ throughput of plain wrk with the same pinning and the same requests, in pairs that
  alternate AB BA AB …; the median over the pairs (0.98 or more). Both begin with the same reset, restart and warm-up;
  the plain one has no sampler, no cgroup of its own and no detached job around it.
- wall time of a cell outside its warm-up and load, the median over the cells (5 s or less).
- wall time of `pulumi up` when nothing changes, the median of three (10 s or less).
- CPU of the sampler while load runs, in cores (less than 0.01).
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from analysis.report import analyse
from cli.context import DEFAULT_STACK, open_engine
from documents.inventory import Inventory, Secrets
from documents.protocol import Protocol, Scenario
from documents.samples import SampledRole
from experiment.events import CellFinished, CellStarted, Event
from experiment.remote_bench import RemoteBench
from experiment.run import start_run
from experiment.tokens import token_file
from experiment.workloads.command import REPLAY_SCRIPT, ReplayPaths, generator_threads, wrk_command
from experiment.workloads.requests import build_requests
from lab.lifecycle.engine import Engine
from lab.lifecycle.lifecycle import read_lab
from provision import containers, sampling
from provision.cgroups import Cgroup
from provision.connection import Connection, connect

_WARM_UP_SECONDS = 3
_CONNECTIONS = 100
_FOLDER = "/var/lib/fairground/benchmark"
_READY_SECONDS = 60


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
    print(f"sampler                                {result.sampler_cores:.4f} cores   (less than 0.01)")


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


def _scenario(seconds: int) -> Scenario:
    return Scenario(name="medium", workload="mixed", connections=_CONNECTIONS, duration_seconds=seconds)


def _lab_throughput(inventory: Inventory, secrets: Secrets, seconds: int) -> tuple[float, float]:
    """Requests a second of one cell under `lab run`, and the cell's wall time outside of warm-up and load."""
    protocol = Protocol(
        version=1, name="benchmark", blocks=1, warm_up_seconds=_WARM_UP_SECONDS, scenarios=(_scenario(seconds),)
    )
    one_api = inventory.model_copy(update={"apis": inventory.apis[:1]})
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
        report = analyse(start_run(one_api, secrets, protocol, Path(folder), progress=watch))
    if report.void_cells:
        sys.exit(f"The cell is void: {report.void_cells[0].voids[0].message}")
    return report.cells[0].throughput, ended - started - _WARM_UP_SECONDS - seconds


@contextmanager
def _ready_api(inventory: Inventory, secrets: Secrets) -> Generator[tuple[Connection, ReplayPaths]]:
    """A host prepared by hand as the lab prepares it for a cell: reset, restarted, pinned, with requests and tokens."""
    api = inventory.apis[0]
    requests = build_requests("mixed", Protocol.model_fields["request_seed"].default)
    tokens = token_file(secrets.jwt_secret, requests.users, lifetime_seconds=900)
    paths = ReplayPaths(
        script=f"{_FOLDER}/replay.lua",
        requests=f"{_FOLDER}/mixed.requests",
        tokens=f"{_FOLDER}/tokens",
        output=f"{_FOLDER}/wrk.json",
    )
    with connect(inventory.host) as connection:
        bench = RemoteBench(connection, inventory, secrets)
        with bench.hold("benchmarks/harness.py"), _restored(bench, connection):
            bench.stop_apis()
            bench.install([requests])
            bench.reset(api, tokens)
            bench.start_api(api)
            if seen := bench.wait_until_ready(api, deadline_seconds=_READY_SECONDS):
                sys.exit(seen)
            bench.pin(api)
            connection.run(["install", "-d", "-m", "0700", _FOLDER], deadline_seconds=10)
            connection.push(REPLAY_SCRIPT, paths.script)
            connection.push_bytes(requests.data, paths.requests)
            connection.push_bytes(tokens, paths.tokens)
            yield connection, paths


@contextmanager
def _restored(bench: RemoteBench, connection: Connection) -> Generator[None]:
    """Leave the host as a run leaves it."""
    try:
        yield
    finally:
        connection.run(["rm", "-rf", _FOLDER], deadline_seconds=10)
        bench.clear()
        bench.restore()


def _plain_throughput(inventory: Inventory, secrets: Secrets, seconds: int) -> float:
    """Requests a second of plain wrk, pinned as the lab pins it."""
    with _ready_api(inventory, secrets) as (connection, paths):
        _run_wrk(connection, inventory, paths, _WARM_UP_SECONDS)
        _run_wrk(connection, inventory, paths, seconds)
        result = json.loads(connection.run(["cat", paths.output], deadline_seconds=10).stdout)
    return result["requests"] / result["elapsed_us"] * 1e6


def _run_wrk(connection: Connection, inventory: Inventory, paths: ReplayPaths, seconds: int) -> None:
    cores = inventory.cores
    command = wrk_command(
        _scenario(seconds),
        paths,
        port=inventory.apis[0].port,
        threads=generator_threads(_CONNECTIONS, len(cores.generator)),
        duration_seconds=seconds,
        timeout_seconds=2,
        wrk_version="4.1.0",
    )
    connection.run(["taskset", "--cpu-list", cores.cpu_list("generator"), *command], deadline_seconds=seconds + 30)


def _sampler_cores(inventory: Inventory, secrets: Secrets, seconds: int) -> float:
    """CPU seconds a second of the sampler while the API is under load."""
    with _ready_api(inventory, secrets) as (connection, paths):
        cgroups: dict[SampledRole, Cgroup] = {
            "api": containers.cgroup(connection, inventory.apis[0].container),
            "postgres": containers.cgroup(connection, inventory.postgres.container),
            "redis": containers.cgroup(connection, inventory.redis.container),
            "generator": containers.cgroup(connection, inventory.redis.container),
        }
        job = sampling.start(
            connection, f"{_FOLDER}/sampler", cgroups, cpus=inventory.cores.system, deadline_seconds=seconds + 60
        )
        before = _cpu_seconds(connection, job.process_id)
        start = time.monotonic()
        _run_wrk(connection, inventory, paths, seconds)
        used = _cpu_seconds(connection, job.process_id) - before
        elapsed = time.monotonic() - start
        with tempfile.TemporaryDirectory(prefix="fairground-benchmark-") as folder:
            sampling.finish(connection, job, Path(folder) / sampling.FILE_NAME)
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
