"""Splitting a host's CPUs between the roles: whole physical cores to a role, SMT siblings together."""

import itertools
from collections.abc import Sequence

from documents.cores import CoreLayout, parse_cpu_list
from documents.errors import DocumentError
from documents.stack import Cores

PhysicalCore = tuple[int, ...]
"""The CPUs of one physical core: one, or SMT siblings."""


class LayoutError(DocumentError):
    """A core layout that doesn't fit the host; `location` is the key at fault in the stack document."""

    def __init__(self, location: tuple[str, ...], message: str) -> None:
        super().__init__(f"{'.'.join(location)}: {message}")
        self.location = location


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


def split_cores(topology: Sequence[PhysicalCore]) -> CoreLayout:
    """Split the physical cores between the roles; with fewer than four, roles share and the layout says so.

    With two or three, the API has a core of its own; with one, everything shares it. Of more than eight, eight
    are used: the article's machine had as many.
    """
    cores = sorted(topology)[: max(_SPLITS)]
    if len(cores) < min(_SPLITS):
        api = cores[0]
        rest = cores[-1]
        postgres = cores[1] if len(cores) > 1 else rest
        return CoreLayout(api=api, postgres=postgres, redis=rest, system=rest, generator=rest, shared=True)
    groups = iter(cores)
    api, postgres, system, generator = (
        tuple(sorted(itertools.chain.from_iterable(itertools.islice(groups, count)))) for count in _SPLITS[len(cores)]
    )
    return CoreLayout(api=api, postgres=postgres, redis=system, system=system, generator=generator, shared=False)


def explicit_cores(cores: Cores, topology: Sequence[PhysicalCore]) -> CoreLayout:
    """The layout that a stack document asks for, if this host has it.

    Raises:
        LayoutError: a CPU that the host hasn't got, or one physical core split between API, PostgreSQL and
            generator, whose siblings would slow each other.
    """
    roles: dict[str, tuple[int, ...]] = {}
    for role, text in cores.model_dump(exclude_none=True).items():
        try:
            roles[role] = parse_cpu_list(text)
        except ValueError as error:
            raise LayoutError(("cores", role), f"{error}.") from error
    available = set(itertools.chain.from_iterable(topology))
    for role, cpus in roles.items():
        if absent := sorted(set(cpus) - available):
            raise LayoutError(
                ("cores", role),
                f"the host has no CPU {', '.join(map(str, absent))}, only "
                f"{', '.join(map(str, sorted(available)))}; name others or write `cores: auto`.",
            )
    for core in topology:
        holders = [role for role in ("api", "postgres", "generator") if set(core) & set(roles[role])]
        if len(holders) > 1 and len(core) > 1:
            raise LayoutError(
                ("cores",),
                f"{' and '.join(holders)} would share the physical core of CPUs "
                f"{', '.join(map(str, core))}; give SMT siblings to one role.",
            )
    redis = roles.get("redis", roles["system"])
    measured = [set(roles["api"]), set(roles["postgres"]), set(roles["generator"]), {*redis, *roles["system"]}]
    shared = sum(map(len, measured)) != len(set[int]().union(*measured))
    return CoreLayout(
        api=roles["api"],
        postgres=roles["postgres"],
        redis=redis,
        system=roles["system"],
        generator=roles["generator"],
        shared=shared,
    )
