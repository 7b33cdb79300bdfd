"""The commands of a load window: wrk's, and that of the open loop."""

from dataclasses import dataclass
from pathlib import Path

from documents.errors import RunError
from documents.lab import LOOPBACK
from documents.run import Scenario

REPLAY_SCRIPT = Path(__file__).with_name("replay.lua")
"""The Lua that replays a request file; it is pushed to the host once for each run."""


OPEN_LOOP_SOURCE = Path(__file__).with_name("vegeta")
"""The open loop's generator: a Go module that is built on the host, from its Dockerfile."""


@dataclass(frozen=True)
class ReplayPaths:
    """Paths on the generator's host: wrk's script or the open loop's program, its inputs, and the file it writes.

    `series` is how the names of the files begin in which each thread of wrk writes its requests of each second; None
    where they aren't written, as in a load window.
    """

    script: str
    requests: str
    tokens: str
    output: str
    series: str | None = None


@dataclass(frozen=True)
class Part:
    """Which of several generators one is, from 0 on, and of how many. They share the requests of a file out."""

    number: int
    of: int


WHOLE = Part(number=0, of=1)
"""A generator that puts the load on alone."""


def generator_threads(connections: int, cpus: int) -> int:
    """The number of wrk's threads: as many as the generator has CPUs, but a divisor of the connections.

    wrk gives each thread connections // threads of them and drops the rest: four threads with 10 connections open 8.
    """
    return max(threads for threads in range(1, cpus + 1) if connections % threads == 0)


def share_of_connections(connections: int, generators: int) -> int:
    """How many of the connections each of several generators opens.

    Raises:
        RunError: they can't be divided, and some would have to be left out.
    """
    if connections % generators:
        raise RunError(
            f"{connections} connections can't be divided among {generators} load hosts. Give each scenario of the "
            f"protocol a multiple of {generators} connections, or the lab another number of load hosts."
        )
    return connections // generators


def shares_of_rate(rate: int, generators: int) -> tuple[int, ...]:
    """How many of the requests of a second each of several generators sends; together they send all of them."""
    return tuple(rate // generators + (number < rate % generators) for number in range(generators))


def wrk_command(
    scenario: Scenario,
    paths: ReplayPaths,
    *,
    address: str = LOOPBACK,
    port: int,
    threads: int,
    duration_seconds: int,
    timeout_seconds: int,
    wrk_version: str,
    part: Part = WHOLE,
    start_ns: int | None = None,
) -> list[str]:
    """The argument list that plays a scenario against the API at an address and port.

    `duration_seconds` is that of the window, so that the warm-up is the same load for another time. The load begins at
    `start_ns` of the generator's CLOCK_MONOTONIC, or else as soon as all is ready. Workloads with one
    route count statuses; `mixed` can't, because wrk's `response` knows no route, and so is spared what it costs: wrk
    builds a table of headers and a copy of the body for each call, some 1.0 to 1.5 µs on top of the 3.8 µs of CPU that
    a response of 2.5 KB took on the machine where this was measured.
    """
    single_route = scenario.workload != "mixed"
    return [
        "wrk",
        *("-t", str(threads)),
        *("-c", str(scenario.connections)),
        *("-d", f"{duration_seconds}s"),
        *("--timeout", f"{timeout_seconds}s"),
        *("-s", paths.script),
        f"http://{address}:{port}",
        "--",
        scenario.workload,
        paths.requests,
        paths.tokens,
        paths.output,
        str(threads),
        str(scenario.connections),
        str(timeout_seconds),
        str(duration_seconds),
        wrk_version,
        "statuses" if single_route else "no-statuses",
        paths.series or "no-series",
        *(str(part.number), str(part.of)),
        # In two parts, each of which Lua's numbers hold exactly.
        *(() if start_ns is None else (str(start_ns // 10**9), str(start_ns % 10**9))),
    ]


def open_loop_command(
    scenario: Scenario,
    paths: ReplayPaths,
    *,
    address: str = LOOPBACK,
    port: int,
    rate: int,
    duration_seconds: int,
    timeout_seconds: int,
    part: Part = WHOLE,
    start_ns: int | None = None,
) -> list[str]:
    """The argument list that sends a scenario's requests at so many a second to the API at an address and port.

    The first is due at `start_ns` of the generator's CLOCK_MONOTONIC, or else as soon as all is ready.
    """
    return [
        paths.script,
        *("-url", f"http://{address}:{port}"),
        *("-requests", paths.requests),
        *("-tokens", paths.tokens),
        *("-output", paths.output),
        *("-workload", scenario.workload),
        *("-rate", str(rate)),
        *("-seconds", str(duration_seconds)),
        *("-connections", str(scenario.connections)),
        *("-timeout", str(timeout_seconds)),
        *("-part", str(part.number)),
        *("-parts", str(part.of)),
        *(() if start_ns is None else ("-start", str(start_ns))),
    ]
