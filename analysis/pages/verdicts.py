"""Verdicts for readers: a sentence per load, ranks with ties, each pair in words, and A/A."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from analysis.cells import in_most_cells, is_saturated
from analysis.formatting import FACTOR_FROM, MISSING, MOST_NAMES, exact_percent, listing, load_text, plain
from analysis.pages.table import (
    INTERVAL_NOTE,
    Column,
    Table,
    TableCell,
    load_cell,
    pair_cell,
    ratio_cell,
    with_interval,
)
from analysis.statistics import (
    HEADLINE,
    LEAST_BLOCKS_FOR_SAME,
    MEASURES,
    SIGNIFICANCE,
    blocks_text,
    log_margin,
    verdict_text,
)
from documents.report import Comparison, Interval, Measure, PairComparison, RankRange, Report, TwinComparison
from documents.run import MOST_BLOCKS

_TWIN_MEASURES: tuple[Measure, ...] = (HEADLINE, "cpu_cores", "memory_mean")
"""The measures of A/A: the throughput, and its cost in CPU and memory."""


def ranking_table(report: Report) -> Table:
    """The ranks of the APIs under each load by throughput, ties as ranges; no row without a comparison."""
    return Table(
        title="Ranking by throughput",
        note=(
            "The best and the worst possible rank of an API, from the verdicts on all pairs. If two ranges overlap, it "
            "isn't known which is faster, or they are the same."
        ),
        columns=(*_load_and("API"), Column("Rank")),
        rows=tuple(
            (load_cell(report, ranking.scenario), TableCell(rank.api), TableCell(rank_words(rank)))
            for comparison in comparable(report)
            for ranking in comparison.rankings
            for rank in ranking.ranks
        ),
        named_by=2,
    )


def pair_table(report: Report, *, brief: bool = False) -> Table:
    """Each pair under each load: the ratio of throughputs, its interval and the verdict; more unless `brief`."""
    found = [comparison for comparison in comparable(report) if comparison.measure == HEADLINE]
    columns = (
        *_load_and("Pair"),
        Column("Ratio"),
        Column("Verdict", numeric=False),
        *(() if brief else (Column("Noise"), Column("Blocks"), Column("p after Holm"))),
    )

    def row(comparison: Comparison, pair: PairComparison) -> tuple[TableCell, ...]:
        noise = pair.ratio.noise if pair.ratio is not None else None
        more = (
            TableCell(MISSING if noise is None else _share(noise)),
            TableCell(str(pair.blocks)),
            TableCell(MISSING if pair.p_adjusted is None else _probability(pair.p_adjusted)),
        )
        return (
            load_cell(report, pair.scenario),
            TableCell(f"{pair.first} / {pair.second}"),
            pair_cell(pair),
            TableCell(verdict_words(pair, comparison)),
            *(() if brief else more),
        )

    return Table(
        title="Throughput, pair by pair",
        note=" ".join(_pair_note(comparison) for comparison in found),
        columns=columns,
        rows=tuple(row(comparison, pair) for comparison in found for pair in comparison.pairs),
        named_by=2,
    )


def other_table(report: Report) -> Table:
    """The pairs by all other measures: each one's ratio, interval and verdict.

    Latencies of a load that used up its CPUs have no verdict.
    """
    found = [comparison for comparison in comparable(report) if comparison.measure != HEADLINE]
    layouts = {api.name: report.cores_of(api) for api in report.apis}
    saturated = in_most_cells(report.cells, lambda cell: is_saturated(cell, layouts[cell.api]))
    pairs = {
        (comparison.measure, pair.scenario, pair.first, pair.second): pair
        for comparison in found
        for pair in comparison.pairs
    }
    places = dict.fromkeys((pair.scenario, pair.first, pair.second) for pair in pairs.values())

    def judged(comparison: Comparison, pair: PairComparison) -> bool:
        waiting = {(pair.first, pair.scenario), (pair.second, pair.scenario)} & saturated
        return not (waiting and MEASURES[comparison.measure].is_latency)

    return Table(
        title="Secondary measures, pair by pair",
        note=(
            f"Ratios of the first over the second with intervals, and the better one. {INTERVAL_NOTE} Less is better "
            "for latency, which is raw, CPU and memory. In a closed loop the faster API gets more requests and "
            "uses more CPU for them: the requests a CPU second show the cost of a request. Queued: CPUs were used up, "
            "so latency follows from throughput and from which connection is served first, and isn't judged. Each "
            f"measure is a family of tests, so with all {len(found)} up to {len(found) * SIGNIFICANCE:.0%} of runs of "
            "equal APIs show some difference. “Can't tell” is followed by "
            "the number of blocks that would show a difference as large as it looks, or that the two are the same."
        ),
        columns=(*_load_and("Pair"), *(Column(MEASURES[comparison.measure].heading) for comparison in found)),
        rows=tuple(
            (
                load_cell(report, scenario),
                TableCell(f"{first} / {second}"),
                *(
                    _short(pair, comparison, judged=judged(comparison, pair))
                    for comparison in found
                    for pair in [pairs[comparison.measure, scenario, first, second]]
                ),
            )
            for scenario, first, second in places
        ),
        named_by=2,
    )


def twin_table(report: Report, *, brief: bool = False) -> Table:
    """A/A under each load: the difference of an API to itself, and how often *same* can be shown.

    A `brief` table has only throughput.
    """
    measures = _TWIN_MEASURES[:1] if brief else _TWIN_MEASURES
    found = [comparison for comparison in report.comparisons if comparison.measure in measures]
    return Table(
        title="The A/A twin",
        note=(
            "In each block one API is measured twice; the ratio is that of its later cell over its earlier one, by "
            "throughput unless another measure is named, over all blocks, with its 95% interval. Its true value is 1. "
            "Its noise and these blocks give the share of runs in which two equal APIs are shown to be the same."
        ),
        columns=(
            Column("Load", numeric=False),
            *(() if brief else (Column("Measure", numeric=False),)),
            Column("Ratio"),
            Column("What it says", numeric=False),
            Column("Noise"),
            Column("Blocks"),
        ),
        rows=tuple(
            (
                load_cell(report, twin.scenario),
                *(() if brief else (TableCell(MEASURES[comparison.measure].heading),)),
                ratio_cell(twin.ratio.value, twin.ratio.interval_95),
                TableCell(twin_words(twin)),
                TableCell(_share(twin.ratio.noise) if twin.ratio.noise is not None else MISSING),
                TableCell(str(twin.blocks)),
            )
            for comparison in found
            for twin in comparison.twins
            if twin.ratio is not None
        ),
        named_by=1 if brief else 2,
    )


def verdict_tables(report: Report, *, brief: bool = False) -> tuple[Table, ...]:
    """The tables of a page's verdicts in order but for the ranks, without empty ones."""
    tables = (
        pair_table(report, brief=brief),
        twin_table(report, brief=brief),
        *(() if brief else (other_table(report),)),
    )
    return tuple(table for table in tables if table.rows)


