"""The raw files of a cell on a simulated host: those of a quiet host, with a given throughput.

All else in them is invented so that the cell is valid: how much CPU and memory each role used, and how the latencies
spread.
"""

import math
from pathlib import Path

from documents.lab import ROLES, CoreLayout
from documents.run import (
    SAMPLE_COLUMNS,
    CpuTimes,
    HostTick,
    HostWatch,
    SampledRole,
    Scheduled,
    Spin,
    WrkErrors,
    WrkLatency,
    WrkResult,
)
from experiment.bench import Load
from experiment.workloads import EXPECTED_STATUS, generator_threads

BUSY: dict[SampledRole, float] = {"api": 0.97, "postgres": 0.02, "redis": 0.25, "generator": 0.3}
"""The cores that each role uses."""

_SAMPLE_NS = 100_000_000
_TICK_NS = 400_000_000
_MARGIN_NS = 1_000_000_000
"""How long the host is sampled and watched before the load and after it."""

_RESPONSE_BYTES = 1_000
_MEMORY_BYTES, _PAGE_CACHE_BYTES = 20_000_000, 300_000
_SPIN_NS = 20_000_000


def write_files(folder: Path, load: Load, throughput: float, *, started_ns: int, cores: CoreLayout) -> WrkResult:
    """Write what sampler, watch and generator would have left after a window.

    Args:
        folder: the attempt's folder.
        load: what was put on the API.
        throughput: in requests a second; rounded so that the window has a whole number of requests.
        started_ns: when the window began, by the host's clock.
        cores: the host's layout.

    Returns:
        The content of `wrk.json`.
    """
    ended_ns = started_ns + load.seconds * 1_000_000_000
    result = _result(load, round(throughput * load.seconds), ended_ns, cores)
    sampled = [*_moments(started_ns, ended_ns, _SAMPLE_NS)]
    rows = [
        f"{at},{role},{round(busy * (at - sampled[0]))},{_MEMORY_BYTES},{_PAGE_CACHE_BYTES}"
        for at in sampled
        for role, busy in BUSY.items()
    ]
    ticks = [_tick(at, at - sampled[0], load, cores) for at in _moments(started_ns, ended_ns, _TICK_NS)]
    spins = tuple(Spin(cpu=cpu, wall_ns=_SPIN_NS, cpu_ns=_SPIN_NS) for cpu in cores.api)
    watch = HostWatch(spins_before=spins, spins_after=spins)
    for name, text in (
        ("wrk.txt", "A simulated host ran no wrk.\n"),
        ("wrk.json", result.to_json()),
        ("samples.csv", "\n".join([",".join(SAMPLE_COLUMNS), *rows, ""])),
        ("ticks.jsonl", "".join(f"{tick.model_dump_json()}\n" for tick in ticks)),
        ("watch.json", watch.to_json()),
    ):
        (folder / name).write_text(text, encoding="utf-8")
    return result


def _moments(started_ns: int, ended_ns: int, step_ns: int) -> range:
    return range(started_ns - _MARGIN_NS, ended_ns + _MARGIN_NS + 1, step_ns)


def _result(load: Load, requests: int, ended_ns: int, cores: CoreLayout) -> WrkResult:
    """Every connection is always busy, so by Little's law a request takes connections ÷ throughput."""
    workload, connections = load.scenario.workload, load.scenario.connections
    total_us = connections * load.seconds * 1_000_000
    fast_us, slower = divmod(total_us, requests)
    histogram = tuple((us, some) for us, some in ((fast_us, requests - slower), (fast_us + 1, slower)) if some)
    return WrkResult(
        wrk_version=load.wrk_version,
        workload=workload,
        threads=generator_threads(connections, len(cores.generator)),
        connections=connections,
        timeout_seconds=load.timeout_seconds,
        duration_seconds=load.seconds,
        elapsed_us=load.seconds * 1_000_000,
        ended_ns=ended_ns,
        requests=requests,
        bytes=requests * _RESPONSE_BYTES,
        errors=WrkErrors(connect=0, read=0, write=0, status=0, timeout=0),
        latency=WrkLatency(
            count=requests, minimum_us=fast_us, maximum_us=math.ceil(total_us / requests), histogram=histogram
        ),
        statuses=None if workload == "mixed" else {str(EXPECTED_STATUS[workload]): requests},
    )


def _tick(at_ns: int, elapsed_ns: int, load: Load, cores: CoreLayout) -> HostTick:
    def times(cpu: int) -> CpuTimes:
        busy = sum(used / len(cores.of(role)) for role, used in BUSY.items() if cpu in cores.of(role))
        return CpuTimes(
            user=round(busy * elapsed_ns / 1e6),
            nice=0,
            system=0,
            idle=round((1 - busy) * elapsed_ns / 1e6),
            iowait=0,
            irq=0,
            softirq=0,
            steal=0,
        )

    return HostTick(
        time_ns=at_ns,
        cpus={cpu: times(cpu) for cpu in sorted({cpu for role in ROLES for cpu in cores.of(role)})},
        used_ns={role: round(used * elapsed_ns) for role, used in BUSY.items()},
        throttled={},
        pressure=None,
        connections=load.scenario.connections,
        silent_ms=(),
        generator=Scheduled(ran_ns=round(BUSY["generator"] * elapsed_ns), waited_ns=0, threads=1),
    )
