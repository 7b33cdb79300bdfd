"""All APIs of the lab in one session, alternating, each beside its two floors.

    .venv/bin/lab up --stack benchmark
    .venv/bin/python -m benchmarks.apis [--json] [--rounds 5] [--seconds 8] [--warm-up 75] [--api rust ...]
        [--workload read-post ...]

A floor is the plain framework that answers `read-post` with the same bytes: from memory (`rust-floor`), or fetched from
Redis by the API's client (`rust-redis-floor`). API ÷ floor is the cost of all the work, API ÷ redis floor the cost of
the API's code. All run on the same host, on the same cores, under plain wrk with the same requests.

In each round every API (and on `read-post` every floor) has one window of each workload, after a reset of the database,
a restart of the process and a warm-up, which ends when throughput is steady, and for a JVM not before its last second.
The order rotates with the round and is reversed in every second one, so that drift of the machine doesn't always affect
the same API. Compare only ratios. Each is the geometric mean of the rounds' ratios, with its 95% interval.
"""

import argparse
import json
import statistics
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.table import Table

from benchmarks.page import say
from benchmarks.plain_wrk import ready_api
from benchmarks.ratios import MeanRatio, mean_ratio
from cli.context import open_engine
from documents.errors import FairgroundError
from documents.lab import Inventory, Secrets
from documents.run import Workload
from lab.lifecycle import read_lab

WORKLOADS: tuple[Workload, ...] = ("read-post", "read-user", "list-posts", "create-post", "mixed")
"""`read-user` reads a single row from PostgreSQL, like public benchmarks; `read-post` reads Redis first."""

FLOOR_WORKLOAD: Workload = "read-post"
FLOOR_SUFFIX = "-floor"
REDIS_FLOOR_SUFFIX = "-redis-floor"
"""Also ends with `FLOOR_SUFFIX`: both are floors."""

SLOW_STARTS = ("kotlin",)
"""They get the whole warm-up: under `mixed` Kotlin looked steady after 23 s, at a third of what it had after 75."""


@dataclass(frozen=True)
class Window:
    """One load window: requests a second, and microseconds of the API's CPU, user and system, for each request."""

    api: str
    workload: Workload
    round: int
    requests_per_second: float
    cpu_us_per_request: float


@dataclass(frozen=True)
class Summary:
    """One API on one workload: medians over the rounds, the range of its throughput, and ratios of throughputs.

    A ratio is None if there is no such floor or only one round. `of_fastest` is to the API with the highest median, and
    None for that one.
    """

    api: str
    workload: Workload
    requests_per_second: float
    lowest: float
    highest: float
    cpu_us_per_request: float
    of_floor: MeanRatio | None
    of_redis_floor: MeanRatio | None
    of_fastest: MeanRatio | None


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="All APIs in one session, alternating, each beside its floors.")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--rounds", type=int, default=5, help="load windows of each API on each workload")
    parser.add_argument("--seconds", type=int, default=8, help="length of each load window")
    parser.add_argument("--warm-up", type=int, default=75, help="the most seconds of warm-up before each window")
    parser.add_argument("--stack", default="benchmark", help="the lab, which must be up")
    parser.add_argument("--api", action="append", help="an API to measure, with its floors; all unless given")
    parser.add_argument("--workload", action="append", choices=WORKLOADS, help="a workload; all unless given")
    arguments = parser.parse_args()
    try:
        _measure_and_print(parser, arguments)
    except FairgroundError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