def rank_words(rank: RankRange) -> str:
    """A rank, or a range of ranks with a dash."""
    return str(rank.best) if rank.best == rank.worst else f"{rank.best}\N{EN DASH}{rank.worst}"


def verdict_words(pair: PairComparison, comparison: Comparison) -> str:
    """The verdict on a pair as a sentence without its full stop, with its numbers."""
    if pair.verdict == "same":
        within = f"same within {exact_percent(comparison.margin)}"
        return "same, bound by PostgreSQL" if pair.bound_by_postgres else within
    if pair.better is not None and pair.ratio is not None:
        worse = pair.second if pair.better == pair.first else pair.first
        gained = _advantage(pair.ratio.value, pair.interval, comparison)
        return f"{pair.better} {MEASURES[comparison.measure].comparative} {worse}{gained}"
    if pair.failed and pair.reason is None:
        return f"can't tell: {listing([*pair.failed])} failed in some cells, which the ratio leaves out"
    if pair.reason is not None:
        return f"can't tell: {pair.reason[0].lower()}{pair.reason[1:].removesuffix('.')}"
    return f"can't tell: {_what_would(pair, comparison)}"


def twin_words(twin: TwinComparison) -> str:
    """A/A under one load, in words."""
    if twin.ratio is None or twin.ratio.interval_90 is None:
        why = twin.reason or "No block has both cells of its twin."
        return f"nothing yet: {why[0].lower()}{why[1:].removesuffix('.')}"
    said = same_power_words(twin)
    doubt = "; the later cell differs from the earlier one, unless it is chance (1 of 20 runs)"
    return f"{said}{doubt}" if twin.excludes_one else said


