"""What a reader must know before quoting a run's numbers: whole sentences, and the grade of the host."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import chain

import numpy as np

from analysis.cells import about_open_loop, about_warm_ups
from analysis.claims import article
from analysis.claims.conditions import size_text, unlike_for_numbers, unlike_host
from analysis.raw import (
    APART_MOST,
    FEW_RESPONSES,
    GENERATOR_BUSY_MOST,
    LITTLES_LAW_LEAST,
    MEMORY_DIFFERENCE_MOST,
    NETWORK_CHANGE_MOST,
    NETWORK_OF_LATENCY_MOST,
    SHARED_GENERATOR_WAITED_MOST,
    SPIN_CHANGE_MOST,
    SPIN_FROM_MEDIAN_MOST,
    Run,
)
from analysis.statistics import uncompared
from documents.lab import ApiService, Inventory
from documents.report import (
    CellNumbers,
    Comparison,
    Grade,
    OpenLoopNumbers,
    OpenLoopReport,
    OpenLoopSummary,
    ScenarioSummary,
    ShortBlock,
)
from documents.run import Cell, HostIdentity, KnobRecord, LoadHostRecord

_HARDWARE = {
    "cpu_model": "the processor",
    "threads_per_core": "threads per core",
    "physical_cores": "physical cores",
    "numa_nodes": "NUMA nodes",
}
"""Members of an identity that are the hardware's, by what they are called; CPUs are counted, and memory has room."""

_TOLD = {"cpus", "memory_bytes", *_HARDWARE}


def hardware_differences(host: HostIdentity, load_host: HostIdentity) -> tuple[str, ...]:
    """In what hardware a load host differs, a clause for each: ``physical cores: 8, and 4 of the load host``.

    The numbers of the CPUs are no difference: one of two containers on a machine can't have those of the other.
    """
    found = [
        f"{name}: {_text(ours)}, and {_text(theirs)} of the load host"
        for member, name in _HARDWARE.items()
        if (ours := getattr(host, member)) != (theirs := getattr(load_host, member))
    ]
    if len(host.cpus) != len(load_host.cpus):
        found.append(f"CPUs: {len(host.cpus)}, and {len(load_host.cpus)} of the load host")
    less, more = sorted((host.memory_bytes, load_host.memory_bytes))
    if more > less * (1 + MEMORY_DIFFERENCE_MOST):
        own, its = (f"{found_bytes / 2**30:.2f} GiB" for found_bytes in (host.memory_bytes, load_host.memory_bytes))
        found.append(f"memory: {own}, and {its} of the load host")
    return tuple(found)


def other_differences(host: HostIdentity, load_host: HostIdentity) -> tuple[str, ...]:
    """In what else it differs: kernel, system, microcode, mitigations, limits and settings; a clause for each."""
    alike = host.model_copy(update={name: getattr(load_host, name) for name in _TOLD})
    return tuple(
        text.replace(" was ", ": ", 1).replace(" and is ", ", and ", 1) + " of the load host"
        for text in alike.changes(load_host)
    )


def _text(value: object) -> str:
    return "not told" if value is None else str(value)


def about_load_hosts(
    run: Run,
    summaries: Sequence[ScenarioSummary],
    of_both_loops: Sequence[CellNumbers | OpenLoopNumbers],
) -> Iterator[str]:
    """The sentences; none where the load came from the lab's own host.

    Args:
        run: the run.
        summaries: each API under each load.
        of_both_loops: each valid cell.
    """
    for number, record in enumerate(run.host.load_hosts, start=1):
        if differences := other_differences(run.host.before, record.before.identity):
            yield f"Load host {number} isn't set up like the lab's host: {'; '.join(differences)}."
        if record.after is None:
            continue
        if changes := record.before.identity.changes(record.after.identity):
            yield (
                f"Load host {number} changed while the run went on: {'; '.join(changes)}. Cells from before and after "
                "the change are mixed in these numbers; measure again."
            )
        if changes := [*_changes_of_network(record)]:
            yield f"The network to load host {number} changed while the run went on: {'; '.join(changes)}."
    unmeasured = [
        number for number, record in enumerate(run.host.load_hosts, start=1) if record.before.network.bandwidth is None
    ]
    if unmeasured:
        yield (
            f"The bandwidth to load host {', '.join(map(str, unmeasured))} wasn't measured, for iperf3 isn't on both "
            "hosts: a network that is the limit would go unseen."
        )
    yield from _about_round_trips(run.host.load_hosts, summaries)
    apart = [found.apart for cell in of_both_loops if (found := cell.load_hosts) and found.apart > APART_MOST]
    if apart:
        yield (
            f"For more than {APART_MOST:.0%} of the load not all generators were at work in {len(apart)} "
            f"{'cell' if len(apart) == 1 else 'cells'} (up to {max(apart):.1%}): throughput there is so much too "
            "low at most."
        )


