"""Whether a warm-up has ended: changepoints in the requests of each second.

A series is steady when its last change lies `STEADY_SECONDS` or more back. Changes are found by PELT (Killick,
Fearnhead and Eckley 2012, "Optimal detection of changepoints with a linear computational cost", Journal of the American
Statistical Association 107:1590) in the logs of the counts, for what disturbs a throughput acts as a factor. That the
last changepoint tells where a warm-up ends, that outliers have to go first, and that some programs never get steady, is
from Barrett, Bolz-Tereick, Killick, Mount and Tratt 2017, "Virtual machine warmup blows hot and cold", Proceedings of
the ACM on Programming Languages 1 (OOPSLA):52.

The cost of a segment is the sum of squares about its mean. A further changepoint has to lower the sum over all segments
by more than 2 s² log n, for n seconds with the noise s: the Bayesian information criterion with two parameters for each
change, its place and the new mean (Yao 1988, "Estimating the number of change-points via Schwarz' criterion",
Statistics and Probability Letters 6:181). The noise is the series' own, from one second to the next.

What it can't know: a plateau of `STEADY_SECONDS` before a further rise is taken for the end, and a drift that is slow
beside the noise isn't seen. `tests/unit/analysis/test_steadiness.py` says how often it errs, by simulation.
"""

from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray
from ruptures.detection import KernelCPD  # pyright: ignore[reportMissingTypeStubs]

from documents.run import STEADY_SECONDS, WarmUpOutcome

LOOKED_BACK_SECONDS = 60
"""What lies further back says nothing about the last seconds, and would cost more and more time to look at again."""

LEAST_SEGMENT_SECONDS = 2
"""A single second is no level of its own."""

NOISE_FLOOR = 0.01
"""The least noise that is assumed, on the log scale: a change by less than a percent is none worth waiting for."""

_OUTLIER_NOISES = 4.0
"""How far from the median of its neighbourhood a second is an outlier, such as one with a pause of the collector."""

_NEIGHBOURS = 2
"""How many seconds on either side are a second's neighbourhood."""

_MAD_OF_NORMAL = 0.6744897501960817
"""The median of the absolute values of a standard normal variable."""


def is_steady(series: Sequence[int]) -> bool:
    """Whether nothing has changed for `STEADY_SECONDS`, in most of which requests were sent: an outage isn't steady.

    Args:
        series: requests in each second from the load's start on; those of the last second, too, are of a whole one.
    """
    recent = series[-LOOKED_BACK_SECONDS:]
    if len(recent) < STEADY_SECONDS or np.median(recent[-STEADY_SECONDS:]) == 0:
        return False
    return len(recent) - last_change(recent) >= STEADY_SECONDS


def outcome_of(series: Sequence[int], most_seconds: int) -> WarmUpOutcome:
    """How a warm-up ended.

    Args:
        series: requests in each second.
        most_seconds: how long it was allowed to last. What is shorter than `STEADY_SECONDS` can't be judged: too few
            seconds of a rise look like none.
    """
    if most_seconds < STEADY_SECONDS:
        return "not-judged"
    return "steady" if is_steady(series) else "never-steady"


def last_change(series: Sequence[int]) -> int:
    """The second, counted from 0, in which the last segment of the series begins; 0 if nothing changed.

    Args:
        series: requests in each second, twice `LEAST_SEGMENT_SECONDS` at least. A second without any counts as half a
            request.
    """
    logs = np.log(np.maximum(np.asarray(series, dtype=np.float64), 0.5))
    noise = noise_of(logs)
    penalty = 2 * noise**2 * np.log(len(logs))
    # PELT with a linear kernel, whose cost is the same sum of squares, written in C.
    search = KernelCPD(kernel="linear", min_size=LEAST_SEGMENT_SECONDS)
    found = search.fit(without_outliers(logs, noise))  # pyright: ignore[reportUnknownMemberType]
    # What `predict` returns are the ends of the segments, the last of them the series' own.
    ends = cast("list[int]", found.predict(pen=penalty))  # pyright: ignore[reportUnknownMemberType]
    return int([0, *ends][-2])


def noise_of(logs: NDArray[np.float64]) -> float:
    """The standard deviation of one second, from the median absolute difference of neighbours.

    A level that changes now and then is in few of the differences, so neither steps nor single outliers count for the
    noise (Hampel 1974, "The influence curve and its role in robust estimation", Journal of the American Statistical
    Association 69:383, for the median absolute deviation; differences of neighbours: von Neumann 1941, Annals of
    Mathematical Statistics 12:367). Where seconds depend on their neighbours it is too low, and steadiness is called
    later.
    """
    differences = np.abs(np.diff(logs))
    return max(float(np.median(differences)) / (_MAD_OF_NORMAL * np.sqrt(2)), NOISE_FLOOR)


def without_outliers(logs: NDArray[np.float64], noise: float) -> NDArray[np.float64]:
    """The series with single outliers replaced by the median of their neighbourhood; a step remains where it is."""
    cleaned = logs.copy()
    for second, value in enumerate(logs):
        middle = float(np.median(logs[max(0, second - _NEIGHBOURS) : second + _NEIGHBOURS + 1]))
        if abs(value - middle) > _OUTLIER_NOISES * noise:
            cleaned[second] = middle
    return cleaned