def same_power_words(twin: TwinComparison) -> str:
    """How often such a run shows two equal APIs to be the same; of a twin with an interval."""
    if twin.power_to_show_same is None or twin.blocks < LEAST_BLOCKS_FOR_SAME:
        return f"too few blocks to show that two APIs are the same: that takes {LEAST_BLOCKS_FOR_SAME}"
    share = "more than 99%" if twin.power_to_show_same > 0.99 else f"{twin.power_to_show_same:.0%}"
    return f"equal APIs are shown to be the same in {share} of such runs"


def comparable(report: Report) -> list[Comparison]:
    """A report's comparisons; empty if no pair has an interval, which a caveat says."""
    pairs = (pair for comparison in report.comparisons for pair in comparison.pairs)
    return list(report.comparisons) if any(pair.reason is None for pair in pairs) else []


def _what_would(pair: PairComparison, comparison: Comparison) -> str:
    different = _takes_a_difference(pair, comparison)
    needed = pair.blocks_to_detect if different else pair.blocks_to_show_same
    condition = "if the difference is as large as it looks" if different else "if there is no difference"
    too_near = different and not _looks_different(pair, comparison)
    why = f"too near the margin of {exact_percent(comparison.margin)}; " if too_near else ""
    if needed is None or needed.blocks is None:
        return f"{why}more than {MOST_BLOCKS:,} blocks would be needed, {condition}"
    return f"{why}some {blocks_text(needed)} blocks would, {condition}"


def _takes_a_difference(pair: PairComparison, comparison: Comparison) -> bool:
    """Whether more blocks would more probably find a difference than show that the two are the same."""
    # These blocks could have shown that there is no difference, but the measured one is too near the margin.
    same = pair.blocks_to_show_same
    too_near = same is not None and same.blocks is not None and same.blocks <= pair.blocks
    return too_near or _looks_different(pair, comparison)


def _looks_different(pair: PairComparison, comparison: Comparison) -> bool:
    return pair.ratio is not None and abs(math.log(pair.ratio.value)) > log_margin(comparison.margin)


def _advantage(ratio: float, interval: Interval | None, comparison: Comparison) -> str:
    """The better one's advantage: “ by 12% (9 to 15%)”, “ by a factor of 3.1 (2.8 to 3.4)”.

    The percentage is of the worse one's value. If it isn't shown to be as large as the margin, that comes first:
    “, maybe by less than 3%: 4% (1 to 7%)”.
    """
    ends = interval or Interval(low=ratio, high=ratio)
    values = (ratio, ends.low, ends.high)
    if max(ratio, 1 / ratio) >= FACTOR_FROM:
        value, *around = values if ratio > 1 else (1 / of for of in values)
        return f" by a factor of {plain(value)} ({plain(min(around))} to {plain(max(around))})"
    higher_is_better = MEASURES[comparison.measure].higher_is_better
    # Of the better one over the worse one: above 1 if more is better, below 1 if less is.
    oriented = values if (ratio > 1) == higher_is_better else tuple(1 / of for of in values)
    value, *around = (100 * abs(of - 1) for of in oriented)
    digits = 0 if value >= 9.5 and max(around) - min(around) >= 2 else 1
    shown = min(around) >= 100 * comparison.margin
    how = " by" if shown else f", maybe by less than {exact_percent(comparison.margin)}:"
    return f"{how} {value:.{digits}f}% ({min(around):.{digits}f} to {max(around):.{digits}f}%)"


def _short(pair: PairComparison, comparison: Comparison, *, judged: bool) -> TableCell:
    ratio = pair_cell(pair)
    said = f"{pair.better} better" if pair.verdict == "better" else verdict_text(pair, comparison.measure)
    different = _takes_a_difference(pair, comparison)
    if not judged:
        said = "queued"
    elif needed := pair.blocks_to_detect if different else pair.blocks_to_show_same:
        said += f": {blocks_text(needed)} {'if different' if different else 'if the same'}"
    return TableCell(ratio.value, f"{ratio.detail}; {said}" if ratio.detail else said)


def _pair_note(comparison: Comparison) -> str:
    return (
        f"Ratios of the first over the second: geometric means over blocks with t intervals. {INTERVAL_NOTE} "
        f"Same: the 90% interval lies within {exact_percent(comparison.margin)} up or down. Faster: a paired t test "
        f"over blocks finds a difference at {exact_percent(comparison.significance)}, after Holm's correction for the "
        f"{comparison.tests} pairs and loads. Can't tell: neither; the blocks are for a power of "
        f"{exact_percent(comparison.power)} at the measured noise, and in brackets at the ends of its 80% interval. "
        "Noise is the standard deviation of a block's ratio."
    )


