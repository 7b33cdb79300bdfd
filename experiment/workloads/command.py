"""The commands of a load window: wrk's, and that of the open loop."""

from dataclasses import dataclass
from pathlib import Path

from documents.errors import RunError
from documents.lab import LOOPBACK
from documents.run import Scenario
from experiment.workloads.requests import EXPECTED_STATUS

REPLAY_SCRIPT = Path(__file__).with_name("replay.lua")
"""The Lua that replays a request file; each run copies it to the host."""


OPEN_LOOP_SOURCE = Path(__file__).with_name("vegeta")
"""The open loop's generator: a Go module that is built on the host, from its Dockerfile."""


@dataclass(frozen=True)
class ReplayPaths:
    """Paths on the generator's host: wrk's script or the open loop's program, its inputs, and its result.

    `series` is the beginning of the names of the files in which each thread of wrk writes its requests of each second;
    None in a load window, which doesn't write them.
    """

    script: str
    requests: str
    tokens: str
    output: str
    series: str | None = None


@dataclass(frozen=True)
class GeneratorPart:
    """The number of a generator, from 0, and of how many. Each request of the file is sent by one of them."""

    number: int
    of: int


WHOLE = GeneratorPart(number=0, of=1)
"""The only generator."""


def generator_threads(connections: int, cpus: int) -> int:
    """The number of wrk's threads: the largest divisor of the connections up to the number of CPUs.

    wrk gives each thread connections // threads and drops the rest: four threads with 10 connections open 8.
    """
    return max(threads for threads in range(1, cpus + 1) if connections % threads == 0)


def share_of_connections(connections: int, generators: int) -> int:
    """How many of the connections each of several generators opens.

    Raises:
        RunError: they don't divide evenly.
    """
    if connections % generators:
        raise RunError(
            f"{connections} connections can't be divided among {generators} load hosts. Give each scenario of the "
            f"protocol a multiple of {generators} connections, or the lab another number of load hosts."
        )
    return connections // generators


def shares_of_rate(rate: int, generators: int) -> tuple[int, ...]:
    """How many of the requests of a second each of several generators sends."""
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
    part: GeneratorPart = WHOLE,
    start_ns: int | None = None,
) -> list[str]:
    """The argument list of wrk that plays a scenario against the API at an address and port.

    `duration_seconds` is the window's, or the warm-up's, which is the same load for another time. The load begins at
    `start_ns` of the generator's CLOCK_MONOTONIC, or as soon as everything is ready. Only workloads with one route
    count statuses: wrk's `response` doesn't know the route, and calling it costs CPU. For each call wrk builds a table
    of headers and a copy of the body: 1.0 to 1.5 µs on top of the 3.8 µs of a response of 2.5 KB, where this was
    measured.
    """
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
        "statuses" if scenario.workload in EXPECTED_STATUS else "no-statuses",
        paths.series or "no-series",
        *(str(part.number), str(part.of)),
        # In two parts, which Lua's numbers represent exactly.
        *(() if start_ns is None else (str(start_ns // 10**9), str(start_ns % 10**9))),
    ]


def open_loop_command(
    scenario: Scenario,
    paths: ReplayPaths,
    *,
    address: str,
    port: int,
    rate: int,
    duration_seconds: int,
    timeout_seconds: int,
    part: GeneratorPart,
    start_ns: int | None = None,
) -> list[str]:
    """The argument list that sends a scenario's requests at a rate to the API at an address and port.

    The first is due at `start_ns` of the generator's CLOCK_MONOTONIC, or as soon as everything is ready.
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
