"""Compute a cell's numbers from its raw files, and the service that was its limit."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.raw import (
    LARGEST_EXACT,
    SAMPLED_ROLES,
    CellFiles,
    RoleSamples,
    fillable_cpus,
    limits,
    load_window,
    measure_load_hosts,
    read_histogram,
    read_samples,
    recover_raw,
    step_means,
    usage,
    watch_numbers,
    with_load_hosts,
)
from documents.errors import AnalysisError
from documents.lab import HOST_ROLES, SERVICES, CoreLayout, Service
from documents.report import CellNumbers, LoadHostNumbers, Usage, WatchNumbers
from documents.run import WRK_FILE, Cell, SampledRole, WindowResult, WrkResult

_THREADS: dict[Service, int | None] = {"postgres": None, "redis": 1}
"""How many CPUs a service can fill; None for all of its CPUs. Redis answers from one thread."""


def bound_by(usage: Mapping[SampledRole, Usage], busy: Mapping[int, float], cores: CoreLayout) -> tuple[Service, ...]:
    """The services that used up their CPUs.

    Shared CPUs are used up if all roles together fill them; a service is named if it used most of them. For a
    service's own CPUs it counts how busy they were, because a kernel may count interrupts, and with them loopback
    packets, to no cgroup.

    Args:
        usage: the usage of each role over the load window.
        busy: how busy each CPU was, from 0 to 1.
        cores: the CPUs of each role.
    """
    return tuple(service for service in SERVICES if _is_bound(service, usage, busy, cores))


def _is_bound(
    service: Service, usage: Mapping[SampledRole, Usage], busy: Mapping[int, float], cores: CoreLayout
) -> bool:
    cpus = cores.joined(service)
    beside = {role: found.cpu_cores for role, found in usage.items() if cpus & {*cores.of(role)}}
    if (threads := _THREADS[service]) is not None:
        return beside[service] >= limits.SERVICE_BUSY_LEAST * min(len(cores.of(service)), threads)
    if len(beside) == 1:
        return _used_up(cpus, busy)
    return sum(beside.values()) >= limits.SERVICE_BUSY_LEAST * len(cpus) and beside[service] == max(beside.values())


def _used_up(cpus: Collection[int], busy: Mapping[int, float]) -> bool:
    return sum(busy[cpu] for cpu in cpus) >= limits.SERVICE_BUSY_LEAST * len(cpus)


def is_saturated(cell: CellNumbers, cores: CoreLayout) -> bool:
    """Whether Redis, or the CPUs of the API or a service, were used up; False for a host that wasn't watched.

    In a closed loop all connections then wait in a queue, and their mean latency is connections over throughput.
    """
    busy = cell.watch and cell.watch.busy
    return bool(busy) and ("redis" in cell.bound_by or any(_used_up(cores.joined(role), busy) for role in HOST_ROLES))


def shares_used_up(cell: CellNumbers, cores: CoreLayout) -> bool:
    """Whether the API shares its CPUs, and all roles together used them up."""
    busy = cell.watch and cell.watch.busy
    return bool(busy) and cores.shares("api") and _used_up(cores.joined("api"), busy)


def mostly_bound_by(service: Service, cells: Sequence[CellNumbers]) -> frozenset[tuple[str, str]]:
    """The pairs of an API and a load with a service as the limit in most of their cells."""
    return in_most_cells(cells, lambda cell: service in cell.bound_by)


def in_most_cells(cells: Sequence[CellNumbers], is_so: Callable[[CellNumbers], bool]) -> frozenset[tuple[str, str]]:
    """The pairs of an API and a load in most of whose cells it is so."""
    cells_of: defaultdict[tuple[str, str], list[bool]] = defaultdict(list)
    for cell in cells:
        cells_of[cell.api, cell.scenario].append(is_so(cell))
    return frozenset(pair for pair, found in cells_of.items() if 2 * sum(found) > len(found))


@dataclass(frozen=True)
class MeasuredHost:
    """The numbers of the host and the generators over a load window; each is that of `CellNumbers`.

    `api_samples` are the API's, for a series along the window.
    """

    usage: dict[SampledRole, Usage]
    generator_saturation: float
    bound_by: tuple[Service, ...]
    watch: WatchNumbers | None
    load_hosts: LoadHostNumbers | None
    api_samples: RoleSamples


def measure_host(files: CellFiles, result: WindowResult) -> MeasuredHost:
    """Compute the numbers that a closed and an open loop have in common.

    Raises:
        AnalysisError: a file can't be used; names it and, if there is one, the line.
        DocumentError: `watch.json` or a load host's file is invalid.
    """
    folder, watched, window = files.folder, files.watched, load_window(result)
    name = f"{folder}samples.csv"
    seen = files.load_files and measure_load_hosts(files.load_files, result, folder=folder)
    samples = read_samples(files.samples_csv, name=name, roles=SAMPLED_ROLES if seen is None else HOST_ROLES)
    used = usage(samples, window, name=name)
    watch = watched and watch_numbers(watched, window=window, result=result, folder=folder)
    if seen is None:
        saturation = used["generator"].cpu_cores / fillable_cpus(result, files.generator_cpus)
    else:
        used["generator"], saturation = seen.usage, seen.saturation
        watch = watch and with_load_hosts(watch, seen)
    return MeasuredHost(
        usage=used,
        generator_saturation=saturation,
        bound_by=bound_by(used, watch.busy, watched.cores) if watched and watch else (),
        watch=watch,
        load_hosts=seen and seen.numbers,
        api_samples=samples["api"],
    )


@dataclass(frozen=True)
class MeasuredCell:
    """A valid cell's numbers, and the API's CPU use in cores and memory in bytes over its load window.

    `load_seconds` is the window's length. `raw_tail` and `corrected_tail` are those of `Histogram.tail`.
    """

    numbers: CellNumbers
    load_seconds: float
    cpu_cores: NDArray[np.float64]
    memory_bytes: NDArray[np.float64]
    raw_tail: NDArray[np.float64]
    corrected_tail: NDArray[np.float64]


def measure(cell: Cell, files: CellFiles) -> MeasuredCell:
    """Compute a cell's numbers from its raw files.

    Raises:
        AnalysisError: the numbers can't be computed; names the file and, if there is one, the line.
        DocumentError: `wrk.json` or `watch.json` is invalid.
    """
    name = f"{files.folder}{WRK_FILE}"
    result = WrkResult.from_json(files.result_json, name=name)
    _check_result(result, cell, name)
    corrected = read_histogram(result.latency, name=name)
    raw = recover_raw(corrected, result, name=name)
    if raw.count == 0:
        raise AnalysisError(
            f"{name} has no latency of any response: there is nothing to compute. Measure the cell again."
        )
    host = measure_host(files, result)
    steps = series_steps(cell.scenario.duration_seconds)
    cpu_cores, memory_bytes = step_means(host.api_samples, load_window(result), steps)
    latency = raw.summary()
    numbers = CellNumbers(
        cell_id=cell.id,
        attempt=files.attempt,
        block=cell.block,
        api=cell.api,
        scenario=cell.scenario.name,
        twin=cell.twin,
        requests=result.requests,
        throughput=result.throughput,
        raw=latency,
        corrected=corrected.summary(),
        errors=result.errors.total,
        statuses=result.statuses,
        usage=host.usage,
        littles_law=result.throughput * latency.mean_us / 1e6 / result.opened,
        generator_saturation=host.generator_saturation,
        bound_by=host.bound_by,
        watch=host.watch,
        load_hosts=host.load_hosts,
    )
    return MeasuredCell(numbers, result.elapsed_us / 1e6, cpu_cores, memory_bytes, raw.tail(), corrected.tail())


def series_steps(duration_seconds: int) -> int:
    """The number of steps of a load window in a plot: half a second each, at most 60."""
    return min(2 * duration_seconds, 60)


def _check_result(result: WrkResult, cell: Cell, name: str) -> None:
    scenario = cell.scenario
    found = (result.workload, result.connections, result.duration_seconds)
    planned = (scenario.workload, scenario.connections, scenario.duration_seconds)
    if found != planned:
        raise AnalysisError(
            f"{name} is of the workload {found[0]} with {found[1]} connections for {found[2]} s, but the plan has "
            f"{planned[0]} with {planned[1]} connections for {planned[2]} s. "
            "Restore the cell's own file or measure it again."
        )
    if not 1 <= result.threads <= result.connections:
        raise AnalysisError(
            f"{name} has {result.threads} threads for {result.connections} connections; wrk refuses that."
        )
    for member, value in (("requests", result.requests), ("elapsed_us", result.elapsed_us)):
        if not 1 <= value <= LARGEST_EXACT:
            raise AnalysisError(f"{name} has {member} = {value}, which is impossible. Measure the cell again.")
    if result.ended_ns < 1000 * result.elapsed_us:
        raise AnalysisError(
            f"{name} has a load that ended at {result.ended_ns} ns and lasted {result.elapsed_us} µs: it would have "
            "begun before its clock. Measure the cell again."
        )
