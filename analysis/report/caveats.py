"""What a reader must know before quoting a run's numbers, and the grade of the host.

The first sentence of each caveat says it in one line of a terminal: how many cells or results, not which. The other
sentences have the details; a page shows all of them.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import chain

import numpy as np

from analysis.cells import about_open_loop, about_warm_ups
from analysis.claims import article, size_text, unlike_for_numbers, unlike_host
from analysis.formatting import capital, counted, failure_text, has_have, is_are, listing, was_were
from analysis.raw import FEW_RESPONSES, Run, limits
from analysis.statistics import about_blocks, uncompared
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
from documents.run import Cell, HostIdentity, KnobRecord, LoadHostRecord, Network

_HARDWARE = {
    "cpu_model": "the processor",
    "threads_per_core": "threads per core",
    "physical_cores": "physical cores",
    "numa_nodes": "NUMA nodes",
}
"""The members of an identity that describe hardware, with their names; CPUs and memory are compared separately."""

_COMPARED = {"cpus", "memory_bytes", *_HARDWARE}


def hardware_differences(host: HostIdentity, load_host: HostIdentity) -> tuple[str, ...]:
    """Differences in hardware of a load host, a clause each: ``physical cores: 8, and 4 of the load host``.

    CPU numbers may differ, because two containers on a machine have different CPUs.
    """
    found = [
        f"{name}: {_text(ours)}, and {_text(theirs)} of the load host"
        for member, name in _HARDWARE.items()
        if (ours := getattr(host, member)) != (theirs := getattr(load_host, member))
    ]
    if len(host.cpus) != len(load_host.cpus):
        found.append(f"CPUs: {len(host.cpus)}, and {len(load_host.cpus)} of the load host")
    less, more = sorted((host.memory_bytes, load_host.memory_bytes))
    if more > less * (1 + limits.MEMORY_DIFFERENCE_MOST):
        own, its = (f"{found_bytes / 2**30:.2f} GiB" for found_bytes in (host.memory_bytes, load_host.memory_bytes))
        found.append(f"memory: {own}, and {its} of the load host")
    return tuple(found)


def other_differences(host: HostIdentity, load_host: HostIdentity) -> tuple[str, ...]:
    """Other differences: kernel, system, microcode, mitigations, limits and settings; a clause each."""
    alike = host.model_copy(update={name: getattr(load_host, name) for name in _COMPARED})
    return tuple(
        f"{name}: {ours}, and {theirs} of the load host" for name, ours, theirs in alike.differences(load_host)
    )


def _text(value: object) -> str:
    return "unknown" if value is None else str(value)


def _about_load_hosts(
    run: Run,
    summaries: Sequence[ScenarioSummary],
    of_both_loops: Sequence[CellNumbers | OpenLoopNumbers],
) -> Iterator[str]:
    """Caveats of load hosts, in sentences; none if the load came from the lab's own host."""
    for number, record in enumerate(run.host.load_hosts, start=1):
        if differences := other_differences(run.host.before, record.before.identity):
            yield f"Load host {number} isn't set up like the lab's host. What differs: {'; '.join(differences)}."
        if record.after is None:
            continue
        if changes := record.before.identity.changes(record.after.identity):
            yield (
                f"Load host {number} changed during the run. What changed: {'; '.join(changes)}. These numbers mix "
                "cells from before and after the change; measure again."
            )
        if changes := [*_changes_of_network(record.before.network, record.after.network)]:
            yield f"The network to load host {number} changed during the run. What changed: {'; '.join(changes)}."
    unmeasured = [
        number for number, record in enumerate(run.host.load_hosts, start=1) if record.before.network.bandwidth is None
    ]
    if unmeasured:
        yield (
            f"The bandwidth to load host {', '.join(map(str, unmeasured))} wasn't measured. iperf3 isn't on both "
            "hosts, so nothing shows whether the network was the limit."
        )
    yield from _about_round_trips(run.host.load_hosts, summaries)
    apart = [found.apart for cell in of_both_loops if (found := cell.load_hosts) and found.apart > limits.APART_MOST]
    if apart:
        yield (
            f"Not all generators ran all the time in {counted(len(apart), 'cell')} (up to {max(apart):.1%} missing). "
            f"In each, a generator is missing for more than {limits.APART_MOST:.0%} of the load; throughput is too low "
            "by at most the share that is missing."
        )


