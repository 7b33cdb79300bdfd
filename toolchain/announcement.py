"""What `make setup` is about to install, and how long that takes."""

from collections.abc import Iterator
from dataclasses import dataclass

from toolchain import apt, docker_engine, pulumi_tools, python_environment, state
from toolchain.layout import Layout


@dataclass(frozen=True)
class Part:
    """A part of the installation.

    Attributes:
        name: What is installed.
        seconds: How long it takes on a machine with two cores and nothing else to do.
        remark: When it takes less.
    """

    name: str
    seconds: int
    remark: str = ""


def missing_parts(layout: Layout, *, with_lab: bool) -> Iterator[Part]:
    """What this machine and this checkout lack.

    Args:
        layout: The checkout.
        with_lab: Whether the lab is stood up afterwards.
    """
    packages = [package.name for package in apt.missing(apt.LAB)]
    if packages:
        yield Part(f"system packages: {', '.join(packages)}", 10 + 5 * len(packages))
    if not python_environment.complete(layout):
        yield Part("Python packages, into .venv/", 40)
    if not pulumi_tools.complete(layout):
        if pulumi_tools.is_built(layout):
            yield Part("Pulumi engine and docker plugin, from the cache", 1)
        else:
            yield Part("Pulumi engine and docker plugin", 120, "10 s from get.pulumi.com")
    if docker_engine.version() is None:
        yield Part("Docker engine", 30, "5 s if it only has to start")
    if with_lab and not state.stack_file(layout).is_file():
        yield Part("the lab: its images, and the APIs by four compilers", 270)


def announce(parts: list[Part]) -> str:
    """The lines that say it."""
    width = max(len(part.name) for part in parts)
    lines = ["To be installed, with what it takes on two cores that have nothing else to do:"]
    for part in parts:
        remark = f" ({part.remark})" if part.remark else ""
        lines.append(f"  {part.name:{width}}  {duration(part.seconds)}{remark}")
    total = sum(part.seconds for part in parts)
    lines.append(f"  {'together':{width}}  {duration(total)}")
    return "\n".join(lines)


def duration(seconds: int) -> str:
    """Such as ``40 s`` or ``4.5 min``."""
    return f"{seconds} s" if seconds < 60 else f"{seconds / 60:.1f} min"
