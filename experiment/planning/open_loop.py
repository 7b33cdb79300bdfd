"""The open loop of a run: its rates and cells, planned once the closed loop has told how much the APIs can do."""

from collections import defaultdict
from collections.abc import Sequence
from random import Random

from analysis.cells import common_rates
from analysis.raw.run import Run
from documents.run import OpenLoop, OpenLoopCell, OpenLoopPlan, OpenLoopRate, Scenario, WrkResult


def count_cells(run: Run) -> int:
    """How many cells a run is to have; those of an open loop that isn't planned yet as its protocol has them."""
    open_loop = run.manifest.protocol.open_loop
    if open_loop is None or not run.lacks_open_loop_plan:
        return len(run.cells)
    return len(run.cells) + cells_at_most(open_loop, len(run.subjects))


def cells_at_most(open_loop: OpenLoop, api_count: int) -> int:
    """How many cells an open loop has: fewer only where two of its shares come to the same rate."""
    return open_loop.blocks * len(open_loop.shares) * api_count


def plan_cells(
    open_loop: OpenLoop,
    scenario: Scenario,
    rates: Sequence[OpenLoopRate],
    api_names: Sequence[str],
    *,
    order_seed: int,
    first_number: int,
) -> tuple[OpenLoopCell, ...]:
    """The cells of an open loop in randomised blocks; the same arguments give the same cells.

    A block holds each API at each rate once. The rates are shuffled, and the APIs within each, so that cells which are
    compared with one another stand next to each other in time.

    Args:
        open_loop: what the protocol asks for.
        scenario: the protocol's scenario of that name.
        rates: in requests a second.
        api_names: the APIs, in any order.
        order_seed: the run's; the order is another than that of the closed loop.
        first_number: the number of the first cell.
    """
    random = Random(f"{order_seed}/open-loop")  # noqa: S311 - a reproducible order is wanted, not secrets
    window = scenario.model_copy(update={"duration_seconds": open_loop.seconds})
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
    """Plan the open loop of a run whose closed loop is over.

    Raises:
        AnalysisError: a raw file can't be used.
        DocumentError: a result isn't of its shape.
    """
    throughputs = {api: defaultdict[int, list[float]](list) for api in sorted({cell.api for cell in run.plan.cells})}
    for cell in run.plan.cells:
        record = run.records.get(cell.id)
        if cell.scenario.name == open_loop.scenario and record is not None and record.valid:
            result = WrkResult.from_json(run.raw_file(record, "wrk.json"), name=run.name_of(record, "wrk.json"))
            throughputs[cell.api][cell.block].append(result.requests / result.elapsed_us * 1e6)
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
            run.manifest.protocol.scenario(open_loop.scenario),
            found.rates,
            list(throughputs),
            order_seed=order_seed,
            first_number=len(run.plan.cells) + 1,
        ),
    )
