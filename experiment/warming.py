"""A cell's warm-up: until throughput is steady, at most as long as the protocol says."""

from collections.abc import Sequence

from analysis.steadiness import is_steady, outcome_of
from documents.protocol import Protocol
from documents.run import WarmUp
from experiment.bench import Bench, Load


def warm_up(bench: Bench, load: Load, protocol: Protocol) -> WarmUp:
    """Warm an API up.

    Args:
        bench: the host, with the API ready.
        load: the window's load for the protocol's `warm_up_seconds`. With none, nothing is put on the API.
        protocol: how long it may and how long it has to last.

    Raises:
        HostError: the generator failed.
    """
    if load.seconds == 0:
        return WarmUp(outcome="not-judged", seconds=0, series=())

    def enough(series: Sequence[int]) -> bool:
        return len(series) >= protocol.warm_up_least_seconds and is_steady(series)

    warmed = bench.warm_up(load, enough)
    return WarmUp(
        outcome=outcome_of(warmed.series, load.seconds), seconds=round(warmed.seconds, 3), series=warmed.series
    )