def _about_round_trips(records: Sequence[LoadHostRecord], summaries: Sequence[ScenarioSummary]) -> Iterator[str]:
    """Where the network makes up so much of the latency that little is left in which APIs can differ."""
    if not records:
        return
    round_trip_us = max(record.before.network.round_trips.median_us for record in records)
    shares = {
        f"{summary.api} at {summary.scenario}": round_trip_us / summary.measured.raw.p50_us.value
        for summary in summaries
        if summary.measured is not None
    }
    found = {name: share for name, share in shares.items() if share > NETWORK_OF_LATENCY_MOST}
    if found:
        told = ", ".join(f"{name} ({share:.0%})" for name, share in found.items())
        yield (
            f"The network's round trip, {round_trip_us:.0f} µs in the median, is more than "
            f"{NETWORK_OF_LATENCY_MOST:.0%} of the median latency of {told}: only the rest is the API's."
        )


def _changes_of_network(record: LoadHostRecord) -> Iterator[str]:
    if record.after is None:
        return
    before, after = record.before.network, record.after.network
    pairs = [("the median round trip in µs", before.round_trips.median_us, after.round_trips.median_us)]
    if before.bandwidth is not None and after.bandwidth is not None:
        pairs += [
            ("Mbit/s to the APIs", before.bandwidth.to_apis / 1e6, after.bandwidth.to_apis / 1e6),
            ("Mbit/s from the APIs", before.bandwidth.from_apis / 1e6, after.bandwidth.from_apis / 1e6),
        ]
    for name, then, now in pairs:
        if max(then, now) > (1 + NETWORK_CHANGE_MOST) * min(then, now):
            yield f"{name} was {then:,.0f} and is {now:,.0f}"


def grade_of(inventory: Inventory, knobs: Collection[KnobRecord], subjects: Collection[ApiService] = ()) -> Grade:
    """The grade of a lab's host, of its core layout, and of how far it was controlled.

    Args:
        inventory: the lab.
        knobs: the host's and its load hosts'; none where the run doesn't tell them, which is no control either.
        subjects: what was measured on it. Where core layouts vary, the worst of them counts.
    """
    layouts = [*map(inventory.cores_of, subjects)] or [inventory.cores]
    if any(inventory.generator_shares(layout) for layout in layouts):
        return "shared"
    if inventory.size.shared_cores:
        return "other-tenants"
    if inventory.size.smaller or any(layout.shared for layout in layouts):
        return "smaller"
    return "full" if knobs and all(knob.controlled for knob in knobs) else "partly-controlled"


def caveats_of(
    run: Run,
    summaries: Sequence[ScenarioSummary],
    cells: Sequence[CellNumbers],
    unfinished: Sequence[Cell],
    comparisons: Sequence[Comparison],
    *,
    open_loop: OpenLoopReport | None = None,
) -> tuple[str, ...]:
    """The caveats of a run, the weightiest first."""
    of_both_loops = (*cells, *(() if open_loop is None else open_loop.cells))
    return (
        *_about_the_host(run),
        *_about_missing_cells(run, unfinished),
        *about_open_loop(run, open_loop),
        *about_warm_ups(run),
        *about_load_hosts(run, summaries, of_both_loops),
        *_about_the_generator(cells, of_both_loops),
        *_about_the_watch(of_both_loops),
        *_about_the_estimates(summaries, cells, open_loop),
        *_about_the_comparisons(run, cells, comparisons),
        *_about_the_source(run),
    )


def article_note(run: Run) -> str:
    """Whether the article's numbers can stand beside this run's, and if not, why not."""
    inventory, protocol = run.manifest.inventory, run.manifest.protocol
    host = unlike_host(inventory.size, inventory.cores)
    loads = {
        scenario.name: unlike_for_numbers(scenario) for scenario in protocol.scenarios if scenario.name in article.LOADS
    }
    reasons = "; ".join([*host, *chain.from_iterable(loads.values())])
    with_caution = (
        "The article names neither its CPU model nor its mix of requests, so its absolute numbers can be compared with "
        "these with caution only; orders and ratios carry further."
    )
    if not reasons:
        return with_caution
    if host or all(loads.values()):
        return f"The article's numbers aren't comparable with these: {reasons}. They are shown for orientation only."
    return (
        f"Not all of the article's numbers are comparable with these: {reasons}. There they are shown for orientation "
        f"only. {with_caution}"
    )


