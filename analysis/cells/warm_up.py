"""Warm-ups: when throughput is steady, how long that took, and which cells never were."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from analysis.formatting import counted
from analysis.raw import Run
from analysis.statistics import spread_of
from documents.report import WarmUpSummary
from documents.run import STEADY_SECONDS, Cell, WarmUp, WarmUpOutcome

LOOKED_BACK_SECONDS = 60
"""Only so many seconds are tested: older ones say nothing, and the test would slow down."""

LEAST_SEGMENT_SECONDS = 2
"""The fewest seconds that make a level."""

NOISE_FLOOR = 0.01
"""The least noise that is assumed, on the log scale: a change by less than a percent isn't worth a longer wait."""

_OUTLIER_NOISES = 4.0
"""How many noises from the median of its neighbours a second is an outlier, such as one with a garbage collection."""

_NEIGHBOURS = 2
"""How many seconds on either side are a second's neighbours."""

_MAD_OF_NORMAL = 0.6744897501960817
"""The median of the absolute values of a standard normal variable."""


def is_steady(series: Sequence[int]) -> bool:
    """Whether throughput hasn't changed for `STEADY_SECONDS`, in most of which requests were sent.

    Args:
        series: requests in each whole second from the load's start.
    """
    recent = series[-LOOKED_BACK_SECONDS:]
    if len(recent) < STEADY_SECONDS or np.median(recent[-STEADY_SECONDS:]) == 0:
        return False
    return len(recent) - last_change(recent) >= STEADY_SECONDS


def outcome_of(series: Sequence[int], most_seconds: int) -> WarmUpOutcome:
    """How a warm-up ended.

    Args:
        series: requests in each second.
        most_seconds: the longest allowed duration. Less than `STEADY_SECONDS` can't be judged, because a rise doesn't
            show in a few seconds.
    """
    if most_seconds < STEADY_SECONDS:
        return "not-judged"
    return "steady" if is_steady(series) else "never-steady"


def last_change(series: Sequence[int]) -> int:
    """The second, from 0, in which the last segment of the series begins; 0 if nothing changed.

    Args:
        series: requests in each second, at least twice `LEAST_SEGMENT_SECONDS`. A second without requests counts as
            half a request.
    """
    # It takes a second to import, and most commands judge no warm-up.
    from ruptures.detection import KernelCPD  # noqa: PLC0415 # pyright: ignore[reportMissingTypeStubs]

    logs = np.log(np.maximum(np.asarray(series, dtype=np.float64), 0.5))
    noise = noise_of(logs)
    penalty = 2 * noise**2 * np.log(len(logs))
    # PELT with a linear kernel: the cost is the same sum of squares, and it is written in C.
    search = KernelCPD(kernel="linear", min_size=LEAST_SEGMENT_SECONDS)
    found = search.fit(without_outliers(logs, noise))  # pyright: ignore[reportUnknownMemberType]
    # `predict` returns the ends of the segments; the last is the series' end.
    ends = cast("list[int]", found.predict(pen=penalty))  # pyright: ignore[reportUnknownMemberType]
    return int([0, *ends][-2])


def noise_of(logs: NDArray[np.float64]) -> float:
    """The standard deviation of one second, from the median absolute difference of neighbours.

    Changes of the level affect few of the differences, so steps and single outliers don't add to the noise (Hampel
    1974, "The influence curve and its role in robust estimation", Journal of the American Statistical Association
    69:383, for the median absolute deviation; von Neumann 1941, Annals of Mathematical Statistics 12:367, for
    differences of neighbours). If seconds depend on their neighbours it is too low, and the warm-up lasts longer.
    """
    differences = np.abs(np.diff(logs))
    return max(float(np.median(differences)) / (_MAD_OF_NORMAL * np.sqrt(2)), NOISE_FLOOR)


def without_outliers(logs: NDArray[np.float64], noise: float) -> NDArray[np.float64]:
    """The series with single outliers replaced by the median of their neighbours; steps are kept."""
    cleaned = logs.copy()
    for second, value in enumerate(logs):
        middle = float(np.median(logs[max(0, second - _NEIGHBOURS) : second + _NEIGHBOURS + 1]))
        if abs(value - middle) > _OUTLIER_NOISES * noise:
            cleaned[second] = middle
    return cleaned


def summarise_warm_ups(run: Run) -> tuple[WarmUpSummary, ...]:
    """A summary for each API and scenario with valid cells whose warm-up was watched; loads in the protocol's order."""
    watched: defaultdict[tuple[str, str], list[tuple[Cell, WarmUp]]] = defaultdict(list)
    for cell, warm_up in _watched(run):
        watched[cell.api, cell.scenario.name].append((cell, warm_up))
    return tuple(
        WarmUpSummary(
            api=api.name,
            scenario=scenario.name,
            cells=len(found),
            seconds=spread_of([warm_up.seconds for _, warm_up in found]),
            steady=sum(warm_up.outcome == "steady" for _, warm_up in found),
            never_steady=tuple(cell.id for cell, warm_up in found if warm_up.outcome == "never-steady"),
        )
        for scenario in run.manifest.protocol.scenarios
        for api in run.manifest.inventory.apis
        if (found := watched.get((api.name, scenario.name)))
    )


def about_warm_ups(run: Run) -> Iterator[str]:
    """Caveats of the warm-ups, in sentences; none if all were steady."""
    watched = list(_watched(run))
    most_seconds = run.manifest.protocol.warm_up_seconds
    never = [cell for cell, warm_up in watched if warm_up.outcome == "never-steady"]
    if never:
        counts = Counter(f"{cell.api} at {cell.scenario.name}" for cell in never)
        listed = ", ".join(f"{count} of {name}" for name, count in counts.items())
        yield (
            f"Throughput hadn't settled after {most_seconds} s of warm-up in {len(never)} of "
            f"{counted(len(watched), 'cell')}. Their numbers are those of an API that still warms up, or of a host "
            f"that isn't quiet: {listed}."
        )
    if any(warm_up.outcome == "not-judged" for _, warm_up in watched):
        said = f"A warm-up of at most {most_seconds} s is too short" if most_seconds else "There was no warm-up"
        yield (
            f"{said}, so nothing shows whether throughput had settled. Judging that takes {STEADY_SECONDS} s or more "
            "before the load window."
        )


def _watched(run: Run) -> Iterator[tuple[Cell, WarmUp]]:
    for cell in run.cells:
        record = run.records.get(cell.id)
        if record is not None and record.valid and record.warm_up is not None:
            yield cell, record.warm_up
