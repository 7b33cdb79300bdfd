"""Which CPUs each role of the lab has."""

import re
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, model_validator

from documents.base import Document

Role = Literal["api", "postgres", "redis", "generator", "system"]
"""`system` is what is left: sshd, the container engine and the sampler; Redis shares its CPUs."""

ROLES: tuple[Role, ...] = get_args(Role)

PhysicalCore = tuple[int, ...]
"""The CPUs of one physical core: one, or SMT siblings."""


class CoreLayout(Document):
    """The CPUs of each role, by the kernel's numbers, in rising order.

    Attributes:
        generator: empty where the load comes from load hosts
        shared: two roles other than Redis and system share a CPU
    """

    api: tuple[int, ...]
    postgres: tuple[int, ...]
    redis: tuple[int, ...]
    generator: tuple[int, ...]
    system: tuple[int, ...]
    shared: bool

    @model_validator(mode="after")
    def _consistent(self) -> "CoreLayout":
        for role in ROLES:
            if list(self.of(role)) != sorted(set(self.of(role))):
                raise ValueError(f"the CPUs of {role} are to rise, each once")
        measured = [set(self.api), set(self.postgres), set(self.generator), {*self.redis, *self.system}]
        if not all((self.api, self.postgres, {*self.redis, *self.system})):
            raise ValueError("every role needs a CPU")
        overlap = sum(map(len, measured)) != len(set[int]().union(*measured))
        if overlap != self.shared:
            raise ValueError("`shared` must say whether CPUs are shared between roles")
        return self

    def of(self, role: Role) -> tuple[int, ...]:
        """The CPUs of one role."""
        return getattr(self, role)

    def joined(self, role: Role) -> frozenset[int]:
        """The CPUs of one role, with those of the roles that share one of them, and so on until none is added."""
        cpus = frozenset(self.of(role))
        while grown := {cpu for other in ROLES if cpus & {*self.of(other)} for cpu in self.of(other)} - cpus:
            cpus |= grown
        return cpus

    def cpu_list(self, role: Role) -> str:
        """The CPUs of one role as the kernel writes a CPU list, such as ``0,1,2``."""
        return ",".join(map(str, self.of(role)))


def parse_cpu_list(text: str) -> tuple[int, ...]:
    """The CPUs of a kernel CPU list such as ``0-2,5``, in rising order.

    Source: cpuset(7), "List format"; Linux has at most 8,192 CPUs.

    Raises:
        ValueError: the text isn't a CPU list, or a range falls.
    """
    cpus: set[int] = set()
    for part in text.strip().split(","):
        match = re.fullmatch(r"([0-9]{1,4})(?:-([0-9]{1,4}))?", part)
        if match is None:
            raise ValueError(f"{text!r} is not a CPU list such as 0-2,5")
        first = int(match[1])
        last = int(match[2] or first)
        if last < first:
            raise ValueError(f"the range {part} in the CPU list {text!r} falls")
        cpus.update(range(first, last + 1))
    return tuple(sorted(cpus))


def _check_cpu_list(text: str) -> str:
    parse_cpu_list(text)
    return text


CpuList = Annotated[str, AfterValidator(_check_cpu_list)]
"""A text that `parse_cpu_list` reads."""
