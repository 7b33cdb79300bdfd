"""From a run's cells to comparisons: verdicts on all pairs, ranks, and the A/A twin, by one measure."""

from collections.abc import Collection, Sequence
from itertools import combinations

import numpy as np

from analysis.statistics.block_ratios import log_ratios_of, logs_of, ratio_of, too_few
from analysis.statistics.equivalence import equivalence_p_value, within_margin
from analysis.statistics.holm import holm
from analysis.statistics.intervals import BlockMeans, over_blocks
from analysis.statistics.measures import MEASURES
from analysis.statistics.power import LEAST_BLOCKS, POWER, blocks_to_detect, blocks_to_show_same
from analysis.statistics.ranking import rank_ranges
from analysis.statistics.twin import compare_twin
from analysis.statistics.verdict import SIGNIFICANCE, judge
from documents.cell_numbers import CellNumbers
from documents.comparison import Comparison, Measure, PairComparison, Ranking, Verdict


def compare(
    cells: Sequence[CellNumbers],
    *,
    apis: Sequence[str],
    scenarios: Sequence[str],
    measure: Measure,
    margin: float,
    bound_by_postgres: Collection[tuple[str, str]] = (),
) -> Comparison:
    """Compare all pairs of APIs under all loads by one measure.

    Holm's correction is for all pairs and loads that were planned. A pair without enough blocks stays in the family
    with a p-value of 1: the others don't get easier by a failure.

    Args:
        cells: the valid cells, in the order in which they were measured.
        apis: the names of all that were planned, in the order in which a pair names them.
        scenarios: the names of all loads that were planned.
        measure: what is compared.
        margin: what counts as no difference, as a share above 0: 0.03 for ratios from 1/1.03 to 1.03.
        bound_by_postgres: pairs of an API and a load in which PostgreSQL was the limit. It is said of a comparison
            where it is so of both.

    Raises:
        AnalysisError: a cell's value isn't above 0, or a block has an API more than twice under one load.
    """
    logs = {scenario: logs_of(cells, scenario, measure) for scenario in scenarios}
    planned = [(scenario, first, second) for scenario in scenarios for first, second in combinations(apis, 2)]
    ratios = {pair: log_ratios_of(logs[pair[0]], *pair[1:]) for pair in planned}
    means = {pair: over_blocks(np.array(found)) for pair, found in ratios.items() if len(found) >= LEAST_BLOCKS}
    p_adjusted = holm(np.array([float(means[pair].p_value()) if pair in means else 1.0 for pair in planned]))
    pairs = tuple(
        _compare_pair(
            *pair,
            log_ratios=ratios[pair],
            means=means.get(pair),
            p_adjusted=float(adjusted),
            tests=len(planned),
            higher_is_better=MEASURES[measure].higher_is_better,
            margin=margin,
            bound_by_postgres={(pair[1], pair[0]), (pair[2], pair[0])} <= {*bound_by_postgres},
        )
        for pair, adjusted in zip(planned, p_adjusted, strict=True)
    )
    return Comparison(
        measure=measure,
        margin=margin,
        significance=SIGNIFICANCE,
        power=POWER,
        tests=len(planned),
        pairs=pairs,
        rankings=tuple(
            Ranking(scenario=scenario, ranks=rank_ranges(apis, _orderings(pairs, scenario))) for scenario in scenarios
        ),
        twins=tuple(compare_twin(scenario, logs[scenario], margin=margin) for scenario in scenarios),
    )


def _compare_pair(
    scenario: str,
    first: str,
    second: str,
    *,
    log_ratios: Sequence[float],
    means: BlockMeans | None,
    p_adjusted: float,
    tests: int,
    higher_is_better: bool,
    margin: float,
    bound_by_postgres: bool,
) -> PairComparison:
    verdict: Verdict = "cannot-tell"
    better: str | None = None
    to_detect: int | None = None
    to_show_same: int | None = None
    if means is not None:
        verdict = judge(same=bool(within_margin(means, margin)), p_adjusted=p_adjusted)
        if verdict == "better":
            better = first if (means.mean > 0) == higher_is_better else second
        elif verdict == "cannot-tell":
            noise = float(means.standard_deviation)
            # Holm's strictest level, so that the number holds whatever becomes of the other pairs.
            to_detect = blocks_to_detect(float(means.mean), noise, significance=SIGNIFICANCE / tests)
            to_show_same = blocks_to_show_same(noise, margin=margin)
    return PairComparison(
        scenario=scenario,
        first=first,
        second=second,
        blocks=len(log_ratios),
        ratio=ratio_of(log_ratios, means),
        p_value=means and float(means.p_value()),
        p_adjusted=means and p_adjusted,
        p_equivalence=means and float(equivalence_p_value(means, margin)),
        verdict=verdict,
        better=better,
        bound_by_postgres=bound_by_postgres,
        reason=None if means else too_few(len(log_ratios), f"valid cells of both {first} and {second}"),
        blocks_to_detect=to_detect,
        blocks_to_show_same=to_show_same,
    )


def _orderings(pairs: Sequence[PairComparison], scenario: str) -> set[tuple[str, str]]:
    return {
        (pair.better, pair.second if pair.better == pair.first else pair.first)
        for pair in pairs
        if pair.scenario == scenario and pair.better is not None
    }
