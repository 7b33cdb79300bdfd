"""How many whole blocks fit into a given time, and when the next one doesn't any more.

The number of blocks is fixed before the first cell, from what a cell costs at most: the longest warm-up that the
protocol allows, the load window, and what is done around them. So it can't depend on what is measured.

Should blocks take longer than that, as where cells have to be measured again, none is begun that wouldn't end in time.
That looks at the clock alone and never at a throughput. It isn't a run that ends as soon as a difference shows, which
finds differences where there are none (Armitage, McPherson and Rowe 1969, "Repeated significance tests on accumulating
data", Journal of the Royal Statistical Society A 132:235). All blocks that were begun are measured whole, and count.

An open loop is measured whole whatever the clock says: its cells are as many as the protocol has them, and what they
take at most is kept for them before blocks are fitted. So a budget sets the blocks of the closed loop alone.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analysis.statistics.power import LEAST_BLOCKS, MOST_BLOCKS, power_to_show_same
from analysis.statistics.resolution import least_ratio
from analysis.statistics.verdict import SIGNIFICANCE
from documents.durations import format_duration
from documents.errors import RunError
from documents.plan import Cell
from documents.protocol import Protocol
from experiment.clock import SYSTEM_CLOCK, Clock
from experiment.events import BudgetFitted, Resolution, ShownSame
from experiment.open_loop import cells_at_most
from experiment.plan import make_plan

CELL_OVERHEAD_SECONDS = 3.0
"""What a cell takes outside of its warm-up and load, where no earlier run tells.

docs/benchmarks.md has 1.8 s at most for an API that starts at once. A JVM takes 2 to 4 s more to be ready; as one API
of four it adds a second to the mean.
"""

RUN_OVERHEAD_SECONDS = 10.0
"""What a run takes before its first cell and after its last one.

Of the 80 s that nine cells of `quick` took (docs/protocol.md), 5 s were neither in their warm-ups and windows nor the
second that each took besides; twice as much leaves room for a lab with more APIs to start again.
"""

ASSUMED_NOISES = (0.03, 0.05, 0.1)
"""Noises of blocks, as standard deviations of log ratios, for which the resolution is told where none is known."""

POWERS = (0.8, 0.9)


@dataclass(frozen=True)
class Earlier:
    """What earlier runs of the same lab tell: seconds a cell outside of warm-up and load, and the noise of blocks.

    Each with the run that it is from; None where no run tells.
    """

    overhead_seconds: float | None = None
    overhead_run: str | None = None
    noise: float | None = None
    noise_run: str | None = None


def open_loop_seconds(protocol: Protocol, api_count: int, *, overhead_seconds: float = CELL_OVERHEAD_SECONDS) -> float:
    """What the open loop of a protocol takes at most, if none of its cells has to be measured again; 0 without one."""
    open_loop = protocol.open_loop
    if open_loop is None:
        return 0.0
    return cells_at_most(open_loop, api_count) * (protocol.warm_up_seconds + open_loop.seconds + overhead_seconds)


def fit(protocol: Protocol, api_names: Sequence[str], budget_seconds: int, earlier: Earlier) -> BudgetFitted:
    """Fit as many whole blocks as there is time for, whatever the protocol's own number.

    Args:
        protocol: what to measure.
        api_names: the APIs.
        budget_seconds: the wall time that the run may take.
        earlier: what is known of this lab.

    Raises:
        RunError: not even two blocks fit; says what would do.
    """
    # A block has the same cells in whatever order, so any seed tells how many they are.
    block = make_plan(protocol.model_copy(update={"blocks": 1}), api_names, 0).cells
    overhead = CELL_OVERHEAD_SECONDS if earlier.overhead_seconds is None else earlier.overhead_seconds
    block_seconds = sum(protocol.warm_up_seconds + cell.scenario.duration_seconds + overhead for cell in block)
    kept_seconds = open_loop_seconds(protocol, len(set(api_names)), overhead_seconds=overhead)
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
    pairs = math.comb(len(set(api_names)), 2)
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
    """Says of each cell of the closed loop whether its block may still be begun.

    Time goes by from when the clock is made.
    """

    def __init__(
        self, budget_seconds: float | None, seconds_before: Mapping[int, float], clock: Clock = SYSTEM_CLOCK
    ) -> None:
        """Start the clock.

        Args:
            budget_seconds: the run's budget, less what is kept for its open loop; None for a run without one, which may
                go on for ever.
            seconds_before: by block, what it took before the run was interrupted, if it was. These blocks are measured
                whole.
            clock: by which time goes by.
        """
        self._clock = clock
        self._budget_seconds = budget_seconds
        self._begun = set(seconds_before)
        self._spent_seconds = sum(seconds_before.values())
        self._longest = max(seconds_before.values(), default=0.0)
        self._started = self._last_begun = clock.monotonic()

    def forbids(self, cell: Cell) -> bool:
        """Whether the cell would begin a block that wouldn't end in time if it took as long as the longest so far.

        A run's first block is always begun.
        """
        if self._budget_seconds is None or cell.block in self._begun:
            return False
        now = self._clock.monotonic()
        if self._begun:
            self._longest = max(self._longest, now - self._last_begun)
            spent = self._spent_seconds + now - self._started
            if spent + self._longest + RUN_OVERHEAD_SECONDS > self._budget_seconds:
                return True
        self._begun.add(cell.block)
        self._last_begun = now
        return False
