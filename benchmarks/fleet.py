"""What would a fleet of identical hosts give? An experiment on 16 simulated ones, and thousands that are only drawn.

    .venv/bin/python -m benchmarks.fleet [--experiments 2000] [--blocks 10] [--seed 1] [--page]

It needs no lab and measures no API, so it says nothing about any API. First, one whole experiment goes through the
lab's own loop, files and analysis, on 16 simulated hosts, each with its own clock. One of them loses its connection
half-way and is resumed. Then each host measures only one API, to show why that is a mistake. The tables follow: each
number in them comes from as many drawn experiments. The exit code is 1 if the loop didn't give what was drawn.

The scatter of cells on one host was measured (`benchmarks/fleet_noise.py`). The differences between hosts of one kind
weren't, so the tables assume several values.
"""

import argparse
import math
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from analysis.statistics import CONFIDENCE, LEAST_BLOCKS, compare, interval_of, verdict_text
from benchmarks.fleet_experiment import (
    APIS,
    LOAD,
    FleetRun,
    cells_by_host,
    fleet_of,
    fleet_protocol,
    log_ratios_by_host,
    put_together,
    run_fleet,
)
from benchmarks.fleet_noise import MEASURED, measured_components, measured_level
from benchmarks.fleet_orders import plan_for_host
from benchmarks.fleet_repetitions import AGAIN, PLACES, PLAIN, SLOWED, draw_orders
from benchmarks.fleet_tables import HOSTS, all_tables
from benchmarks.fleet_world import (
    ASSUMED_HOST_NOISE,
    ASSUMED_INTERACTION,
    by_hosts,
    log_ratios,
    measure_fleets,
    world_of,
)
from benchmarks.page import write_page
from documents.report import CellNumbers, PairComparison
from documents.run import MARGIN
from experiment.planning import make_plan
from experiment.running import git_commit

PAGE = "fleet.md"

TRUE_RATIO = 0.95
"""Throughput of the slowed API over that of the plain one."""

LOST_HOST = 5
"""Which host loses its connection."""

ROUNDING = 1e-4
"""How far a block's log ratio may be from what was drawn, because a window has a whole number of requests."""


@dataclass(frozen=True)
class Settings:
    """How much is simulated, and the seed of orders and noise."""

    experiments: int = 2000
    blocks: int = 10
    seed: int = 1


@dataclass(frozen=True)
class Result:
    """What is printed, and whether the loop gave what was drawn."""

    parts: tuple[str, ...]
    held: bool


@dataclass(frozen=True)
class Pair:
    """A ratio: judged by blocks, as in a run's report, and by hosts, as value and 95% interval."""

    found: PairComparison
    by_hosts: tuple[float, float, float]


@dataclass(frozen=True)
class Whole:
    """An experiment that went through the loop.

    `distance` is the largest difference of a block's log ratio from what was drawn for it. `cpu_seconds` is the CPU
    time of this machine for the loop alone.
    """

    runs: tuple[FleetRun, ...]
    cells: int
    cpu_seconds: float
    pairs: tuple[Pair, ...]
    distance: float

    @property
    def same_as_drawn(self) -> bool:
        """Whether loop, files and analysis gave what was drawn."""
        return self.distance <= ROUNDING


def main(arguments: Sequence[str] | None = None) -> None:
    """Simulate and print."""
    parser = argparse.ArgumentParser(description="What would a fleet of identical hosts give?")
    parser.add_argument("--experiments", type=int, default=Settings.experiments, help="drawn experiments of each kind")
    parser.add_argument("--blocks", type=int, default=Settings.blocks, help="blocks a host")
    parser.add_argument("--seed", type=int, default=Settings.seed, help="of orders and noise")
    parser.add_argument("--page", action="store_true", help=f"also write docs/evidence/{PAGE}")
    given = parser.parse_args(arguments)
    if given.experiments < 1 or given.blocks < LEAST_BLOCKS:
        parser.error(f"give 1 experiment or more, and {LEAST_BLOCKS} blocks or more")
    settings = Settings(given.experiments, given.blocks, given.seed)
    commit = git_commit()
    result = simulate(settings, lambda part: print(f"{part}\n", flush=True))
    if given.page:
        write_page(PAGE, render_page(result, settings, commit))
    sys.exit(0 if result.held else 1)