def _about_the_host(run: Run) -> Iterable[str]:
    inventory, record = run.manifest.inventory, run.host
    if inventory.size.smaller:
        yield (
            f"This host is smaller than the article's: it has {size_text(inventory.size)}, the article's had "
            f"{article.CORES} cores and {article.MEMORY_GB} GB. Results are never compared with those of a full host."
        )
    if inventory.size.shared_cores:
        yield (
            "The host's cores are shared with other tenants of its cloud: how much of a core there was depended on "
            "them, and may be another tomorrow. A machine with cores of its own has no such unknown in its numbers."
        )
    layouts = {api.name: inventory.cores_of(api) for api in run.subjects}
    with_generator = [name for name, layout in layouts.items() if inventory.generator_shares(layout)]
    without = [name for name, layout in layouts.items() if layout.shared and name not in with_generator]
    if without:
        yield (
            f"CPUs are shared between roles{_of_which(without, layouts)}, though not with the load generator: "
            "PostgreSQL, Redis or the host's own work compete with each other, or with the API, so throughput is too "
            "low by an unknown amount."
        )
    if with_generator:
        yield (
            f"CPUs are shared between roles{_of_which(with_generator, layouts)}: the load generator competes with what "
            "it measures, so throughput is too low and latency too high by an unknown amount."
        )
    if free := [knob for knob in record.knobs if not knob.controlled]:
        told = "; ".join(f"{knob.name}: {_uncontrolled(knob)}" for knob in free)
        yield (
            f"Not controlled on this host: {told}. What they do is in these numbers, and another host, or this one on "
            "another day, may do otherwise."
        )
    elif not record.knobs:
        yield "The run doesn't tell which of the host's settings were controlled."
    if record.after is not None and (changes := record.before.changes(record.after)):
        yield (
            f"The host changed while the run went on: {'; '.join(changes)}. Cells from before and after the change are "
            "mixed in these numbers; measure again."
        )


def _of_which(names: Sequence[str], every: Collection[str]) -> str:
    return "" if len(names) == len(every) else f" in the cells of {', '.join(names)}"


def _about_missing_cells(run: Run, unfinished: Sequence[Cell]) -> Iterable[str]:
    planned = len(run.cells)
    if unfinished:
        yield (
            f"The run isn't finished: {len(unfinished)} of {_cells(planned)} {_are(len(unfinished))} still to be "
            "measured. “lab run --resume” measures them."
        )
    elif run.host.after is None:
        yield "The host's identity wasn't read again after the last cell, so a change during the run would go unseen."
    blocks = len({cell.block for cell in run.closed_cells})
    closed_loop_ended = run.host.after is not None or run.open_loop_plan is not None
    if closed_loop_ended and blocks < run.manifest.protocol.blocks:
        yield (
            f"Blocks took longer than expected: the run ended with its budget after {blocks} of "
            f"{run.manifest.protocol.blocks} blocks, by the clock alone and whatever they showed."
        )
    allowed = run.manifest.protocol.attempts
    voids = sum(not record.valid for record in run.records.values())
    if voids:
        yield (
            f"{voids} of {_cells(planned)} {_are(voids)} void{_every_time(allowed)} and left out of all numbers but "
            f"the errors; {_short(run.short_blocks())}, and the reasons stand under “Void cells”."
        )
    repeated = sum(record.valid and record.attempt > 1 for record in run.records.values())
    if repeated:
        yield (
            f"{repeated} of {_cells(planned)} {_were(repeated)} void at first and run again; the first valid attempt "
            "counts, and the reasons against those before it stand under “Void cells”. What goes wrong now and then "
            "under load is in no number but the errors."
        )


