"""Which service was the limit of a cell, and of which APIs under which loads."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import get_args

from analysis.limits import SERVICE_BUSY_LEAST
from documents.cell_numbers import CellNumbers, Service, Usage
from documents.cores import CoreLayout
from documents.samples import SampledRole

SERVICES: tuple[Service, ...] = get_args(Service)

_THREADS: dict[Service, int | None] = {"postgres": None, "redis": 1}
"""How many CPUs a service can fill; None for all that it has. Redis answers from one thread."""


def bound_by(usage: Mapping[SampledRole, Usage], busy: Mapping[int, float], cores: CoreLayout) -> tuple[Service, ...]:
    """The services that used up their CPUs.

    Where a service shares CPUs with other roles, these are used up when all together fill them, and by the role that
    uses most of them. Where it has CPUs of its own, what counts is how busy these were: a kernel may charge interrupts,
    and in them the loopback's packets, to no cgroup.

    Args:
        usage: what each role used over the load window.
        busy: how busy each CPU was in it, from 0 to 1.
        cores: the CPUs of each role.
    """
    return tuple(service for service in SERVICES if _is_bound(service, usage, busy, cores))


def _is_bound(
    service: Service, usage: Mapping[SampledRole, Usage], busy: Mapping[int, float], cores: CoreLayout
) -> bool:
    cpus = cores.joined(service)
    beside = {role: found.cpu_cores for role, found in usage.items() if cpus & {*cores.of(role)}}
    if (threads := _THREADS[service]) is not None:
        return beside[service] >= SERVICE_BUSY_LEAST * min(len(cores.of(service)), threads)
    if len(beside) == 1:
        return sum(busy[cpu] for cpu in cpus) >= SERVICE_BUSY_LEAST * len(cpus)
    return sum(beside.values()) >= SERVICE_BUSY_LEAST * len(cpus) and beside[service] == max(beside.values())


def bound_by_postgres(cells: Sequence[CellNumbers]) -> frozenset[tuple[str, str]]:
    """The pairs of an API and a load in most of whose cells PostgreSQL was the limit."""
    return mostly_bound_by("postgres", cells)


def mostly_bound_by(service: Service, cells: Sequence[CellNumbers]) -> frozenset[tuple[str, str]]:
    """The pairs of an API and a load in most of whose cells a service was the limit."""
    cells_of: defaultdict[tuple[str, str], list[bool]] = defaultdict(list)
    for cell in cells:
        cells_of[cell.api, cell.scenario].append(service in cell.bound_by)
    return frozenset(pair for pair, bound in cells_of.items() if 2 * sum(bound) > len(bound))