def _about_round_trips(records: Sequence[LoadHostRecord], summaries: Sequence[ScenarioSummary]) -> Iterator[str]:
    """The caveat that the network is so much of the latency that the APIs can't differ much."""
    if not records:
        return
    round_trip_us = max(record.before.network.round_trips.median_us for record in records)
    shares = {
        f"{summary.api} at {summary.scenario}": round_trip_us / summary.measured.raw.p50_us.value
        for summary in summaries
        if summary.measured is not None
    }
    found = {name: share for name, share in shares.items() if share > limits.NETWORK_OF_LATENCY_MOST}
    if found:
        listed = ", ".join(f"{name} ({share:.0%})" for name, share in found.items())
        yield (
            f"The network is more than {limits.NETWORK_OF_LATENCY_MOST:.0%} of the median latency in "
            f"{_results(len(found), len(shares))}. Its median round trip of {round_trip_us:.0f} µs is part of every "
            f"latency, and only the rest is the API's: {listed}."
        )


def _changes_of_network(before: Network, after: Network) -> Iterator[str]:
    pairs = [("the median round trip in µs", before.round_trips.median_us, after.round_trips.median_us)]
    if before.bandwidth is not None and after.bandwidth is not None:
        pairs += [
            ("Mbit/s to the APIs", before.bandwidth.to_apis / 1e6, after.bandwidth.to_apis / 1e6),
            ("Mbit/s from the APIs", before.bandwidth.from_apis / 1e6, after.bandwidth.from_apis / 1e6),
        ]
    for name, then, now in pairs:
        if max(then, now) > (1 + limits.NETWORK_CHANGE_MOST) * min(then, now):
            yield f"{name} was {then:,.0f} and is {now:,.0f}"