def _load_and(title: str) -> Iterable[Column]:
    return Column("Load", numeric=False), Column(title, numeric=False)


def _share(share: float) -> str:
    """A share as a percentage with two significant digits: 3%, 2.5%, 0.42%."""
    return f"{100 * share:.2g}%" if share < 1 else f"{100 * share:,.0f}%"


def _probability(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


VERDICT_NOTE = (
    "Ranks are by throughput: the best and the worst possible rank of an API, from the verdicts on all pairs. If two "
    "ranges overlap, it isn't known which is faster, or they are the same; APIs of one range are in alphabetical "
    "order. Below each number is its 95% interval, if there is one. Latency is raw."
)


@dataclass(frozen=True)
class LoadVerdict:
    """The verdict on one load: its name, a sentence, and the APIs, the best first."""

    load: str
    sentence: str
    table: Table


def load_verdicts(report: Report) -> tuple[LoadVerdict, ...]:
    """The verdict on each load of the report."""
    return tuple(
        LoadVerdict(
            load=load_text(scenario),
            sentence=_sentence(report, scenario.name),
            table=_table(report, scenario.name, f"Ranking under {scenario.name} load"),
        )
        for scenario in report.scenarios
    )


def _ranks(report: Report, scenario: str) -> tuple[Comparison | None, Sequence[RankRange]]:
    """The comparison by throughput and its ranks under a load; none without a comparison."""
    for comparison in comparable(report):
        if comparison.measure == HEADLINE:
            found = [ranking.ranks for ranking in comparison.rankings if ranking.scenario == scenario]
            return comparison, found[0] if found else ()
    return None, ()


def ranked_apis(report: Report, scenario: str) -> tuple[str, ...]:
    """The APIs under a load, the best rank first; without ranks in the report's order."""
    _, ranks = _ranks(report, scenario)
    return tuple(dict.fromkeys((*(rank.api for rank in ranks), *(api.name for api in report.apis))))


def _sentence(report: Report, scenario: str) -> str:
    comparison, ranks = _ranks(report, scenario)
    if comparison is None or len(ranks) < 2:
        return "There is nothing to rank." if len(report.apis) < 2 else "Nothing can be ranked."
    first = [rank.api for rank in ranks if rank.best == 1]
    last = [rank.api for rank in ranks if rank.best == len(ranks)]
    slowest = f" {last[0]} is the slowest." if last and len(first) < len(ranks) else ""
    if len(first) == 1:
        return f"{first[0]} is the fastest.{slowest}"
    among = [
        pair.verdict
        for pair in comparison.pairs
        if pair.scenario == scenario and pair.first in first and pair.second in first
    ]
    few = len(first) <= MOST_NAMES
    if among and all(verdict == "same" for verdict in among):
        named = listing(first) if few else f"{len(first)} APIs"
        return f"{named} are the fastest, and the same within {exact_percent(comparison.margin)}.{slowest}"
    if len(first) == len(ranks):
        return f"The run can't tell which is the fastest{f': any of {listing(first)} may be' if few else ''}."
    named = f"{', '.join(first[:-1])} or {first[-1]}" if few else f"One of {len(first)}"
    return f"{named} is the fastest; the run can't tell which.{slowest}"


def _table(report: Report, scenario: str, title: str) -> Table:
    _, ranks = _ranks(report, scenario)
    words = {rank.api: rank_words(rank) for rank in ranks}
    measured = {summary.api: summary.measured for summary in report.summaries if summary.scenario == scenario}

    def row(api: str) -> tuple[TableCell, ...]:
        found = measured.get(api)
        numbers = (None, None) if found is None else (found.throughput, found.raw.p99_us)
        return (
            TableCell(api),
            TableCell(words.get(api, MISSING)),
            *(
                TableCell(MISSING) if number is None else with_interval(number, per)
                for number, per in zip(numbers, (1, 1e3), strict=True)
            ),
        )

    return Table(
        title=title,
        note="",
        columns=(Column("API", numeric=False), Column("Rank"), Column("Throughput", "requests/s"), Column("p99", "ms")),
        rows=tuple(map(row, ranked_apis(report, scenario))),
    )
