"""Splitting a host's CPUs between the roles: whole physical cores to a role, SMT siblings together."""

import itertools
from collections.abc import Sequence

from documents.errors import LabError
from documents.lab import CoreLayout, PhysicalCore

_SPLITS = {
    8: (3, 2, 1, 2),
    7: (2, 2, 1, 2),
    6: (2, 1, 1, 2),
    5: (2, 1, 1, 1),
    4: (1, 1, 1, 1),
}
"""Physical cores for API, PostgreSQL, system and generator. wrk takes 11 to 15 µs of CPU a request: with one
core it ends near 75,000 requests a second, so it has two as soon as the API could need them."""


def take_cores(topology: Sequence[PhysicalCore], cpus: int) -> tuple[PhysicalCore, ...]:
    """The first physical cores that together have at most `cpus` CPUs, one at the least."""
    taken: list[PhysicalCore] = []
    for core in sorted(topology):
        if taken and sum(map(len, taken)) + len(core) > cpus:
            break
        taken.append(core)
    return tuple(taken)


_SPLITS_WITHOUT_GENERATOR = {
    8: (4, 3, 1),
    7: (4, 2, 1),
    6: (3, 2, 1),
    5: (2, 2, 1),
    4: (2, 1, 1),
    3: (1, 1, 1),
}
"""Physical cores for API, PostgreSQL and system of a host whose load comes from other hosts."""


def split_cores(topology: Sequence[PhysicalCore], *, with_generator: bool = True) -> CoreLayout:
    """Split the physical cores between the roles; with too few of them, roles share and the layout says so.

    With a generator it takes four for no role to share, without one three. With two, the API has a core of its own;
    with one, everything shares it. Of more than eight, eight are used: the article's machine had as many.

    Args:
        topology: the host's physical cores.
        with_generator: whether the load generator runs on this host.
    """
    splits = _SPLITS if with_generator else _SPLITS_WITHOUT_GENERATOR
    cores = sorted(topology)[: max(splits)]
    if len(cores) < min(splits):
        api = cores[0]
        rest = cores[-1]
        postgres = cores[1] if len(cores) > 1 else rest
        generator = rest if with_generator else ()
        return CoreLayout(api=api, postgres=postgres, redis=rest, system=rest, generator=generator, shared=True)
    remaining = iter(cores)
    groups = [
        tuple(sorted(itertools.chain.from_iterable(itertools.islice(remaining, count)))) for count in splits[len(cores)]
    ]
    api, postgres, system = groups[:3]
    return CoreLayout(
        api=api,
        postgres=postgres,
        redis=system,
        system=system,
        generator=groups[3] if with_generator else (),
        shared=False,
    )


def split_load_host(topology: Sequence[PhysicalCore]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The CPUs of the generator and of the host's own work on a load host: the first core is that of the latter.

    Raises:
        LabError: it has a single CPU, and the generator is to have its own.
    """
    system, *others = sorted(topology)
    generator = tuple(sorted(itertools.chain.from_iterable(others)))
    if not generator:
        system, generator = system[:1], system[1:]
    if not generator:
        raise LabError(
            "A load host needs two CPUs, one of them for its own work, and this one has the CPU "
            f"{', '.join(map(str, system))} alone. Give it more, or leave `load_host` out."
        )
    return generator, tuple(system)