def _about_the_generator(
    cells: Sequence[CellNumbers], of_both_loops: Sequence[CellNumbers | OpenLoopNumbers]
) -> Iterable[str]:
    saturated = [cell for cell in of_both_loops if cell.generator_saturation > GENERATOR_BUSY_MOST]
    if saturated:
        worst = max(cell.generator_saturation for cell in saturated)
        yield (
            f"The load generator used more than {GENERATOR_BUSY_MOST:.0%} of the CPUs that its threads can fill in "
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
    waited = [
        cell.watch.generator_waited
        for cell in cells
        if cell.watch is not None
        and cell.watch.generator_waited is not None
        and cell.watch.generator_waited > SHARED_GENERATOR_WAITED_MOST
    ]
    if waited:
        yield (
            f"The load generator stood ready without a CPU for more than {SHARED_GENERATOR_WAITED_MOST:.0%} of the "
            f"load in {_cells(len(waited))} (up to {max(waited):.0%}): latencies there hold its waiting as well."
        )


def _about_the_watch(cells: Sequence[CellNumbers | OpenLoopNumbers]) -> Iterable[str]:
    changed = [
        cell.cell_id
        for cell in cells
        if cell.watch is not None
        and not 1 / (1 + SPIN_CHANGE_MOST) <= 1 + cell.watch.spin_change <= 1 + SPIN_CHANGE_MOST
    ]
    if changed:
        yield (
            f"The API's CPUs were more than {SPIN_CHANGE_MOST:.0%} slower or faster after the load than before it, by "
            f"the calibration spin, in {_cells(len(changed))}: {', '.join(changed)}. CPUs are shared between roles, so "
            "their own work may be what made the difference."
        )
    spins = {cell.cell_id: cell.watch.spin_seconds for cell in cells if cell.watch is not None}
    if spins:
        usual = float(np.median([*spins.values()]))
        off = [name for name, seconds in spins.items() if abs(seconds / usual - 1) > SPIN_FROM_MEDIAN_MOST]
        if off:
            yield (
                f"The API's CPUs were more than {SPIN_FROM_MEDIAN_MOST:.0%} slower or faster than is usual in this "
                f"run, by the calibration spin, in {_cells(len(off))}: {', '.join(off)}."
            )


def _about_the_estimates(
    summaries: Sequence[ScenarioSummary], cells: Sequence[CellNumbers], open_loop: OpenLoopReport | None
) -> Iterable[str]:
    # The open loop measures each API at each rate once in a block.
    at_rates = () if open_loop is None else open_loop.summaries
    single = [_load(summary) for summary in summaries if summary.blocks == 1]
    if single and len(single) == sum(summary.cells > 0 for summary in summaries):
        yield (
            "There is one block with a valid cell for each API and load, so no number has an interval: how far a "
            "repetition would differ is unknown."
        )
        single = []
    single += [_load(summary) for summary in at_rates if summary.cells == 1]
    if single:
        yield f"There is only one block with a valid cell for {', '.join(single)}, so these numbers have no interval."
    nothing = [_load(summary) for summary in (*summaries, *at_rates) if summary.cells == 0]
    if nothing:
        yield f"There is no valid cell for {', '.join(nothing)}, so there are no numbers."
    few = sum(cell.requests < FEW_RESPONSES for cell in cells)
    if few:
        yield (
            f"{_cells(few)} {_have(few)} fewer than {FEW_RESPONSES:,} responses: p99.9 is the single slowest "
            "response there."
        )


def _about_the_comparisons(run: Run, cells: Sequence[CellNumbers], comparisons: Sequence[Comparison]) -> Iterable[str]:
    yield from uncompared(cells)
    pairs = [pair for comparison in comparisons for pair in comparison.pairs]
    if not cells or not pairs or any(pair.reason is None for pair in pairs):
        return
    why = (
        "the run has one block"
        if run.manifest.protocol.blocks == 1
        else "no two APIs have valid cells in two blocks under the same load"
    )
    yield (
        f"Nothing can be compared: {why}. A difference between two APIs is held against how far their ratio varies "
        "from block to block, which takes two blocks at least; ten say something."
    )


def _about_the_source(run: Run) -> Iterable[str]:
    if run.manifest.git_commit.endswith("-dirty"):
        yield (
            "The project's tree had changes that weren't committed, so the commit alone doesn't tell what was measured."
        )


def _uncontrolled(knob: KnobRecord) -> str:
    if knob.state == "only-read":
        return f"{knob.before} instead of {knob.wanted}"
    return knob.message or f"{knob.during} instead of {knob.wanted}"


def _load(summary: ScenarioSummary | OpenLoopSummary) -> str:
    where = summary.scenario if isinstance(summary, ScenarioSummary) else f"{summary.rate:,} requests/s"
    return f"{summary.api} at {where}"


def _cells(count: int) -> str:
    return f"{count} {'cell' if count == 1 else 'cells'}"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _were(count: int) -> str:
    return "was" if count == 1 else "were"


def _short(blocks: Sequence[ShortBlock]) -> str:
    """Which blocks are short, those of the open loop by themselves: both loops count theirs from 1."""
    told: list[str] = []
    for open_loop, of_which in ((False, ""), (True, " of the open loop")):
        numbers = [str(short.block) for short in blocks if short.open_loop == open_loop]
        if numbers:
            told.append(f"{'block' if len(numbers) == 1 else 'blocks'} {', '.join(numbers)}{of_which}")
    return f"{' and '.join(told)} {_are(len(blocks))} short"


def _every_time(allowed: int) -> str:
    return "" if allowed == 1 else f" in each of {allowed} attempts"


def _have(count: int) -> str:
    return "has" if count == 1 else "have"
