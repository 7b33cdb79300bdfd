r"""Which of two running HTTP servers answers more under wrk, and at how much CPU?

    .venv/bin/python -m benchmarks.pairs http://127.0.0.1:8080/api/users/7,PID http://127.0.0.1:8090/db,PID \\
        [--pairs 40] [--seconds 2] [--connections 64] [--generator-cpus 1] [--json]

Give each server as a URL and its process id. Start and pin both by hand (`taskset`). Both keep running, so neither
restarts with cold caches between its turns. Each pair has one short turn of each server, in random order. The first
turn of each isn't counted. A turn with an error ends the benchmark.

It prints the medians of both, and first ÷ second for requests a second and for the CPU of a request: the geometric mean
over the pairs with its 95% interval.
"""

import argparse
import json
import os
import random
import re
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from analysis.statistics import LEAST_BLOCKS
from benchmarks.ratios import mean_ratio

_LOOPBACK = "127.0.0.1"
_COUNT = re.compile(r"(\d+) requests in ")
_RATE = re.compile(r"Requests/sec:\s*([\d.]+)")
_ERRORS = re.compile(r"Socket errors:.*|Non-2xx or 3xx responses:.*")


@dataclass(frozen=True)
class Server:
    """A server, and the process whose CPU is counted."""

    url: str
    process_id: int


@dataclass(frozen=True)
class Turn:
    """The result of one turn: requests a second, and microseconds of CPU, user and system, for each request."""

    requests_per_second: float
    cpu_us_per_request: float


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Two HTTP servers under wrk, in short turns of random order.")
    parser.add_argument("server", nargs=2, type=_server, metavar="URL,PID")
    parser.add_argument("--pairs", type=int, default=40, help="turns of each server that count; 2 or more")
    parser.add_argument("--seconds", type=int, default=2, help="length of a turn")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--generator-cpus", default="1", help="CPU list of wrk, as for taskset")
    parser.add_argument("--json", action="store_true", help="print JSON, with every turn")
    given = parser.parse_args(arguments)
    if given.pairs < LEAST_BLOCKS:
        parser.error(f"measure {LEAST_BLOCKS} pairs or more")
    command = ["taskset", "--cpu-list", given.generator_cpus, "wrk", "-t1"]
    command += [f"-c{given.connections}", f"-d{given.seconds}s"]
    pairs = measure(given.server, command, given.pairs)
    if given.json:
        print(json.dumps([[asdict(turn) for turn in pair] for pair in pairs], indent=2))
    else:
        print(render(given.server, pairs))


def _server(text: str) -> Server:
    url, _, process_id = text.rpartition(",")
    if urlsplit(url).hostname != _LOOPBACK:
        raise argparse.ArgumentTypeError(f"load goes to {_LOOPBACK} only, and {url} is elsewhere")
    return Server(url, int(process_id))


def measure(servers: Sequence[Server], command: Sequence[str], count: int) -> list[tuple[Turn, Turn]]:
    """Measure `count` pairs, after one turn of each that isn't counted."""
    first, second = servers
    pairs: list[tuple[Turn, Turn]] = []
    for number in range(count + 1):
        if random.random() < 0.5:  # noqa: S311 - the order of turns is no secret
            one, two = _turn(first, command), _turn(second, command)
        else:
            two, one = _turn(second, command), _turn(first, command)
        if number:
            pairs.append((one, two))
            rates = f"{one.requests_per_second:,.0f}/s and {two.requests_per_second:,.0f}/s"
            print(f"pair {number} of {count}: {rates}", file=sys.stderr, flush=True)
    return pairs


def _turn(server: Server, command: Sequence[str]) -> Turn:
    before = _cpu_seconds(server.process_id)
    output = subprocess.run([*command, server.url], check=True, capture_output=True, text=True).stdout
    used = _cpu_seconds(server.process_id) - before
    if errors := _ERRORS.findall(output):
        sys.exit(f"error: {server.url}: {'; '.join(errors)}")
    count, rate = _COUNT.search(output), _RATE.search(output)
    if count is None or rate is None:
        sys.exit(f"error: {server.url}: wrk printed no count of requests: {output}")
    return Turn(float(rate[1]), used / int(count[1]) * 1e6)


def _cpu_seconds(process_id: int) -> float:
    """User and system time of all threads of a process, including those that have ended."""
    fields = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def render(servers: Sequence[Server], pairs: Sequence[tuple[Turn, Turn]]) -> str:
    """Medians of both servers, and the ratios with their intervals."""
    lines: list[str] = []
    for server, turns in zip(servers, zip(*pairs, strict=True), strict=True):
        rate = statistics.median(turn.requests_per_second for turn in turns)
        cost = statistics.median(turn.cpu_us_per_request for turn in turns)
        lines.append(f"{server.url}: {rate:,.0f} requests/s, {cost:.1f} µs of CPU each")
    rates = mean_ratio([one.requests_per_second / two.requests_per_second for one, two in pairs])
    costs = mean_ratio([one.cpu_us_per_request / two.cpu_us_per_request for one, two in pairs])
    return "\n".join([*lines, f"first ÷ second, {len(pairs)} pairs: requests/s {rates}, CPU of a request {costs}"])


if __name__ == "__main__":
    main()
