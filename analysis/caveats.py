"""What a reader must know before quoting a run's numbers: whole sentences, and the grade of the host."""

from collections.abc import Iterable, Sequence

from analysis import article
from analysis.run_folder import RunFolder
from documents.inventory import Inventory
from documents.plan import Cell
from documents.report import CellNumbers, Grade, ScenarioSummary

LITTLES_LAW_LEAST = 0.9
"""An idle generator gives 0.99 and more; wrk's own slowness has been seen to bring it down to 0.57."""

SATURATION_MOST = 0.9
"""Above this share of the CPUs that its threads can fill the generator queues: it measures itself."""

FEW_RESPONSES = 1000
"""The 99.9th percentile of fewer responses is the slowest of them, one single response."""


def grade_of(inventory: Inventory) -> Grade:
    """The grade of a lab's host and core layout."""
    if inventory.cores.shared:
        return "shared"
    return "smaller" if inventory.size.smaller else "full"


def caveats_of(
    run: RunFolder, summaries: Sequence[ScenarioSummary], cells: Sequence[CellNumbers], unfinished: Sequence[Cell]
) -> tuple[str, ...]:
    """The caveats of a run, the weightiest first."""
    return (
        *_about_the_host(run),
        *_about_missing_cells(run, unfinished),
        *_about_the_generator(cells),
        *_about_the_estimates(summaries, cells),
        *_about_the_source(run),
    )


def article_note(run: RunFolder) -> str:
    """Whether the article's numbers can stand beside this run's, and if not, why not."""
    inventory, protocol = run.manifest.inventory, run.manifest.protocol
    reasons: list[str] = []
    if inventory.size.smaller:
        reasons.append(
            f"this host is smaller ({_size(inventory)} instead of {article.CORES} cores and {article.MEMORY_GB} GB)"
        )
    if inventory.cores.shared:
        reasons.append("the load generator shares CPUs with what it measures")
    for scenario in protocol.scenarios:
        published = article.LOADS.get(scenario.name)
        if published is None:
            continue
        if (scenario.connections, scenario.duration_seconds) != published:
            reasons.append(
                f"{scenario.name} here is {scenario.connections} connections for {scenario.duration_seconds} s "
                f"instead of {published.connections} for {published.duration_seconds} s"
            )
    if reasons:
        return (
            f"The article's numbers aren't comparable with these: {'; '.join(reasons)}. "
            "They are shown for orientation only."
        )
    return (
        "The article names neither its CPU model nor its mix of requests, so its absolute numbers can be compared with "
        "these with caution only; orders and ratios carry further."
    )


def _about_the_host(run: RunFolder) -> Iterable[str]:
    inventory, record = run.manifest.inventory, run.host
    if inventory.size.smaller:
        yield (
            f"This host is smaller than the article's: it has {_size(inventory)}, the article's had "
            f"{article.CORES} cores and {article.MEMORY_GB} GB. Results are never compared with those of a full host."
        )
    if inventory.cores.shared:
        yield (
            "CPUs are shared between roles: the load generator competes with what it measures, so throughput is too "
            "low and latency too high by an unknown amount."
        )
    if record.after is not None and record.after != record.before:
        before, after = record.before.model_dump(), record.after.model_dump()
        settings = {f"the setting {name}": value for name, value in before.pop("settings").items()}
        settings_after = {f"the setting {name}": value for name, value in after.pop("settings").items()}
        before, after = before | settings, after | settings_after
        changes = [
            f"{name.replace('_', ' ')} was {before.get(name, 'absent')} and is {after.get(name, 'absent')}"
            for name in sorted(before.keys() | after.keys())
            if before.get(name) != after.get(name)
        ]
        yield (
            f"The host changed while the run went on: {'; '.join(changes)}. Cells from before and after the change are "
            "mixed in these numbers; measure again."
        )


def _about_missing_cells(run: RunFolder, unfinished: Sequence[Cell]) -> Iterable[str]:
    planned = len(run.cells)
    if unfinished:
        yield (
            f"The run isn't finished: {len(unfinished)} of {_cells(planned)} {_are(len(unfinished))} still to be "
            "measured. “lab run --resume” measures them."
        )
    elif run.host.after is None:
        yield "The host's identity wasn't read again after the last cell, so a change during the run would go unseen."
    if run.manifest.protocol.open_loop is not None and run.open_loop_plan is None:
        yield (
            "The open loop hasn't begun: its rates are known once the closed loop is finished. “lab run --resume” "
            "measures it."
        )
    elif run.open_loop_plan is not None and run.open_loop_plan.slowest is None:
        yield "There is no open loop: no API has a valid cell in the scenario whose throughput sets its rates."
    voids = sum(not record.valid for record in run.records.values())
    if voids:
        yield (
            f"{voids} of {_cells(planned)} {_are(voids)} void and left out of all numbers but the errors; the reasons "
            "stand under “Void cells”."
        )


def _about_the_generator(cells: Sequence[CellNumbers]) -> Iterable[str]:
    saturated = [cell for cell in cells if cell.generator_saturation > SATURATION_MOST]
    if saturated:
        worst = max(cell.generator_saturation for cell in saturated)
        yield (
            f"The load generator used more than {SATURATION_MOST:.0%} of the CPUs that its threads can fill in "
            f"{_cells(len(saturated))} (up to {worst:.0%}): there it may have been the limit, and not the API."
        )
    slow = [cell for cell in cells if cell.littles_law < LITTLES_LAW_LEAST]
    if slow:
        worst = min(cell.littles_law for cell in slow)
        yield (
            f"Little's law gives less than {LITTLES_LAW_LEAST} in {_cells(len(slow))} (down to {worst:.2f}): "
            "the generator may have been the limit, or connections waited for answers that hadn't come by the window's "
            "end, which wrk counts nowhere."
        )


def _about_the_estimates(summaries: Sequence[ScenarioSummary], cells: Sequence[CellNumbers]) -> Iterable[str]:
    single = [summary for summary in summaries if summary.cells == 1]
    if single and len(single) == sum(summary.cells > 0 for summary in summaries):
        yield (
            "There is one valid cell for each API and load, so no number has an interval: how far a repetition would "
            "differ is unknown."
        )
    elif single:
        names = ", ".join(f"{summary.api} at {summary.scenario}" for summary in single)
        yield f"There is only one valid cell for {names}, so these numbers have no interval."
    nothing = [summary for summary in summaries if summary.cells == 0]
    if nothing:
        names = ", ".join(f"{summary.api} at {summary.scenario}" for summary in nothing)
        yield f"There is no valid cell for {names}, so there are no numbers."
    few = [cell for cell in cells if cell.requests < FEW_RESPONSES]
    if few:
        yield (
            f"{_cells(len(few))} {_have(len(few))} fewer than {FEW_RESPONSES:,} responses: p99.9 is the single slowest "
            "response there."
        )


def _about_the_source(run: RunFolder) -> Iterable[str]:
    if run.manifest.git_commit.endswith("-dirty"):
        yield (
            "The project's tree had changes that weren't committed, so the commit alone doesn't tell what was measured."
        )


def _size(inventory: Inventory) -> str:
    cores = len(inventory.size.cpus)
    return f"{cores} {'core' if cores == 1 else 'cores'} and {inventory.size.memory_bytes / 2**30:.3g} GiB"


def _cells(count: int) -> str:
    return f"{count} {'cell' if count == 1 else 'cells'}"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _have(count: int) -> str:
    return "has" if count == 1 else "have"
