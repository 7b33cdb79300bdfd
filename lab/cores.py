"""Splitting a host's CPUs between the roles: whole physical cores to a role, SMT siblings together."""

import itertools
from collections.abc import Sequence

from documents.cores import CoreLayout, parse_cpu_list
from documents.errors import DocumentError, LabError
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
        holders = [role for role in ("api", "postgres", "generator") if set(core) & set(roles.get(role, ()))]
        if len(holders) > 1 and len(core) > 1:
            raise LayoutError(
                ("cores",),
                f"{' and '.join(holders)} would share the physical core of CPUs "
                f"{', '.join(map(str, core))}; give SMT siblings to one role.",
            )
    redis = roles.get("redis", roles["system"])
    generator = roles.get("generator", ())
    measured = [set(roles["api"]), set(roles["postgres"]), set(generator), {*redis, *roles["system"]}]
    shared = sum(map(len, measured)) != len(set[int]().union(*measured))
    return CoreLayout(
        api=roles["api"],
        postgres=roles["postgres"],
        redis=redis,
        system=roles["system"],
        generator=generator,
        shared=shared,
    )