def simulate(settings: Settings, say: Callable[[str], None]) -> Result:
    """Run both experiments through the loop, then draw all others; pass each part to `say` as soon as it is ready."""
    with tempfile.TemporaryDirectory(prefix="fleet-") as directory:
        whole = experiment(Path(directory), hosts=HOSTS, blocks=settings.blocks, seed=settings.seed)
    with tempfile.TemporaryDirectory(prefix="fleet-") as directory:
        mistaken = mistaken_experiment(Path(directory), hosts=HOSTS, blocks=settings.blocks, seed=settings.seed)
    parts = [render_noise(), render(whole, mistaken, blocks=settings.blocks)]
    for part in parts:
        say(part)
    for table in all_tables(settings.experiments, settings.blocks, seed=settings.seed):
        parts.append(text_of(table))
        say(parts[-1])
    return Result(parts=tuple(parts), held=whole.same_as_drawn and mistaken.same_as_drawn)


def experiment(directory: Path, *, hosts: int, blocks: int, seed: int) -> Whole:
    """One experiment through the loop: every host measures whole blocks, and one loses its connection half-way."""
    orders = draw_orders(1, hosts, blocks, seed=seed)
    logs = _draw(orders, seed)
    protocol = fleet_protocol(blocks)
    plans = [plan_for_host(protocol, APIS, seed, host=host, hosts=hosts) for host in range(hosts)]
    fleet = fleet_of(plans, logs[0], lost={min(LOST_HOST, hosts - 1): blocks * PLACES // 2 + 1})
    began = time.process_time()
    runs = run_fleet(fleet, protocol, directory, order_seed=seed)
    spent = time.process_time() - began
    cells = cells_by_host([run.folder for run in runs])
    drawn = log_ratios(orders, logs, AGAIN, PLAIN)
    measured = log_ratios_by_host(cells, APIS[AGAIN], APIS[PLAIN])
    return Whole(
        runs=runs,
        cells=sum(map(len, cells)),
        cpu_seconds=spent,
        pairs=(_pair(cells, AGAIN, PLAIN), _pair(cells, SLOWED, PLAIN)),
        distance=max(float(np.max(np.abs(own - of[0]))) for own, of in zip(measured, drawn, strict=True)),
    )


def mistaken_experiment(directory: Path, *, hosts: int, blocks: int, seed: int) -> Whole:
    """One through the loop in which each host measures only one API, in as many cells as a fleet's host has in all.

    `hosts` must be six or more. A remainder that can't give each API equally many hosts is left out.
    """
    hosts -= hosts % len(APIS)
    orders = np.tile(np.arange(len(APIS), dtype=np.intp), hosts // len(APIS))[None, :, None, None]
    orders = np.broadcast_to(orders, (1, hosts, blocks * PLACES, 1)).copy()
    logs = _draw(orders, seed)
    protocol = fleet_protocol(blocks * PLACES, twin=False)
    apis = [(APIS[host % len(APIS)],) for host in range(hosts)]
    plans = [make_plan(protocol, apis[host], seed) for host in range(hosts)]
    began = time.process_time()
    runs = run_fleet(
        fleet_of(plans, logs[0]),
        protocol,
        directory,
        order_seed=seed,
        apis_of=apis.__getitem__,
        planner_of=lambda _host: make_plan,
    )
    spent = time.process_time() - began
    cells = cells_by_host([run.folder for run in runs])
    measured = [np.log([cell.throughput for cell in of_host]) - math.log(measured_level()) for of_host in cells]
    groups = [put_together(cells[first : first + len(APIS)], sharing=len(APIS)) for first in range(0, hosts, len(APIS))]
    return Whole(
        runs=runs,
        cells=sum(map(len, cells)),
        cpu_seconds=spent,
        pairs=tuple(_pair(groups, first, PLAIN, cells=cells) for first in (AGAIN, SLOWED)),
        distance=max(float(np.max(np.abs(own - of))) for own, of in zip(measured, logs[0, ..., 0], strict=True)),
    )


def _draw(orders: NDArray[np.intp], seed: int) -> NDArray[np.float64]:
    world = world_of((0.0, 0.0, math.log(TRUE_RATIO)), interaction=ASSUMED_INTERACTION)
    return measure_fleets(world, orders, np.random.default_rng(seed))


def _pair(
    units: Sequence[Sequence[CellNumbers]],
    first: int,
    second: int,
    *,
    cells: Sequence[Sequence[CellNumbers]] | None = None,
) -> Pair:
    """A pair of APIs, judged from hosts, or groups of hosts, each of which has all APIs in every block."""
    names = (APIS[first], APIS[second])
    compared = compare(
        put_together(units) if cells is None else put_together(cells, sharing=len(APIS)),
        apis=names,
        scenarios=[LOAD.name],
        measure="throughput",
        margin=MARGIN,
    )
    means = by_hosts(log_ratios_by_host(units, *names))
    interval = interval_of(means, CONFIDENCE)
    [found] = compared.pairs
    return Pair(found=found, by_hosts=(math.exp(float(means.mean)), interval.low, interval.high))


def render_noise() -> str:
    """The noise of the simulated hosts, as text."""
    found = measured_components()
    return _rows(
        (f"Noise of one host, from the {sum(map(len, MEASURED.values()))} cells of {' and '.join(MEASURED)}", ""),
        ("  between cells of a block", f"{found.cell:.2%}"),
        ("  between blocks", f"{found.block:.2%}"),
        ("  a random walk, from each cell to the next", f"{found.walk:.2%}"),
        ("Between hosts of one kind: assumed, never measured", ""),
        ("  of all APIs together, unless a table says otherwise", f"{ASSUMED_HOST_NOISE:.0%}"),
        ("  of one API beside that, its interaction", f"{ASSUMED_INTERACTION:.0%}"),
    )


def render(whole: Whole, mistaken: Whole, *, blocks: int) -> str:
    """Both experiments that went through the loop, as text."""
    seconds = [run.seconds for run in whole.runs]
    lost = [number for number, run in enumerate(whole.runs) if run.resumed]
    all_cells = len(whole.runs) * blocks * PLACES
    return _rows(
        (f"Through the loop: {len(whole.runs)} hosts, {blocks} blocks each", ""),
        ("  cells that are valid", f"{whole.cells} of {all_cells}"),
        ("  hosts that lost their connection and went on", ", ".join(map(str, lost)) or "none"),
        ("  wall time by the hosts' clocks, median", f"{np.median(seconds) / 60:.1f} min"),
        ("  wall time of the host that took longest", f"{max(seconds) / 60:.1f} min"),
        ("  time of all hosts together", f"{sum(seconds) / 3600:.1f} h"),
        ("  CPU of the controller, loop and files alone", f"{1000 * whole.cpu_seconds / all_cells:.1f} ms a cell"),
        *_pair_rows(whole),
        (f"One API on each host, which is wrong: {len(mistaken.runs)} hosts, {mistaken.cells} cells", ""),
        *_pair_rows(mistaken),
    )


def _pair_rows(whole: Whole) -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for pair, truth in zip(whole.pairs, (1.0, TRUE_RATIO), strict=True):
        found, ratio = pair.found, pair.found.ratio
        interval = ratio and ratio.interval_95
        if ratio is None or interval is None:
            rows.append((f"  {found.first} / {found.second}", found.reason or ""))
            continue
        by_blocks = (
            f"{ratio.value:.4f} ({interval.low:.4f} to {interval.high:.4f})  {verdict_text(found, 'throughput')}"
        )
        value, low, high = pair.by_hosts
        rows += [
            (f"  {found.first} / {found.second}, truly {truth:g}: by blocks", by_blocks),
            ("    by hosts", f"{value:.4f} ({low:.4f} to {high:.4f})"),
        ]
    return [*rows, ("  largest distance of a log from what was drawn", f"{whole.distance:.1e}")]


def text_of(table: Table) -> str:
    """A table as it is printed, without spaces at the ends of lines."""
    written = StringIO()
    Console(width=118, file=written).print(table)
    return "\n".join(line.rstrip() for line in written.getvalue().rstrip().splitlines())


def render_page(result: Result, settings: Settings, commit: str) -> str:
    """The page of the evidence."""
    command = f"python -m benchmarks.fleet --experiments {settings.experiments} --blocks {settings.blocks}"
    shown = "\n\n".join(result.parts)
    return f"""# A fleet of hosts, simulated

{datetime.now(UTC):%Y-%m-%d}, commit {commit}. No host was measured for this page: it is computed from the noise of one.
[Scale](../scale.md) says what it means.

    {command} --seed {settings.seed}

Each row of the tables comes from {settings.experiments:,} experiments. Each share has its 95% interval. “±” is
the median half-width of the interval of the ratio.

```text
{shown}
```
"""


def _rows(*rows: tuple[str, str]) -> str:
    return "\n".join(f"{name:<56}{value}".rstrip() for name, value in rows)


if __name__ == "__main__":
    main()
