"""Compare a run's cells: verdicts on all pairs, ranks, and the A/A twin, by each measure."""

import math
from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from analysis.formatting import counted
from analysis.statistics.estimates import (
    BlockLogs,
    block_means,
    interval_at,
    least_deviation,
    log_ratios_of,
    logs_of,
    ratio_of,
    too_few,
)
from analysis.statistics.inference import (
    CONFIDENCE,
    LEAST_BLOCKS,
    LEAST_BLOCKS_FOR_SAME,
    POWER,
    SIDE_ERROR,
    BlockMeans,
    blocks_to_detect,
    blocks_to_show_same,
    equivalence_p_value,
    holm,
    holm_levels,
    noise_interval,
    over_blocks,
    power_to_show_same,
)
from analysis.statistics.measures import HEADLINE, MEASURES, has_ratio
from documents.report import (
    BlocksNeeded,
    CellNumbers,
    ComparedResult,
    Comparison,
    Measure,
    PairComparison,
    Ranking,
    RankRange,
    TwinComparison,
    Verdict,
)

SIGNIFICANCE = 0.05
"""The two-sided level of a family of tests."""


def found_different(within: NDArray[np.bool_], p_adjusted: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Where one is better: not within the margin, and significant after Holm's correction; arrays of the same shape."""
    return ~within & (p_adjusted <= SIGNIFICANCE)


def judge(*, within: bool, blocks: int, p_adjusted: float) -> Verdict:
    """The verdict on one comparison, given whether its 90% interval lies within the margin."""
    if within:
        return "same" if blocks >= LEAST_BLOCKS_FOR_SAME else "cannot-tell"
    return "better" if found_different(np.array(within), np.array(p_adjusted)) else "cannot-tell"


def verdict_text(found: PairComparison | ComparedResult, measure: Measure) -> str:
    """The verdict in words: "same", "same, bound by PostgreSQL", "rust faster", "second run faster", "can't tell".

    If both wait for PostgreSQL, the verdict "same" is about the database. "Faster" then includes that one gives it less
    work for each request.
    """
    if found.verdict == "same":
        return "same, bound by PostgreSQL" if found.bound_by_postgres else "same"
    if found.verdict == "cannot-tell":
        return "can't tell"
    better = found.better if isinstance(found, PairComparison) else f"{found.better} run"
    return f"{better} {MEASURES[measure].better}"


def rank_ranges(apis: Sequence[str], better_than: Collection[tuple[str, str]]) -> tuple[RankRange, ...]:
    """Each API's best and worst possible rank; the best first, then by name.

    The order is transitive: if A is better than B and B better than C, A is better than C, even if the test of A and C
    alone didn't find it. Because of void cells, pairs may have different blocks and contradict each other (A better
    than B, B than C, C than A); APIs in such a circle aren't ordered among themselves.
    `better_than` has pairs of a better API and a worse one.
    """
    reached = {api: _reached(api, better_than) for api in apis}
    above = {api: {other for other in apis if api in reached[other] and other not in reached[api]} for api in apis}
    below = {api: {other for other in apis if api in above[other]} for api in apis}
    ranges = [RankRange(api=api, best=1 + len(above[api]), worst=len(apis) - len(below[api])) for api in apis]
    return tuple(sorted(ranges, key=lambda rank: (rank.best, rank.worst, rank.api)))


def _reached(start: str, better_than: Collection[tuple[str, str]]) -> set[str]:
    """All APIs that are worse than `start`, directly or indirectly."""
    reached: set[str] = set()
    unseen = [start]
    while unseen:
        current = unseen.pop()
        new = {worse for better, worse in better_than if better == current} - reached
        reached |= new
        unseen += new
    return reached


def compare_twin(scenario: str, logs: BlockLogs, *, measure: Measure, margin: float) -> TwinComparison:
    """Compare the later cell of the API that a block measured twice with its earlier one, over all blocks.

    The APIs are pooled, because each is the twin in too few blocks for an interval of its own. The interval is
    Student's for the mean over blocks, as for two APIs (NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.5.2).
    """
    log_ratios = [
        values[1] - values[0] for _, by_api in sorted(logs.items()) for values in by_api.values() if len(values) == 2
    ]
    means = None
    if len(log_ratios) >= LEAST_BLOCKS:
        every = [value for by_api in logs.values() for values in by_api.values() for value in values]
        means = over_blocks(np.array(log_ratios), least_deviation=least_deviation(every, measure))
    return TwinComparison(
        scenario=scenario,
        blocks=len(log_ratios),
        ratio=ratio_of(log_ratios, means),
        power_to_show_same=means
        and power_to_show_same(0.0, float(means.standard_deviation), means.blocks, margin=margin),
        excludes_one=means and bool(abs(means.mean) > means.half_width(CONFIDENCE)),
        reason=None if means else too_few(len(log_ratios), "both cells of its twin"),
    )


def compare(
    cells: Sequence[CellNumbers],
    *,
    apis: Sequence[str],
    scenarios: Sequence[str],
    measure: Measure,
    margin: float,
    bound_by_postgres: Collection[tuple[str, str]] = (),
    failed: Collection[tuple[str, str]] = (),
) -> Comparison:
    """Compare all pairs of APIs under all loads by one measure.

    Holm's correction is for all planned pairs and loads. A pair with too few blocks stays in the family with a p-value
    of 1, so that a failure doesn't make the other tests easier.

    Args:
        cells: the valid cells, in the order in which they were measured.
        apis: the names of all planned APIs, in the order of names in a pair.
        scenarios: the names of all planned loads.
        measure: the measure.
        margin: as a share above 0: 0.03 for ratios from 1/1.03 to 1.03.
        bound_by_postgres: pairs of an API and a load with PostgreSQL as the limit. A comparison is bound if both APIs
            are.
        failed: pairs of an API and a load in one of whose cells the API failed.

    Raises:
        AnalysisError: a cell's value isn't above 0, or a block has an API more than twice under one load.
    """
    logs = {scenario: logs_of(cells, scenario, measure) for scenario in scenarios}
    planned = [(scenario, first, second) for scenario in scenarios for first, second in combinations(apis, 2)]
    ratios = {pair: log_ratios_of(logs[pair[0]], *pair[1:]) for pair in planned}
    means = {
        pair: over_blocks(
            np.array(found), least_deviation=least_deviation(block_means(logs[pair[0]], *pair[1:]), measure)
        )
        for pair, found in ratios.items()
        if len(found) >= LEAST_BLOCKS
    }
    p_values = np.array([float(means[pair].p_value()) if pair in means else 1.0 for pair in planned])
    pairs = tuple(
        judge_pair(
            _compare_pair(
                *pair,
                log_ratios=ratios[pair],
                means=means.get(pair),
                margin=margin,
                failed=tuple(api for api in pair[1:] if (api, pair[0]) in failed),
                bound_by_postgres={(pair[1], pair[0]), (pair[2], pair[0])} <= {*bound_by_postgres},
            ),
            p_adjusted=float(adjusted),
            level=float(level),
            tests=len(planned),
            measure=measure,
            margin=margin,
        )
        for pair, adjusted, level in zip(planned, holm(p_values), holm_levels(p_values, SIGNIFICANCE), strict=True)
    )
    return Comparison(
        measure=measure,
        margin=margin,
        significance=SIGNIFICANCE,
        power=POWER,
        tests=len(planned),
        pairs=pairs,
        rankings=tuple(
            Ranking(scenario=scenario, ranks=rank_ranges(apis, _orderings(pairs, scenario)))
            for scenario in scenarios
            if measure == HEADLINE
        ),
        twins=tuple(compare_twin(scenario, logs[scenario], measure=measure, margin=margin) for scenario in scenarios),
    )


def _compare_pair(
    scenario: str,
    first: str,
    second: str,
    *,
    log_ratios: Sequence[float],
    means: BlockMeans | None,
    margin: float,
    failed: tuple[str, ...],
    bound_by_postgres: bool,
) -> PairComparison:
    """A pair without a verdict."""
    return PairComparison(
        scenario=scenario,
        first=first,
        second=second,
        blocks=len(log_ratios),
        ratio=ratio_of(log_ratios, means),
        interval=None,
        p_value=means and float(means.p_value()),
        p_adjusted=None,
        p_equivalence=means and float(equivalence_p_value(means, margin)),
        verdict="cannot-tell",
        better=None,
        failed=failed,
        bound_by_postgres=bound_by_postgres,
        reason=None if means else too_few(len(log_ratios), f"valid cells of both {first} and {second}"),
        blocks_to_detect=None,
        blocks_to_show_same=None,
    )


def judge_pair(
    pair: PairComparison, *, p_adjusted: float, level: float, tests: int, measure: Measure, margin: float
) -> PairComparison:
    """The pair with its interval, verdict, better one and needed blocks; unchanged if there are too few blocks.

    Cells in which an API failed are missing from the ratio, and only make it worse. So where one failed, it may still
    be shown to be the worse one, and nothing else.

    Args:
        pair: judged before, or not.
        p_adjusted: its p-value after Holm's correction.
        level: at which Holm's method tests it; see `holm_levels`.
        tests: how many that correction is for.
        measure: what it is compared by.
        margin: as a share.
    """
    if pair.ratio is None or pair.ratio.noise is None or pair.p_equivalence is None:
        return pair
    ratio, noise, freedom = pair.ratio.value, pair.ratio.noise, pair.blocks - 1
    verdict = judge(within=pair.p_equivalence <= SIDE_ERROR, blocks=pair.blocks, p_adjusted=p_adjusted)
    looks_better = pair.first if (ratio > 1) == MEASURES[measure].higher_is_better else pair.second
    to_detect = to_show_same = None
    if (verdict == "same" and pair.failed) or (verdict == "better" and looks_better in pair.failed):
        verdict = "cannot-tell"
    elif verdict == "cannot-tell":
        # Holm's strictest level, so that the number is right for any result of the other pairs.
        strictest = SIGNIFICANCE / tests
        to_detect = needed_blocks(
            lambda of: blocks_to_detect(math.log(ratio), of, significance=strictest), noise, freedom
        )
        to_show_same = needed_blocks(lambda of: blocks_to_show_same(of, margin=margin), noise, freedom)
    return pair.model_copy(
        update={
            "interval": interval_at(pair.ratio, pair.blocks, level),
            "p_adjusted": p_adjusted,
            "verdict": verdict,
            "better": looks_better if verdict == "better" else None,
            "blocks_to_detect": to_detect,
            "blocks_to_show_same": to_show_same,
        }
    )


def needed_blocks(blocks_at: Callable[[float], int | None], noise: float, degrees_of_freedom: float) -> BlocksNeeded:
    """The blocks that `blocks_at` a noise gives, at the measured noise and at the ends of its interval."""
    low, high = noise_interval(noise, degrees_of_freedom)
    return BlocksNeeded(blocks=blocks_at(noise), low=blocks_at(low), high=blocks_at(high))


def _orderings(pairs: Sequence[PairComparison], scenario: str) -> set[tuple[str, str]]:
    return {
        (pair.better, pair.second if pair.better == pair.first else pair.first)
        for pair in pairs
        if pair.scenario == scenario and pair.better is not None
    }


def compare_all(
    cells: Sequence[CellNumbers],
    *,
    apis: Sequence[str],
    scenarios: Sequence[str],
    margin: float,
    bound_by_postgres: Collection[tuple[str, str]],
    failed: Collection[tuple[str, str]] = (),
) -> tuple[Comparison, ...]:
    """Compare all pairs of APIs under all loads by each measure; the arguments are those of `compare`.

    Each measure is a family of tests. A measure without a ratio in some cell is left out; `uncompared` names it.

    Raises:
        AnalysisError: a block has an API more than twice under one load.
    """
    return tuple(
        compare(
            cells,
            apis=apis,
            scenarios=scenarios,
            measure=measure,
            margin=margin,
            bound_by_postgres=bound_by_postgres if terms.waits_for_postgres else (),
            failed=failed,
        )
        for measure, terms in MEASURES.items()
        if all(has_ratio(cell, measure) for cell in cells)
    )


def uncompared(cells: Sequence[CellNumbers], measures: Iterable[Measure] = tuple(MEASURES)) -> Iterable[str]:
    """The measures by which nothing is compared, in sentences."""
    for measure in measures:
        terms = MEASURES[measure]
        without = [cell.cell_id for cell in cells if not has_ratio(cell, measure)]
        if without:
            yield (
                f"Nothing is compared by “{terms.title}”: in {counted(len(without), 'cell')} it isn't above 0. The "
                f"{terms.name} has no ratio there; the first of them is {without[0]}."
            )