def grade_of(inventory: Inventory, knobs: Collection[KnobRecord], subjects: Collection[ApiService]) -> Grade:
    """The grade of a lab's host, from its size, its core layout, and its controlled settings.

    Args:
        inventory: the lab.
        knobs: those of the host and its load hosts; without any, the host counts as not controlled.
        subjects: of the run. If core layouts vary, the worst of them counts.
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
    open_loop: OpenLoopReport | None,
) -> tuple[str, ...]:
    """The caveats of a run, the most important first."""
    of_both_loops = (*cells, *(() if open_loop is None else open_loop.cells))
    return (
        *_about_the_host(run),
        *_about_missing_cells(run, unfinished),
        *_about_failures(summaries),
        *about_open_loop(run, open_loop),
        *about_warm_ups(run),
        *_about_load_hosts(run, summaries, of_both_loops),
        *_about_the_generator(cells, of_both_loops),
        *_about_the_watch(of_both_loops),
        *_about_the_estimates(summaries, cells, open_loop),
        *_about_the_comparisons(run, cells, comparisons),
        *_about_the_source(run),
    )


def article_note(run: Run) -> str:
    """Whether the article's numbers are comparable with this run's, and if not, why not."""
    inventory, protocol = run.manifest.inventory, run.manifest.protocol
    shares = inventory.generator_shares(inventory.cores)
    host = unlike_host(inventory.size, inventory.cores, generator_shares=shares)
    loads = {
        scenario.name: unlike_for_numbers(scenario) for scenario in protocol.scenarios if scenario.name in article.LOADS
    }
    reasons = "; ".join([*host, *chain.from_iterable(loads.values())])
    with_caution = (
        "The article names neither its CPU model nor its mix of requests, so compare its absolute numbers with "
        "caution; orders and ratios are more reliable."
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
            f"This host is smaller than the article's ({size_text(inventory.size)}, not {article.CORES} and "
            f"{article.MEMORY_GB} GB). Its results are never compared with those of a full host."
        )
    if inventory.size.shared_cores:
        yield (
            "The host shares its cores with other tenants of its cloud. How much of a core the lab gets depends on "
            "them and changes from day to day. A machine with dedicated cores doesn't have this uncertainty."
        )
    layouts = {api.name: inventory.cores_of(api) for api in run.subjects}
    with_generator = [name for name, layout in layouts.items() if inventory.generator_shares(layout)]
    without = [name for name, layout in layouts.items() if layout.shared and name not in with_generator]
    if without:
        yield (
            "Roles share CPUs, though not with the load generator. PostgreSQL, Redis or the host's own work compete "
            f"with each other or with the API{_of_which(without, layouts)}, so throughput is too low by an unknown "
            "amount."
        )
    if with_generator:
        yield (
            "The load generator shares CPUs with what it measures. Throughput is too low and latency too high by an "
            f"unknown amount{_of_which(with_generator, layouts)}."
        )
    if free := [knob for knob in record.knobs if not knob.controlled]:
        listed = "; ".join(f"{knob.name}: {_uncontrolled(knob)}" for knob in free)
        yield (
            f"{len(free)} of {len(record.knobs)} settings of the host weren't controlled. Not controlled: "
            f"{listed}. Their effect is in these numbers, and may differ on another host or on another day."
        )
    elif not record.knobs:
        yield "The run has no record of which settings of the host were controlled."
    if record.after is not None and (changes := record.before.changes(record.after)):
        yield (
            f"The host changed during the run. What changed: {'; '.join(changes)}. These numbers mix cells from "
            "before and after the change; measure again."
        )


def _of_which(names: Sequence[str], every: Collection[str]) -> str:
    return "" if len(names) == len(every) else f" in the cells of {', '.join(names)}"


def _about_missing_cells(run: Run, unfinished: Sequence[Cell]) -> Iterable[str]:
    planned = len(run.cells)
    if unfinished:
        yield (
            f"The run isn't finished: {len(unfinished)} of {counted(planned, 'cell')} {is_are(len(unfinished))} still "
            "to be measured. “lab run --resume” measures them."
        )
    elif run.host.after is None:
        yield "The host's identity wasn't read again after the last cell. A change during the run would go unseen."
    if len(run.closed_cells) < len(run.plan.cells):
        blocks = len({cell.block for cell in run.closed_cells})
        yield (
            f"The budget ended the run after {blocks} of {run.manifest.protocol.blocks} blocks. Blocks took longer "
            "than expected. When a run ends depends only on the time, never on its results."
        )
    allowed = run.manifest.protocol.attempts
    voids = sum(not record.valid for record in run.records.values())
    if voids:
        yield (
            f"{voids} of {counted(planned, 'cell')} {is_are(voids)} void and left out of all numbers but the errors."
            f"{_every_time(allowed)} {capital(_short(run.short_blocks()))}; the reasons are under “Void cells”."
        )
    repeated = sum(record.valid and record.attempt > 1 for record in run.records.values())
    if repeated:
        yield (
            f"{repeated} of {counted(planned, 'cell')} {was_were(repeated)} void at first and run again. The first "
            "valid attempt counts; why earlier ones are void is under “Void cells”."
        )


def _about_failures(summaries: Sequence[ScenarioSummary]) -> Iterable[str]:
    failing = [summary for summary in summaries if summary.failures.failed]
    if failing:
        apis = listing([*dict.fromkeys(summary.api for summary in failing)])
        shares = "; ".join(f"{_load(summary)} in {failure_text(summary.failures)}" for summary in failing)
        yield (
            f"{apis} failed in some cells under load. With 95% intervals: {shares}. Ratios leave these attempts out, "
            "so under such a load an API may be shown to be the slower one, but neither the same nor the faster one."
        )


def _about_the_generator(
    cells: Sequence[CellNumbers], of_both_loops: Sequence[CellNumbers | OpenLoopNumbers]
) -> Iterable[str]:
    saturated = [cell for cell in of_both_loops if cell.generator_saturation > limits.GENERATOR_BUSY_MOST]
    if saturated:
        worst = max(cell.generator_saturation for cell in saturated)
        yield (
            f"The load generator was more than {limits.GENERATOR_BUSY_MOST:.0%} busy in "
            f"{counted(len(saturated), 'cell')} (up to {worst:.0%}). That is its share of the CPUs that its threads "
            "can fill: there it may have been the limit, and not the API."
        )
    slow = [cell for cell in cells if cell.littles_law < limits.LITTLES_LAW_LEAST]
    if slow:
        worst = min(cell.littles_law for cell in slow)
        yield (
            f"Little's law gives less than {limits.LITTLES_LAW_LEAST} in {counted(len(slow), 'cell')} "
            f"(down to {worst:.2f}). The generator may have been the limit, or connections still waited for answers at "
            "the window's end, which wrk doesn't count."
        )
    waited = [
        cell.watch.generator_waited
        for cell in cells
        if cell.watch is not None
        and cell.watch.generator_waited is not None
        and cell.watch.generator_waited > limits.SHARED_GENERATOR_WAITED_MOST
    ]
    if waited:
        yield (
            f"The load generator waited for a CPU in {counted(len(waited), 'cell')} (up to {max(waited):.0%} of the "
            f"load). Above {limits.SHARED_GENERATOR_WAITED_MOST:.0%} its own waiting is part of the latencies."
        )


def _about_the_watch(cells: Sequence[CellNumbers | OpenLoopNumbers]) -> Iterable[str]:
    changed = [
        cell.cell_id
        for cell in cells
        if cell.watch is not None
        and not 1 / (1 + limits.SPIN_CHANGE_MOST) <= 1 + cell.watch.spin_change <= 1 + limits.SPIN_CHANGE_MOST
    ]
    if changed:
        yield (
            f"The speed of the API's CPUs changed by more than {limits.SPIN_CHANGE_MOST:.0%} in "
            f"{counted(len(changed), 'cell')}. This compares the calibration spins before and after the load; where "
            f"roles share CPUs, their own work may be the reason. The cells: {', '.join(changed)}."
        )
    spins = {cell.cell_id: cell.watch.spin_seconds for cell in cells if cell.watch is not None}
    if spins:
        usual = float(np.median([*spins.values()]))
        off = [name for name, seconds in spins.items() if abs(seconds / usual - 1) > limits.SPIN_FROM_MEDIAN_MOST]
        if off:
            yield (
                f"The API's CPUs were more than {limits.SPIN_FROM_MEDIAN_MOST:.0%} off their usual speed in "
                f"{counted(len(off), 'cell')}. This compares a cell's calibration spin with the run's median. The "
                f"cells: {', '.join(off)}."
            )


def _about_the_estimates(
    summaries: Sequence[ScenarioSummary], cells: Sequence[CellNumbers], open_loop: OpenLoopReport | None
) -> Iterable[str]:
    # The open loop measures each API at each rate once in a block.
    at_rates = () if open_loop is None else open_loop.summaries
    every = (*summaries, *at_rates)
    single = [_load(summary) for summary in summaries if summary.blocks == 1]
    if single and len(single) == sum(summary.cells > 0 for summary in summaries):
        yield (
            "No number has an interval: each API and load has one block with a valid cell. How far a repetition would "
            "differ is unknown."
        )
        single = []
    single += [_load(summary) for summary in at_rates if summary.cells == 1]
    if single:
        yield (
            f"{_results(len(single), len(every))} {has_have(len(single))} no interval: one block alone has a valid "
            f"cell. {capital(_these(single))}."
        )
    nothing = [_load(summary) for summary in every if summary.cells == 0]
    if nothing:
        yield (
            f"{_results(len(nothing), len(every))} {has_have(len(nothing))} no numbers: no cell is valid. "
            f"{capital(_these(nothing))}."
        )
    few = sum(cell.requests < FEW_RESPONSES for cell in cells)
    if few:
        yield (
            f"{counted(few, 'cell')} {has_have(few)} fewer than {FEW_RESPONSES:,} responses. p99.9 is the single "
            "slowest response there."
        )


def _about_the_comparisons(run: Run, cells: Sequence[CellNumbers], comparisons: Sequence[Comparison]) -> Iterable[str]:
    yield from uncompared(cells)
    scenarios = [scenario.name for scenario in run.manifest.protocol.scenarios]
    yield from about_blocks(cells, apis=[api.name for api in run.subjects], scenarios=scenarios)
    pairs = [pair for comparison in comparisons for pair in comparison.pairs]
    if not cells or not pairs or any(pair.reason is None for pair in pairs):
        return
    why = (
        "the run has one block"
        if run.manifest.protocol.blocks == 1
        else "no two APIs have valid cells in the same two blocks"
    )
    yield (
        f"Nothing can be compared: {why}. A difference between two APIs is judged by how much their ratio varies from "
        "block to block. That takes at least two blocks under the same load, and better ten."
    )


def _about_the_source(run: Run) -> Iterable[str]:
    if run.manifest.git_commit.endswith("-dirty"):
        yield (
            "The project's tree had changes that weren't committed. The commit alone doesn't identify what was "
            "measured."
        )


def _uncontrolled(knob: KnobRecord) -> str:
    if knob.state == "only-read":
        return f"{knob.before} instead of {knob.wanted}"
    return knob.message or f"{knob.during} instead of {knob.wanted}"


def _load(summary: ScenarioSummary | OpenLoopSummary) -> str:
    where = summary.scenario if isinstance(summary, ScenarioSummary) else f"{summary.rate:,} requests/s"
    return f"{summary.api} at {where}"


def _results(count: int, of: int) -> str:
    """A number of results, each of one API under one load or at one rate: ``2 of 12 results``."""
    return f"{count} of {counted(of, 'result')}"


def _these(names: Sequence[str]) -> str:
    return f"{'it is' if len(names) == 1 else 'they are'} {', '.join(names)}"


def _short(blocks: Sequence[ShortBlock]) -> str:
    """The short blocks, those of the open loop separately, because both loops count from 1."""
    parts: list[str] = []
    for open_loop, of_which in ((False, ""), (True, " of the open loop")):
        numbers = [str(short.block) for short in blocks if short.open_loop == open_loop]
        if numbers:
            parts.append(f"{'block' if len(numbers) == 1 else 'blocks'} {', '.join(numbers)}{of_which}")
    return f"{' and '.join(parts)} {is_are(len(blocks))} short"


def _every_time(allowed: int) -> str:
    return "" if allowed == 1 else f" Each of {allowed} attempts was void."
