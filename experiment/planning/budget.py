"""The number of whole blocks that fit into a given time, from the times of earlier runs."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import combinations, islice
from pathlib import Path

import numpy as np

from analysis.raw import Run, read_run
from analysis.report import analyse
from analysis.statistics import LEAST_BLOCKS, SIGNIFICANCE, least_ratio, log_ratios_of, logs_of, power_to_show_same
from documents.base import format_duration
from documents.errors import AnalysisError, DocumentError, RunError
from documents.lab import Inventory
from documents.run import MANIFESTS, MOST_BLOCKS, Cell, Manifest, Protocol
from experiment.clock import SYSTEM_CLOCK, Clock
from experiment.planning.plan import cells_at_most, make_plan
from experiment.progress import CELL_OVERHEAD_SECONDS, BudgetFitted, Resolution, ShownSame

RUN_OVERHEAD_SECONDS = 10.0
"""The time of a run before its first cell and after its last.

It was 5 s in a run of nine cells of `quick`; twice as much leaves room for a lab with more APIs to start again.
"""

ASSUMED_NOISES = (0.03, 0.05, 0.1)
"""Standard deviations of log ratios for which the resolution is reported if no earlier run shows the noise."""

POWERS = (0.8, 0.9)


@dataclass(frozen=True)
class Earlier:
    """The time of a cell outside of warm-up and load, and the noise of blocks, from earlier runs of the same lab.

    `overhead_run` and `noise_run` name the run that the value is from. All are None if no run shows it.
    """

    overhead_seconds: float | None = None
    overhead_run: str | None = None
    noise: float | None = None
    noise_run: str | None = None


def open_loop_seconds(protocol: Protocol, api_count: int, *, overhead_seconds: float) -> float:
    """The longest time of a protocol's open loop if no cell is repeated; 0 without an open loop."""
    open_loop = protocol.open_loop
    if open_loop is None:
        return 0.0
    return cells_at_most(open_loop, api_count) * (protocol.warm_up_seconds + open_loop.seconds + overhead_seconds)


def fit(protocol: Protocol, api_names: Sequence[str], budget_seconds: int, earlier: Earlier) -> BudgetFitted:
    """Fit as many whole blocks as possible into a budget, instead of the protocol's number.

    Raises:
        RunError: not even two blocks fit; names the least budget.
    """
    # A block has the same number of cells in any order, so any seed will do.
    block = make_plan(protocol.model_copy(update={"blocks": 1}), api_names, 0).cells
    overhead = CELL_OVERHEAD_SECONDS if earlier.overhead_seconds is None else earlier.overhead_seconds
    block_seconds = sum(protocol.warm_up_seconds + cell.scenario.duration_seconds + overhead for cell in block)
    kept_seconds = open_loop_seconds(protocol, len(api_names), overhead_seconds=overhead)
    besides = RUN_OVERHEAD_SECONDS + kept_seconds
    blocks = min(MOST_BLOCKS, math.floor((budget_seconds - besides) / block_seconds))
    if blocks < LEAST_BLOCKS:
        least = LEAST_BLOCKS * block_seconds + besides
        kept = f", and the open loop up to {format_duration(kept_seconds)}" if kept_seconds else ""
        raise RunError(
            f"A budget of {format_duration(budget_seconds)} is too small for {LEAST_BLOCKS} blocks of the protocol "
            f"{protocol.name}, and from fewer nothing can be concluded: a block of {len(block)} cells takes up to "
            f"{format_duration(block_seconds)}{kept}. The least budget is {format_duration(least)}."
        )
    pairs = math.comb(len(api_names), 2)
    tests = pairs * len(protocol.scenarios)
    noises = ASSUMED_NOISES if earlier.noise is None else (earlier.noise,)
    return BudgetFitted(
        budget_seconds=budget_seconds,
        blocks=blocks,
        block_cells=len(block),
        block_seconds=round(block_seconds, 3),
        open_loop_seconds=round(kept_seconds, 3),
        overhead_run=earlier.overhead_run,
        noise_run=earlier.noise_run,
        tests=tests,
        margin=protocol.margin,
        resolutions=tuple(
            Resolution(
                noise=noise,
                power=power,
                ratio=least_ratio(noise, blocks, significance=SIGNIFICANCE / tests, power=power),
            )
            for noise in noises
            for power in POWERS
            if tests
        ),
        shown_same=tuple(
            ShownSame(noise=noise, share=power_to_show_same(0.0, noise, blocks, margin=protocol.margin))
            for noise in noises
            if tests
        ),
    )


