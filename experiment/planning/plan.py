"""The two plans of a run: of the closed loop before it begins, and of the open loop once the closed one is finished.

A block has all loads, and under each load all APIs in a balanced order.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from random import Random

from analysis.cells import common_rates
from analysis.raw import Run
from documents.errors import RunError
from documents.run import (
    Cell,
    OpenLoop,
    OpenLoopCell,
    OpenLoopPlan,
    OpenLoopRate,
    Plan,
    Protocol,
    Scenario,
)


def count_cells(run: Run) -> int:
    """The number of cells of a run; at most, for an open loop that isn't planned yet."""
    open_loop = run.manifest.protocol.open_loop
    if open_loop is None or not run.lacks_open_loop_plan:
        return len(run.cells)
    return len(run.cells) + cells_at_most(open_loop, len(run.subjects))


def cells_at_most(open_loop: OpenLoop, api_count: int) -> int:
    """The number of cells of an open loop; fewer only if two of its shares give the same rate."""
    return open_loop.blocks * len(open_loop.shares) * api_count


def plan_cells(
    open_loop: OpenLoop,
    window: Scenario,
    rates: Sequence[OpenLoopRate],
    api_names: Sequence[str],
    *,
    order_seed: int,
    first_number: int,
) -> tuple[OpenLoopCell, ...]:
    """The cells of an open loop in randomised blocks; the same arguments give the same cells.

    A block has each API at each rate once. The rates are shuffled, and the APIs at each rate, so that cells that are
    compared with each other follow each other.

    Args:
        open_loop: the protocol's open loop.
        window: the scenario of its cells.
        rates: in requests a second.
        api_names: the APIs, in any order.
        order_seed: the run's seed; the order differs from that of the closed loop.
        first_number: the number of the first cell.
    """
    random = Random(f"{order_seed}/open-loop")  # noqa: S311 - a reproducible order is wanted, not secrets
    names = sorted(api_names)
    order = [
        (block, rate, api)
        for block in range(1, open_loop.blocks + 1)
        for rate in random.sample(rates, len(rates))
        for api in random.sample(names, len(names))
    ]
    return tuple(
        OpenLoopCell(number=number, block=block, api=api, scenario=window, rate=rate.rate)
        for number, (block, rate, api) in enumerate(order, start=first_number)
    )


def plan_open_loop(run: Run, open_loop: OpenLoop) -> OpenLoopPlan:
    """Plan the open loop of a run whose closed loop is finished.

    Raises:
        AnalysisError: a raw file can't be used.
        DocumentError: a result is invalid.
    """
    throughputs = {api: defaultdict[int, list[float]](list) for api in sorted({cell.api for cell in run.plan.cells})}
    for cell in run.plan.cells:
        record = run.records.get(cell.id)
        if cell.scenario.name == open_loop.scenario and record is not None and record.valid:
            throughputs[cell.api][cell.block].append(run.result(cell, record).throughput)
    found = common_rates({api: list(blocks.values()) for api, blocks in throughputs.items()}, open_loop.shares)
    order_seed = run.manifest.order_seed
    if found is None:
        return OpenLoopPlan(order_seed=order_seed, slowest=None, throughput=None, rates=(), cells=())
    return OpenLoopPlan(
        order_seed=order_seed,
        slowest=found.slowest,
        throughput=found.throughput,
        rates=found.rates,
        cells=plan_cells(
            open_loop,
            run.manifest.protocol.window_of(open_loop),
            found.rates,
            list(throughputs),
            order_seed=order_seed,
            first_number=len(run.plan.cells) + 1,
        ),
    )


def williams_rows(treatments: int) -> tuple[tuple[int, ...], ...]:
    """The rows of a Williams design for the treatments 0, 1, 2, and so on.

    The first row is 0, 1, n - 1, 2, n - 2, …: its steps from one to the next are all different, modulo n. The others
    add 1, 2, … to it, modulo n. So each treatment follows each other one once if n is even. If n is odd, each step
    occurs twice or never, so the reversed rows are added; then each follows each other twice
    (Williams 1949; Bradley 1958, "Complete counterbalancing of immediate sequential effects in a Latin square design",
    Journal of the American Statistical Association 53:525).
    """
    first = [(place + 1) // 2 if place % 2 else -(place // 2) for place in range(treatments)]
    rows = [tuple((treatment + shift) % treatments for treatment in first) for shift in range(treatments)]
    if treatments % 2:
        rows += [row[::-1] for row in rows]
    return tuple(rows)


def block_orders(
    api_names: Sequence[str], blocks: int, random: Random, *, twin: bool = True
) -> tuple[tuple[str, ...], ...]:
    """Draw the order of the APIs in each block, for one load; the twin is in it twice.

    The place of each API in the design, and the order of the design's rows, are drawn again for each design. With more
    blocks than rows a new design begins. An incomplete design has a random part of its rows, so its balance is right on
    average, not exact. Each API in turn is the twin, in an order that is drawn once: with ten blocks and four APIs, two
    of them three times and two twice. The names are sorted first, so that a seed gives the same orders for any order
    of names.

    Args:
        api_names: the APIs, at least one. A single one is compared with its twin.
        blocks: the number of orders.
        random: the source of all draws; record its seed.
        twin: whether one of the APIs is measured twice.

    Raises:
        RunError: there is no API, or one is named twice.
    """
    if not api_names:
        raise RunError("There is no API to measure: the lab has none. Name one in the stack document, then `lab up`.")
    if len(set(api_names)) < len(api_names):
        raise RunError(f"An API is named twice: {', '.join(api_names)}. Name each once.")
    names = sorted(api_names)
    turns = random.sample(names, len(names)) if twin else []
    rows = _rows([*names, None] if twin else names, random)
    orders: list[tuple[str, ...]] = []
    for block in range(blocks):
        second = turns[block % len(turns)] if twin else None
        orders.append(tuple(found for name in next(rows) if (found := name or second) is not None))
    return tuple(orders)


def _rows(treatments: Sequence[str | None], random: Random) -> Iterator[tuple[str | None, ...]]:
    """The rows of one design after the other; None is the twin."""
    design = williams_rows(len(treatments))
    while True:
        parts = random.sample(treatments, len(treatments))
        for row in random.sample(design, len(design)):
            yield tuple(parts[treatment] for treatment in row)


def make_plan(protocol: Protocol, api_names: Sequence[str], order_seed: int) -> Plan:
    """Plan the cells of a run; the same arguments give the same plan.

    Raises:
        RunError: there is no API to measure, or one is named twice.
    """
    return Plan(
        order_seed=order_seed,
        cells=tuple(
            Cell(number=number, block=block, api=api, scenario=scenario, twin=twin)
            for number, (block, scenario, api, twin) in enumerate(_ordered(protocol, api_names, order_seed), start=1)
        ),
    )


def _ordered(
    protocol: Protocol, api_names: Sequence[str], order_seed: int
) -> Iterator[tuple[int, Scenario, str, bool]]:
    random = Random(order_seed)  # noqa: S311 - a reproducible order is wanted, not secrets
    orders = {
        scenario.name: block_orders(api_names, protocol.blocks, random, twin=protocol.twin)
        for scenario in protocol.scenarios
    }
    for block in range(1, protocol.blocks + 1):
        for scenario in random.sample(protocol.scenarios, len(protocol.scenarios)):
            apis = orders[scenario.name][block - 1]
            for place, api in enumerate(apis):
                yield block, scenario, api, api in apis[:place]
