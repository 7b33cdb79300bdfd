"""The verdict in short, as a meeting wants it first: for each load a sentence, and the ranks with ties as ranges."""

from collections.abc import Sequence
from dataclasses import dataclass

from analysis.pages.numbers import MISSING, MOST_NAMES, interval, listing, plain
from analysis.pages.table import Column, Table, TableCell
from analysis.pages.verdicts import MAIN, comparable, rank_words
from documents.comparison import Comparison, RankRange
from documents.report import Report

VERDICT_NOTE = (
    "Ranks are by throughput: the best and the worst that an API can have, given what is known of each pair. Where two "
    "ranges overlap it isn't known which of the two is faster, or they are the same; APIs of one range stand in the "
    "order of the alphabet. Below each number is its 95% interval, as far as there is one. Latency is raw."
)


@dataclass(frozen=True)
class LoadVerdict:
    """What is to be said of one load: its name, a sentence, and the APIs, the best first."""

    load: str
    sentence: str
    table: Table


def load_verdicts(report: Report) -> tuple[LoadVerdict, ...]:
    """The verdict on each load of the report."""
    return tuple(
        LoadVerdict(
            load=f"{scenario.name}, {scenario.connections} connections",
            sentence=_sentence(report, scenario.name),
            table=_table(report, scenario.name, f"Ranking under {scenario.name} load"),
        )
        for scenario in report.scenarios
    )


def _ranks(report: Report, scenario: str) -> tuple[Comparison | None, Sequence[RankRange]]:
    """The comparison by throughput and its ranks under a load; none where nothing can be compared."""
    for comparison in comparable(report):
        if comparison.measure == MAIN:
            found = [ranking.ranks for ranking in comparison.rankings if ranking.scenario == scenario]
            return comparison, found[0] if found else ()
    return None, ()


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
        return f"{named} are the fastest, and the same within {100 * comparison.margin:g}%.{slowest}"
    if len(first) == len(ranks):
        return f"Which is the fastest can't be told{f': any of {listing(first)} may be' if few else ''}."
    named = f"{', '.join(first[:-1])} or {first[-1]}" if few else f"One of {len(first)}"
    return f"{named} is the fastest: which of them can't be told.{slowest}"


def _table(report: Report, scenario: str, title: str) -> Table:
    """The APIs under a load, the best rank first; in the report's own order where they have none."""
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
                TableCell(MISSING) if number is None else TableCell(plain(number.value / per), interval(number, per))
                for number, per in zip(numbers, (1, 1e3), strict=True)
            ),
        )

    order = [*words, *(api.name for api in report.apis if api.name not in words)]
    return Table(
        title=title,
        note="",
        columns=(Column("API", numeric=False), Column("Rank"), Column("Throughput", "requests/s"), Column("p99", "ms")),
        rows=tuple(map(row, order)),
    )