class BudgetClock:
    """Decides for each cell of the closed loop whether its block may still begin.

    Its time starts when it is created.
    """

    def __init__(
        self, budget_seconds: float | None, seconds_before: Mapping[int, float], clock: Clock = SYSTEM_CLOCK
    ) -> None:
        """Start the clock.

        Args:
            budget_seconds: the run's budget without the time for its open loop; None for a run without a budget.
            seconds_before: the time of each block before the run was interrupted, if it was. These blocks are
                completed.
            clock: the source of the time.
        """
        self._clock = clock
        self._budget_seconds = budget_seconds
        self._begun = set(seconds_before)
        self._spent_seconds = sum(seconds_before.values())
        self._longest = max(seconds_before.values(), default=0.0)
        self._started = self._last_begun = clock.monotonic()

    def begin(self, cell: Cell) -> bool:
        """Begin the cell's block, if it isn't begun yet; false if it would end too late.

        A block is expected to take as long as the longest so far. The first block of a run always begins.
        """
        if self._budget_seconds is None or cell.block in self._begun:
            return True
        now = self._clock.monotonic()
        if self._begun:
            self._longest = max(self._longest, now - self._last_begun)
            spent = self._spent_seconds + now - self._started
            if spent + self._longest + RUN_OVERHEAD_SECONDS > self._budget_seconds:
                return False
        self._begun.add(cell.block)
        self._last_begun = now
        return True


LEAST_BLOCKS_FOR_NOISE = 5
"""The noise of fewer blocks says too little: that of five may be wrong by a factor from 0.6 to 2.9."""

_LOOKED_THROUGH = 5
"""How many runs of the same kind are read, the newest first; reading one with all its raw files takes seconds."""


def read_earlier(runs_directory: Path, inventory: Inventory, protocol: Protocol, api_names: Sequence[str]) -> Earlier:
    """Find the newest run that shows each; a run that can't be read is skipped.

    A run is of the same lab and kind if its stack, its size, its cores by role, those of its load hosts, and its
    scenarios are the same.
    """
    earlier = Earlier()
    for folder in islice(_of_the_same_kind(runs_directory, inventory, protocol), _LOOKED_THROUGH):
        with suppress(AnalysisError, DocumentError):
            run = read_run(folder)
            if earlier.overhead_run is None and (overhead := _overhead_of(run)) is not None:
                earlier = replace(earlier, overhead_seconds=overhead, overhead_run=folder.name)
            if earlier.noise_run is None and (noise := _noise_of(run, api_names)) is not None:
                earlier = replace(earlier, noise=noise, noise_run=folder.name)
        if earlier.overhead_run is not None and earlier.noise_run is not None:
            break
    return earlier


def _of_the_same_kind(runs_directory: Path, inventory: Inventory, protocol: Protocol) -> Iterator[Path]:
    """The folders of these runs, the newest first, by their manifests alone."""
    for path in sorted(runs_directory.glob(MANIFESTS), reverse=True):
        try:
            manifest = Manifest.from_json(path.read_bytes(), name=str(path))
        except (OSError, DocumentError):
            continue
        same_lab = _kind(manifest.inventory) == _kind(inventory)
        if same_lab and set(manifest.protocol.scenarios) == set(protocol.scenarios):
            yield path.parent


def _kind(inventory: Inventory) -> tuple[object, ...]:
    load_hosts = tuple((one.size, one.generator, one.system) for one in inventory.load_hosts)
    return inventory.stack, inventory.size, inventory.cores, load_hosts


def _overhead_of(run: Run) -> float | None:
    """Mean seconds of a valid cell outside of its warm-up and load; None without such a cell."""
    scenarios = {cell.id: cell.scenario for cell in run.cells}
    longest = run.manifest.protocol.warm_up_seconds
    found = [
        record.seconds
        - (longest if record.warm_up is None else record.warm_up.seconds)
        - scenarios[record.cell_id].duration_seconds
        for record in run.records.values()
        if record.valid
    ]
    return max(0.0, float(np.mean(found))) if found else None


def _noise_of(run: Run, api_names: Sequence[str]) -> float | None:
    """The median, over pairs and loads, of the standard deviation of the throughputs' log ratios over blocks.

    Of the new run's APIs, or of all APIs if the earlier run has fewer than two of these. None if it has too few blocks.

    Raises:
        AnalysisError: a raw file can't be used.
        DocumentError: a result is invalid.
    """
    cells = analyse(run).cells
    measured = sorted({cell.api for cell in cells})
    chosen = [api for api in measured if api in api_names]
    ratios = [
        log_ratios_of(logs_of(cells, scenario.name, "throughput"), first, second)
        for scenario in run.manifest.protocol.scenarios
        for first, second in combinations(chosen if len(chosen) > 1 else measured, 2)
    ]
    noises = [float(np.std(found, ddof=1)) for found in ratios if len(found) >= LEAST_BLOCKS_FOR_NOISE]
    return float(np.median(noises)) if noises and np.median(noises) > 0 else None
