"""apis/go on read-post beside its floor: a bare gin handler that answers the same octets from memory.

    .venv/bin/lab up --stack benchmark
    .venv/bin/python -m benchmarks.floor [--json] [--pairs 7] [--seconds 8]

Both run on the host of that lab, on the API's core, under plain wrk with the same requests, in pairs that alternate.
The ratio says what is left of what gin can do once each post is looked up in Redis.
"""

import argparse
import json
import statistics
import sys
from dataclasses import asdict, dataclass

from benchmarks.plain_wrk import ready_api
from cli.context import open_engine
from documents.inventory import Inventory, Secrets
from lab.lifecycle.lifecycle import read_lab


@dataclass(frozen=True)
class Result:
    """Requests a second of the API and of its floor, pair by pair, and the median of their ratios."""

    ratio: float
    ratios: list[float]
    api_requests_per_second: list[float]
    floor_requests_per_second: list[float]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="apis/go on read-post beside a bare gin handler.")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--pairs", type=int, default=7, help="pairs of API and floor")
    parser.add_argument("--seconds", type=int, default=8, help="length of each load window")
    parser.add_argument("--stack", default="benchmark", help="the lab, which must be up")
    arguments = parser.parse_args()
    inventory, secrets = read_lab(open_engine(arguments.stack))
    result = measure(inventory, secrets, pairs=arguments.pairs, seconds=arguments.seconds)
    if arguments.json:
        print(json.dumps(asdict(result), indent=2))
        return
    print(f"apis/go    {statistics.median(result.api_requests_per_second):>8,.0f} requests/s")
    print(f"floor      {statistics.median(result.floor_requests_per_second):>8,.0f} requests/s")
    print(f"ratio      {result.ratio:>8.3f}")


def measure(inventory: Inventory, secrets: Secrets, *, pairs: int, seconds: int) -> Result:
    """Measure API and floor in alternating pairs."""
    rates: dict[str, list[float]] = {"go": [], "floor": []}
    for pair in range(pairs):
        for name in ("go", "floor") if pair % 2 == 0 else ("floor", "go"):
            with ready_api(inventory, secrets, inventory.api(name), "read-post") as ready:
                rates[name].append(ready.load(seconds))
        print(
            f"pair {pair + 1} of {pairs}: API {rates['go'][-1]:,.0f}/s, floor {rates['floor'][-1]:,.0f}/s",
            file=sys.stderr,
            flush=True,
        )
    ratios = [mine / least for mine, least in zip(rates["go"], rates["floor"], strict=True)]
    return Result(statistics.median(ratios), ratios, rates["go"], rates["floor"])


if __name__ == "__main__":
    main()
