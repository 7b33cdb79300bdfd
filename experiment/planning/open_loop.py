"""The open loop of a run: its rates and cells, planned once the closed loop has told how much the APIs can do."""

from collections import defaultdict
from collections.abc import Sequence
from random import Random

from analysis.cells import common_rates, standing
from documents.run import Manifest, OpenLoop, OpenLoopCell, OpenLoopPlan, OpenLoopRate, Scenario, WrkResult
from experiment.record import RunFolder


def open_loop_cells(folder: RunFolder) -> tuple[OpenLoopCell, ...]:
    """The cells of a run's open loop in their order; none where its protocol has none.

    The open loop is planned, and its plan written, when it is asked for first; all of the closed loop that is to be
    measured must be finished by then. A run that goes on has the plan that it began with.

    Raises:
        RunError: a document of the run can't be read.
    """
    manifest = folder.read_manifest()
    if manifest.protocol.open_loop is None:
        return ()
    plan = folder.read_open_loop_plan()
    if plan is None:
        plan = _plan(folder, manifest, manifest.protocol.open_loop)
        folder.write_open_loop_plan(plan)
    return plan.cells


def count_cells(folder: RunFolder) -> int:
    """How many cells a run is to have; those of an open loop that isn't planned yet as its protocol has them."""
    due = len(folder.due_cells())
    open_loop = folder.read_manifest().protocol.open_loop
    if open_loop is None or not folder.lacks_open_loop_plan():
        return due
    return due + cells_at_most(open_loop, len({cell.api for cell in folder.read_plan().cells}))


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


def _plan(folder: RunFolder, manifest: Manifest, open_loop: OpenLoop) -> OpenLoopPlan:
    closed = folder.read_plan().cells
    throughputs = {api: defaultdict[int, list[float]](list) for api in sorted({cell.api for cell in closed})}
    attempts = folder.read_attempts(manifest.protocol.attempts)
    for cell in closed:
        record = standing(attempts[cell.id], manifest.protocol.attempts)
        if cell.scenario.name == open_loop.scenario and record is not None and record.valid:
            name = f"cells/{record.attempt_id}/wrk.json"
            result = WrkResult.from_json(folder.read_raw(record, "wrk.json"), name=name)
            throughputs[cell.api][cell.block].append(result.requests / result.elapsed_us * 1e6)
    found = common_rates({api: list(blocks.values()) for api, blocks in throughputs.items()}, open_loop.shares)
    if found is None:
        return OpenLoopPlan(order_seed=manifest.order_seed, slowest=None, throughput=None, rates=(), cells=())
    return OpenLoopPlan(
        order_seed=manifest.order_seed,
        slowest=found.slowest,
        throughput=found.throughput,
        rates=found.rates,
        cells=plan_cells(
            open_loop,
            manifest.protocol.scenario(open_loop.scenario),
            found.rates,
            list(throughputs),
            order_seed=manifest.order_seed,
            first_number=len(closed) + 1,
        ),
    )
