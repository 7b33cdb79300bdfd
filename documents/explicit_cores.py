"""A core layout that a document asks for, on a host that may not have it."""

import itertools

from documents.cores import CoreLayout, PhysicalCore, parse_cpu_list
from documents.errors import DocumentError
from documents.stack import Cores


class LayoutError(DocumentError):
    """A core layout that doesn't fit the host; `location` is the key at fault, from the document's `cores` on."""

    def __init__(self, location: tuple[str, ...], message: str) -> None:
        super().__init__(f"{'.'.join(location)}: {message}")
        self.location = location


def explicit_cores(cores: Cores, topology: tuple[PhysicalCore, ...]) -> CoreLayout:
    """The layout that a document asks for, if this host has it.

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
                f"{', '.join(map(str, sorted(available)))}; name others, or leave `cores` out.",
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
