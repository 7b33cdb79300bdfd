"""Whether the ratios of blocks look as the t test takes them: independent, and about normal.

Three statistics of a pair's log ratios d, in the order of blocks: the correlation of each with the one before; the
skewness, without its sign; and the largest distance from the mean in standard deviations (Grubbs 1969, "Procedures for
detecting outlying observations in samples", Technometrics 11:1). None depends on the mean and the scale of d, so their
distribution for independent normal values is simulated, once for each number of blocks.

All pairs under all loads and all three statistics are one family of tests with Holm's correction: if all is as assumed,
one of twenty runs has a caveat. With ten blocks only gross faults are seen.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from analysis.formatting import counted
from analysis.statistics.comparison import SIGNIFICANCE
from analysis.statistics.estimates import log_ratios_of, logs_of
from analysis.statistics.inference import holm
from analysis.statistics.measures import HEADLINE
from documents.report import CellNumbers

LEAST_BLOCKS_FOR_CHECKS = 8
"""Fewer blocks show none of it."""

_SAMPLES = 20_000

_FINDINGS = (
    (
        "Successive blocks have similar ratios",
        "The t test takes blocks as independent, so these intervals are too narrow",
    ),
    ("The ratios of blocks are skewed", "A few lie far to one side, and the t test errs more often there than it says"),
    ("One block is far from all others", "Its ratio moves the mean and widens the interval; its cells may show why"),
)


def about_blocks(cells: Sequence[CellNumbers], *, apis: Sequence[str], scenarios: Sequence[str]) -> Iterator[str]:
    """Caveats on the throughput's ratios, in sentences; the cells are in the order of measurement."""
    ratios: dict[str, NDArray[np.float64]] = {}
    for scenario in scenarios:
        logs = logs_of(cells, scenario, HEADLINE)
        for first, second in combinations(apis, 2):
            found = np.array(log_ratios_of(logs, first, second))
            if len(found) >= LEAST_BLOCKS_FOR_CHECKS and np.ptp(found) > 0:
                ratios[f"{first} / {second} under {scenario}"] = found
    if not ratios:
        return
    p_values = np.array([check_blocks(found) for found in ratios.values()])
    significant = holm(p_values.ravel()).reshape(p_values.shape) <= SIGNIFICANCE
    for (what, consequence), flagged in zip(_FINDINGS, significant.T, strict=True):
        names = [name for name, one in zip(ratios, flagged, strict=True) if one]
        if names:
            yield f"{what} in {len(names)} of {counted(len(ratios), 'pair')}. {consequence}: {', '.join(names)}."


def check_blocks(log_ratios: NDArray[np.float64]) -> NDArray[np.float64]:
    """The p-values of the three statistics for log ratios that aren't all equal."""
    reference = _of_normal_values(len(log_ratios))
    return (1 + np.sum(reference >= _statistics(log_ratios), axis=0)) / (1 + _SAMPLES)


@cache
def _of_normal_values(blocks: int) -> NDArray[np.float64]:
    return _statistics(np.random.default_rng(1).normal(size=(_SAMPLES, blocks)))


def _statistics(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The three statistics over the last axis, on a new last one."""
    distances = values - np.mean(values, axis=-1, keepdims=True)
    distances /= np.std(values, axis=-1, keepdims=True)
    after_before = np.mean(distances[..., 1:] * distances[..., :-1], axis=-1)
    return np.stack([after_before, np.abs(np.mean(distances**3, axis=-1)), np.max(np.abs(distances), axis=-1)], axis=-1)
