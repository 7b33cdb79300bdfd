"""Evidence with known content: a full host with the article's loads, on which four APIs measure what a test says."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from analysis.claims.article import COLUMNS, PublishedColumn
from analysis.claims.claim import Evidence, Judgement
from analysis.claims.lines import CLAIMS
from analysis.statistics.comparison import compare
from documents.lab.host import HostSize
from documents.report.comparison import Comparison
from documents.report.numbers import CellNumbers, Estimate, Spread
from documents.report.report import BuildingFacts, PublishedNumber
from tests.unit.analysis.reports import NOISE
from tests.unit.analysis.run_builder import ARTICLE_SCENARIOS, EIGHT_CORES
from tests.unit.analysis.test_comparison import a_cell

FULL = HostSize(cpus=tuple(range(8)), memory_bytes=16 * 2**30, smaller=False)
SMALL = HostSize(cpus=(0, 1), memory_bytes=4 * 2**30, smaller=True)

THROUGHPUT_LIGHT, THROUGHPUT_MEDIUM, THROUGHPUT_HEAVY, MEMORY, P99 = COLUMNS

NOTHING = Evidence(
    size=FULL,
    cores=EIGHT_CORES,
    generator_shares=False,
    scenarios=ARTICLE_SCENARIOS,
    numbers=(),
    comparisons=(),
    building=(),
)


def outcome_of(evidence: Evidence, line: str, name: str) -> Judgement:
    """The judgement of one claim."""
    (claim,) = [claim for claim in CLAIMS[line] if claim.name == name]
    return claim.judge(evidence)


def with_number(column: PublishedColumn, api: str, value: float, *, half_width: float | None = 0.01) -> Evidence:
    """Evidence of one number whose log interval reaches `half_width` to either side; None for a single cell."""
    estimate = Estimate(
        value=value,
        low=None if half_width is None else value * math.exp(-half_width),
        high=None if half_width is None else value * math.exp(half_width),
        count=1 if half_width is None else 6,
        scale="log",
    )
    number = PublishedNumber(
        api=api, scenario=column.load, measure=column.measure, published=column.values[api], measured=estimate
    )
    return replace(NOTHING, numbers=(number,))


def with_pairs(
    column: PublishedColumn,
    values: Mapping[str, float],
    *,
    noise: float = 1.0,
    bound_by_postgres: bool = False,
    blocks: int = len(NOISE),
    margin: float = 0.03,
) -> Evidence:
    """Evidence of the comparison that the lab itself makes of cells with these means.

    The blocks of each API scatter by `NOISE` times `noise`, each API's shifted by a block.
    """
    cells = [
        _cell(block, api, column.load, value * math.exp(noise * NOISE[(block + place) % len(NOISE)]))
        for place, (api, value) in enumerate(values.items())
        for block in range(blocks)
    ]
    comparison = compared(cells, list(values), column, bound_by_postgres=bound_by_postgres, margin=margin)
    return replace(NOTHING, comparisons=(comparison,))


def compared(
    cells: Sequence[CellNumbers],
    apis: Sequence[str],
    column: PublishedColumn,
    *,
    bound_by_postgres: bool = False,
    margin: float = 0.03,
) -> Comparison:
    return compare(
        cells,
        apis=apis,
        scenarios=[scenario.name for scenario in ARTICLE_SCENARIOS],
        measure=column.compared_by,
        margin=margin,
        bound_by_postgres=[(api, column.load) for api in apis] if bound_by_postgres else (),
    )


def _cell(block: int, api: str, load: str, value: float) -> CellNumbers:
    cell = a_cell(block, api, value, scenario=load)
    used = cell.usage["api"].model_copy(update={"memory_mean_bytes": value})
    return cell.model_copy(
        update={"corrected": cell.corrected.model_copy(update={"p99_us": value}), "usage": {"api": used}}
    )


def spread(*values: float) -> Spread:
    return Spread(median=sorted(values)[len(values) // 2], least=min(values), most=max(values), count=len(values))


BASIC = BuildingFacts(
    api="go",
    language="Go",
    measured_at=datetime(2026, 1, 31, tzinfo=UTC),
    git_commit="0123abc",
    same_host=True,
    build_cpus=8,
    clean_build_seconds=spread(40, 41, 42),
    incremental_build_seconds=spread(3.0, 3.1, 3.2),
    changed_file="main.go",
    binary_bytes=24_400_000,
    image_bytes=24_500_000,
    code_lines=1_668,
    test_lines=1_207,
    dependencies=40,
    first_answer_seconds=spread(0.025, 0.026, 0.027),
    engine_seconds=spread(0.25, 0.5),
    rest_seconds=5,
    rest_memory_bytes=spread(8e6, 9e6),
)


def with_facts(**changes: Mapping[str, object]) -> Evidence:
    """Evidence of facts: Go's basic ones for each API that is named, with its changes."""
    return replace(
        NOTHING,
        building=tuple(BASIC.model_copy(update={"api": api, **updates}) for api, updates in changes.items()),
    )