def _measure_and_print(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> None:
    inventory, secrets = read_lab(open_engine(arguments.stack))
    known = [api.name for api in inventory.apis if not api.name.endswith(FLOOR_SUFFIX)]
    if unknown := sorted(set(arguments.api or ()) - set(known)):
        parser.error(f"the lab {inventory.stack} has no API {', '.join(unknown)}; it has {', '.join(known)}")
    chosen = arguments.api or known
    names = [api.name for api in inventory.apis if _api_of(api.name) in chosen]
    windows = measure(
        inventory,
        secrets,
        names,
        arguments.workload or WORKLOADS,
        rounds=arguments.rounds,
        seconds=arguments.seconds,
        warm_up_seconds=arguments.warm_up,
    )
    summaries = summarise(windows)
    if arguments.json:
        print(json.dumps({"summaries": list(map(asdict, summaries)), "windows": list(map(asdict, windows))}, indent=2))
    else:
        _print(summaries)


def measure(
    inventory: Inventory,
    secrets: Secrets,
    names: Sequence[str],
    workloads: Sequence[Workload],
    *,
    rounds: int,
    seconds: int,
    warm_up_seconds: int,
) -> list[Window]:
    """Measure every API on every workload once in each round; floors on `read-post` only."""
    windows: list[Window] = []
    for number in range(rounds):
        for workload in workloads:
            contenders = [name for name in names if workload == FLOOR_WORKLOAD or not name.endswith(FLOOR_SUFFIX)]
            for name in _order(contenders, number):
                api = inventory.api(name)
                with ready_api(inventory, secrets, api, workload) as ready:
                    least_seconds = warm_up_seconds if _api_of(name) in SLOW_STARTS else 0
                    warmed_up = ready.warm_up(warm_up_seconds, least_seconds=least_seconds)
                    before = ready.cpu_seconds()
                    count = ready.count(seconds)
                    used = ready.cpu_seconds() - before
                window = Window(name, workload, number + 1, count.per_second, used / count.requests * 1e6)
                windows.append(window)
                say(
                    f"round {window.round} of {rounds}: {workload}, {name}: {window.requests_per_second:,.0f}/s, "
                    f"{window.cpu_us_per_request:.1f} µs of CPU each, after {warmed_up.seconds:.0f} s of warm-up"
                )
    return windows


def _api_of(name: str) -> str:
    """The API of a floor, or of the API itself."""
    return name.removesuffix(REDIS_FLOOR_SUFFIX).removesuffix(FLOOR_SUFFIX)


def _order(names: Sequence[str], number: int) -> list[str]:
    """The order of a round: rotated by one with each pair of rounds, reversed in each second one."""
    turn = number // 2 % len(names)
    turned = [*names[turn:], *names[:turn]]
    return turned[::-1] if number % 2 else turned


def summarise(windows: Sequence[Window]) -> list[Summary]:
    """Medians over the rounds, by workload; the fastest API first, floors last."""
    rates: dict[Workload, dict[str, list[float]]] = {}
    costs: dict[tuple[Workload, str], list[float]] = {}
    for window in windows:
        rates.setdefault(window.workload, {}).setdefault(window.api, []).append(window.requests_per_second)
        costs.setdefault((window.workload, window.api), []).append(window.cpu_us_per_request)
    summaries: list[Summary] = []
    for workload, by_api in rates.items():
        ranked = sorted(by_api, key=lambda api: (api.endswith(FLOOR_SUFFIX), -statistics.median(by_api[api])))
        for api in ranked:
            summaries.append(
                Summary(
                    api=api,
                    workload=workload,
                    requests_per_second=statistics.median(by_api[api]),
                    lowest=min(by_api[api]),
                    highest=max(by_api[api]),
                    cpu_us_per_request=statistics.median(costs[workload, api]),
                    of_floor=_ratio(by_api[api], by_api.get(api + FLOOR_SUFFIX)),
                    of_redis_floor=_ratio(by_api[api], by_api.get(api + REDIS_FLOOR_SUFFIX)),
                    of_fastest=_ratio(by_api[api], by_api[ranked[0]]),
                )
            )
    return summaries


def _ratio(rates: Sequence[float], to: Sequence[float] | None) -> MeanRatio | None:
    """The mean over the rounds; None without a floor, for the fastest itself, and for a single round."""
    if to is None or rates is to or len(rates) < 2:
        return None
    return mean_ratio([one / other for one, other in zip(rates, to, strict=True)])


def _print(summaries: Sequence[Summary]) -> None:
    table = Table("workload", "API")
    for heading in ("requests/s", "range", "CPU µs each", "÷ floor", "÷ redis floor", "÷ the fastest"):
        table.add_column(heading, justify="right")
    for before, summary in zip([None, *summaries], summaries, strict=False):
        new = before is None or before.workload != summary.workload
        table.add_row(
            summary.workload if new else "",
            summary.api,
            f"{summary.requests_per_second:,.0f}",
            f"{summary.lowest:,.0f} to {summary.highest:,.0f}",
            f"{summary.cpu_us_per_request:.1f}",
            str(summary.of_floor or ""),
            str(summary.of_redis_floor or ""),
            str(summary.of_fastest or ""),
        )
    Console(width=150).print(table)


if __name__ == "__main__":
    main()
