"""The comparisons of a run: by all its measures."""

from collections.abc import Collection, Iterable, Sequence

from analysis.statistics.comparison import compare
from analysis.statistics.measures import MEASURES, has_ratio
from documents.cell_numbers import CellNumbers
from documents.comparison import Comparison, Measure


def compare_all(
    cells: Sequence[CellNumbers],
    *,
    apis: Sequence[str],
    scenarios: Sequence[str],
    margin: float,
    bound_by_postgres: Collection[tuple[str, str]],
) -> tuple[Comparison, ...]:
    """Compare all pairs of APIs under all loads by each measure; the arguments are those of `compare`.

    Each measure is a family of tests by itself. One that has no ratio in some cell is left out; `uncompared` says so.

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
        )
        for measure, terms in MEASURES.items()
        if all(has_ratio(cell, measure) for cell in cells)
    )


def uncompared(cells: Sequence[CellNumbers], measures: Iterable[Measure] = tuple(MEASURES)) -> Iterable[str]:
    """Those of the measures by which nothing is compared, in sentences."""
    for measure in measures:
        terms = MEASURES[measure]
        without = [cell.cell_id for cell in cells if not has_ratio(cell, measure)]
        if without:
            yield (
                f"There is no comparison by “{terms.title}”: the {terms.name} isn't above 0 in the cell {without[0]}"
                f"{'' if len(without) == 1 else f' and {len(without) - 1} more'}, so it has no ratio."
            )
