"""Makes what the watch leaves of a cell, with known content: a quiet host, or one that is disturbed in a known way."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from analysis.raw.recordings import Window
from documents.lab.host import ROLES, CoreLayout
from documents.run.window import CpuTimes, HostTick, HostWatch, Pressure, SampledRole, Scheduled, Spin, Throttling

TICK_NS = 500_000_000
_EPOCH_MS = 1_000_000
"""The value of the counters before the first tick."""


@dataclass(frozen=True)
class Happening:
    """The state of the host while the ticks are taken; shares are of a CPU's time, from 0 to 1.

    `own` are the cores that each role uses, spread evenly over its CPUs. `others`, `stolen` and `interrupts` are by
    CPU. `throttled` is by directory, in seconds a second.
    """

    own: Mapping[SampledRole, float] = field(default_factory=dict[SampledRole, float])
    others: Mapping[int, float] = field(default_factory=dict[int, float])
    stolen: Mapping[int, float] = field(default_factory=dict[int, float])
    interrupts: Mapping[int, float] = field(default_factory=dict[int, float])
    throttled: Mapping[str, float] = field(default_factory=dict[str, float])
    waited: float = 0.0
    connections: int = 10
    silent: int = 0


def ticks_of(cores: CoreLayout, window: Window, happening: Happening) -> list[HostTick]:
    """Ticks each half second from a second before a window to a second after it, all under load."""
    begin = window.start_ns - 2 * TICK_NS + 120_000_000
    return [_tick(cores, at, begin, window, happening) for at in range(begin, window.end_ns + 2 * TICK_NS, TICK_NS)]


def _tick(cores: CoreLayout, at_ns: int, begin_ns: int, window: Window, happening: Happening) -> HostTick:
    elapsed_ns = at_ns - begin_ns
    elapsed_ms = elapsed_ns / 1e6

    def times(cpu: int) -> CpuTimes:
        own = sum(
            cores_used / len(cores.of(role)) for role, cores_used in happening.own.items() if cpu in cores.of(role)
        )
        tasks = own + happening.others.get(cpu, 0.0)
        stolen, interrupts = happening.stolen.get(cpu, 0.0), happening.interrupts.get(cpu, 0.0)
        idle = max(1 - tasks - stolen - interrupts, 0.0)
        shares = (tasks, 0.0, 0.0, idle, 0.0, 0.0, interrupts, stolen)
        return CpuTimes(*(_EPOCH_MS + round(share * elapsed_ms) for share in shares))

    return HostTick(
        time_ns=at_ns,
        cpus={cpu: times(cpu) for cpu in sorted({cpu for role in ROLES for cpu in cores.of(role)})},
        used_ns={role: 7 + round(used * elapsed_ns) for role, used in happening.own.items()},
        throttled={
            directory: Throttling(5 + round(elapsed_ns / TICK_NS), round(share * elapsed_ns))
            for directory, share in happening.throttled.items()
        },
        pressure={
            "cpu": Pressure(round(elapsed_ns / 1e3 * 0.25), 0),
            "memory": Pressure(round(elapsed_ns / 1e3 * 0.125), 0),
            "io": Pressure(9, 3),
        },
        connections=happening.connections,
        silent_ms=(max((at_ns - window.start_ns) // 1_000_000, 0) + 50,) * happening.silent,
        generator=Scheduled(1 + elapsed_ns // 4, round(happening.waited * elapsed_ns * 2), 3),
    )


def spins_of(cores: CoreLayout, *, change: float = 0.02) -> HostWatch:
    """Spins of 200 ms before the load, and `change` more after it."""
    after_ns = round(200_000_000 * (1 + change))
    return HostWatch(
        spins_before=tuple(Spin(cpu=cpu, wall_ns=210_000_000, cpu_ns=200_000_000) for cpu in cores.api),
        spins_after=tuple(Spin(cpu=cpu, wall_ns=after_ns + 1, cpu_ns=after_ns) for cpu in cores.api),
    )


def jsonl(ticks: list[HostTick]) -> bytes:
    """The ticks as the host writes them."""
    return "".join(f"{tick.model_dump_json()}\n" for tick in ticks).encode()


def watch_files(
    cores: CoreLayout, window: Window, happening: Happening, *, spin_change: float = 0.02
) -> dict[str, bytes]:
    """Both files of the watch, by name."""
    return {
        "watch.json": spins_of(cores, change=spin_change).to_json().encode(),
        "ticks.jsonl": jsonl(ticks_of(cores, window, happening)),
    }
