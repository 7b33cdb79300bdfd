"""A run's warm-ups: how long they took, and where throughput hadn't settled when they were over."""

from collections.abc import Iterable, Iterator

import numpy as np

from analysis.run_folder import RunFolder
from documents.plan import Cell
from documents.run import STEADY_SECONDS, WarmUp
from documents.summaries import Spread, WarmUpSummary


def summarise_warm_ups(run: RunFolder) -> tuple[WarmUpSummary, ...]:
    """Each API under each scenario that has a valid cell whose warm-up was watched; loads in the protocol's order."""
    apis = [api.name for api in run.manifest.inventory.apis]
    found = (
        _summarise(
            api, scenario.name, [(cell, warm_up) for cell, warm_up in _watched(run) if _is_of(cell, api, scenario.name)]
        )
        for scenario in run.manifest.protocol.scenarios
        for api in apis
    )
    return tuple(summary for summary in found if summary is not None)


def about_warm_ups(run: RunFolder) -> Iterable[str]:
    """What a reader has to know of them: sentences, none where all were steady."""
    watched = list(_watched(run))
    most_seconds = run.manifest.protocol.warm_up_seconds
    never = [cell for cell, warm_up in watched if warm_up.outcome == "never-steady"]
    if never:
        yield (
            f"Throughput hadn't settled when the warm-up was over, after {most_seconds} s, in {len(never)} of "
            f"{len(watched)} {'cell' if len(watched) == 1 else 'cells'}: {_listed(never)}. Their numbers are those of "
            "an API that still warms up, or of a host that doesn't come to rest."
        )
    if any(warm_up.outcome == "not-judged" for _, warm_up in watched):
        said = (
            f"A warm-up of at most {most_seconds} s is too short to be judged"
            if most_seconds
            else "There was no warm-up"
        )
        yield (
            f"{said}, so it isn't known whether throughput had settled before the load windows: "
            f"that takes {STEADY_SECONDS} s or more to see."
        )


def _summarise(api: str, scenario: str, watched: list[tuple[Cell, WarmUp]]) -> WarmUpSummary | None:
    if not watched:
        return None
    seconds = [warm_up.seconds for _, warm_up in watched]
    return WarmUpSummary(
        api=api,
        scenario=scenario,
        cells=len(watched),
        seconds=Spread(median=float(np.median(seconds)), least=min(seconds), most=max(seconds), count=len(seconds)),
        steady=sum(warm_up.outcome == "steady" for _, warm_up in watched),
        never_steady=tuple(cell.id for cell, warm_up in watched if warm_up.outcome == "never-steady"),
    )


def _watched(run: RunFolder) -> Iterator[tuple[Cell, WarmUp]]:
    for cell in run.cells:
        record = run.records.get(cell.id)
        if record is not None and record.valid and record.warm_up is not None:
            yield cell, record.warm_up


def _is_of(cell: Cell, api: str, scenario: str) -> bool:
    return (cell.api, cell.scenario.name) == (api, scenario)


def _listed(cells: Iterable[Cell]) -> str:
    """How many of which API and load: `3 of kotlin at light, 1 of go at heavy`."""
    counts: dict[tuple[str, str], int] = {}
    for cell in cells:
        place = (cell.api, cell.scenario.name)
        counts[place] = counts.get(place, 0) + 1
    return ", ".join(f"{count} of {api} at {scenario}" for (api, scenario), count in counts.items())
