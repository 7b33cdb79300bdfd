"""The open loop of a run: its rates and cells, planned once the closed loop has told how much the APIs can do."""

from collections.abc import Iterator, Sequence
from random import Random

from analysis.open_loop import common_rates
from documents.load import WrkResult
from documents.open_loop import OpenLoopCell, OpenLoopPlan, OpenLoopRate
from documents.plan import Cell
from documents.protocol import OpenLoop, Scenario
from documents.run import Manifest
from experiment.run_folder import RunFolder


def cells_in_turn(folder: RunFolder) -> Iterator[Cell]:
    """All cells of a run in the order in which they are measured.

    The open loop is planned, and its plan written, when the last cell of the closed one has been taken; all of those
    must be finished by then. A run that goes on has the plan that it began with.

    Raises:
        RunError: a document of the run can't be read.
    """
    yield from folder.read_plan().cells
    manifest = folder.read_manifest()
    if manifest.protocol.open_loop is None:
        return
    plan = folder.read_open_loop_plan()
    if plan is None:
        plan = _plan(folder, manifest, manifest.protocol.open_loop)
        folder.write_open_loop_plan(plan)
    yield from plan.cells


def count_cells(folder: RunFolder) -> int:
    """How many cells a run has; those of an open loop that isn't planned yet as its protocol has them."""
    planned = len(folder.planned_cells())
    open_loop = folder.read_manifest().protocol.open_loop
    if open_loop is None or folder.read_open_loop_plan() is not None:
        return planned
    apis = {cell.api for cell in folder.read_plan().cells}
    return planned + open_loop.blocks * len(open_loop.shares) * len(apis)


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
    throughputs = {api: list[float]() for api in sorted({cell.api for cell in closed})}
    for cell in closed:
        record = folder.read_cell(cell) if cell.scenario.name == open_loop.scenario else None
        if record is not None and record.valid:
            result = WrkResult.from_json(folder.read_raw(record, "wrk.json"), name=f"cells/{cell.id}/wrk.json")
            throughputs[cell.api].append(result.requests / result.elapsed_us * 1e6)
    found = common_rates(throughputs, open_loop.shares)
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
