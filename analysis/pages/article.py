"""The article on the pages: its table and its claims beside this run, and the facts about building."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from analysis.claims import TOLERANCE, article, unlike_for_numbers, unlike_for_orders, unlike_host
from analysis.formatting import MISSING, listing, plain
from analysis.pages.table import Column, Table, TableCell, with_interval, with_range
from analysis.statistics import BYTES_PER_MB
from documents.report import (
    BuildingFacts,
    ClaimKind,
    ClaimOutcome,
    JudgedLine,
    PublishedLine,
    PublishedNumber,
    Report,
)
from documents.run import Fact


@dataclass(frozen=True)
class _Row:
    """A fact: its name and unit, a sentence about it, and its value in the facts."""

    fact: Fact
    title: str
    meaning: str
    cell: Callable[[BuildingFacts], TableCell]


def building_table(report: Report, *, brief: bool = False) -> Table:
    """The facts of the run's APIs; a `brief` table has the article's words below a fact's name, the rest in its note.

    The note names each API that wasn't measured, which has no column. If none was, the table has no rows, and the note
    is one line. Variants, which have the builds of their APIs, have neither column nor note.
    """
    by_name = {facts.api: facts for facts in report.building}
    names = [api.name for api in report.apis if api.varied is None]
    missing = [name for name in names if name not in by_name]
    said = f"Not measured: {listing(missing)}; “lab facts” measures what is missing." if missing else ""
    if not by_name:
        return replace(facts_table((), (), brief=brief), note=said)
    said += " " if said else ""
    elsewhere = [facts.api for facts in report.building if not facts.same_host]
    said += f"Measured on another host than the run: {listing(elsewhere)}. " if elsewhere else ""
    lines = [judged.line for judged in report.claims]
    table = facts_table([by_name[name] for name in names if name in by_name], lines, brief=brief)
    return replace(table, note=f"{said}{table.note}")


def facts_table(facts: Sequence[BuildingFacts], lines: Sequence[PublishedLine], *, brief: bool) -> Table:
    """The facts of some APIs; the table has no rows without any."""
    rows = _rows(facts)
    columns = (
        Column("Fact", numeric=False),
        *(Column(found.api) for found in facts),
        *(() if brief else (Column("The article", numeric=False),)),
    )

    def row(of: _Row) -> tuple[TableCell, ...]:
        said = " ".join(line.says for line in lines if of.fact in line.facts)
        values = map(of.cell, facts)
        if brief:
            return (TableCell(of.title, f"article: {said}" if said else ""), *values)
        return (TableCell(of.title, of.meaning), *values, TableCell(said or MISSING))

    return Table(
        title="Facts about building",
        note=" ".join([_NOTE, *(f"{of.title.partition(',')[0]}: {of.meaning}" for of in rows if brief)]),
        columns=columns,
        rows=tuple(map(row, rows)) if facts else (),
    )


_NOTE = "Medians, with the smallest and the largest value."


def _rows(known: Sequence[BuildingFacts]) -> tuple[_Row, ...]:
    # These may differ between facts from other options, or from another host.
    cpus = listing(sorted({str(facts.build_cpus) for facts in known}))
    builds = listing(sorted({str(facts.clean_build_seconds.count) for facts in known}))
    starts = listing(sorted({str(facts.first_answer_seconds.count) for facts in known}))
    rest = listing(sorted({f"{facts.rest_seconds:g} s" for facts in known})) or "some seconds"
    engine = plain(max((1e3 * facts.engine_seconds.median for facts in known), default=0))
    on_cpus = f", on {cpus} CPUs, {builds} times" if known else ""
    uncounted = f"the {engine} ms that the Docker engine takes before it aren't counted"
    before = f" ({starts} starts); {uncounted}" if known else ""
    return (
        _Row(
            "clean_build",
            "Clean build, s",
            f"the release build with dependencies downloaded and nothing compiled{on_cpus}.",
            lambda facts: with_range(facts.clean_build_seconds),
        ),
        _Row(
            "incremental_build",
            "Incremental build, s",
            "the same build again after one line of code was changed.",
            lambda facts: with_range(facts.incremental_build_seconds),
        ),
        _Row(
            "binary_size",
            "Binary, MB",
            "what the release build leaves for the image: a static binary, or a JVM's archives with all dependencies.",
            lambda facts: TableCell(plain(facts.binary_bytes / BYTES_PER_MB)),
        ),
        _Row(
            "image_size",
            "Image, MB",
            "all layers of the image, unpacked, with whatever it needs to run.",
            lambda facts: TableCell(plain(facts.image_bytes / BYTES_PER_MB)),
        ),
        _Row(
            "code_lines",
            "Lines of code",
            "lines that hold code, without blank ones, comments and lone brackets; those of tests apart.",
            lambda facts: TableCell(f"{facts.code_lines:,}", f"{facts.test_lines:,} of tests"),
        ),
        _Row(
            "dependencies",
            "Dependencies",
            "modules, crates or artifacts of others that end in the binary, the language's own library not counted.",
            lambda facts: TableCell(f"{facts.dependencies:,}"),
        ),
        _Row(
            "first_answer",
            "Start to first right answer, ms",
            f"from the process's start to the whole of a right answer with a post from PostgreSQL{before}.",
            lambda facts: with_range(facts.first_answer_seconds, 1e-3),
        ),
        _Row(
            "rest_memory",
            "Memory at rest, MB",
            f"anonymous memory {rest} after that answer, before any load.",
            lambda facts: with_range(facts.rest_memory_bytes, BYTES_PER_MB),
        ),
    )


_PER = {column.measure: column.terms.per for column in article.COLUMNS}


def article_table(report: Report) -> Table:
    """The article's rows, each with this run's number below it; no rows if the run has none of its loads."""
    columns = (
        Column("Stack", numeric=False),
        Column("Whose", numeric=False),
        *(Column(load.capitalize(), "requests/s") for load in article.LOADS),
        Column("Memory average", "MB"),
        Column("p99 heavy", "ms"),
    )
    rows: list[tuple[TableCell, ...]] = []
    for api in article.STACKS:
        numbers = [number for number in report.article if number.api == api]
        if numbers:
            rows.append((TableCell(api), TableCell("article"), *map(_published, numbers)))
            if any(number.measured is not None for number in numbers):
                rows.append((TableCell(api), TableCell("this run"), *map(_measured, numbers)))
    return Table(
        title="The article's table",
        note=f"{report.article_note} p99 is as wrk prints it; the memory of this run is that under heavy load.",
        columns=columns,
        rows=tuple(rows),
        named_by=2,
    )


def _published(number: PublishedNumber) -> TableCell:
    return TableCell(plain(number.published / _PER[number.measure]))


def _measured(number: PublishedNumber) -> TableCell:
    return TableCell(MISSING) if number.measured is None else with_interval(number.measured, _PER[number.measure])


OUTCOME_NAMES: dict[ClaimOutcome, str] = {
    "reproduced": "reproduced",
    "contradicted": "contradicted",
    "cannot-tell": "can't tell",
    "not-comparable": "not comparable",
}

KIND_NAMES: dict[ClaimKind, str] = {
    "number": "absolute number",
    "order": "order",
    "ratio": "ratio",
    "limit": "limit",
    "unstated": "no number",
}


def claims_table(report: Report, *, brief: bool = False) -> Table:
    """How many claims of each line have which outcome, with the article's words unless `brief`.

    No rows if the report has neither one of the article's loads nor a fact about building.
    """
    columns = (Column("The article", numeric=False), *(Column(name.capitalize()) for name in OUTCOME_NAMES.values()))
    return Table(
        title="The article's claims",
        note=_note(report),
        columns=columns,
        rows=tuple(_counts(judged, brief=brief) for judged in _shown(report)),
    )


def claim_tables(report: Report) -> tuple[Table, ...]:
    """A table for each line, with its claims, their outcomes and reasons; none if `claims_table` has no rows."""
    columns = (
        Column("Claim", numeric=False),
        Column("Kind", numeric=False),
        Column("Outcome", numeric=False),
        Column("Why", numeric=False),
    )
    return tuple(
        Table(
            title=judged.line.title,
            note=f"The article: {judged.line.says}",
            columns=columns,
            rows=tuple(
                (
                    TableCell(claim.says),
                    TableCell(KIND_NAMES[claim.kind]),
                    TableCell(OUTCOME_NAMES[claim.outcome]),
                    TableCell(claim.why),
                )
                for claim in judged.claims
            ),
        )
        for judged in _shown(report)
    )


def _shown(report: Report) -> tuple[JudgedLine, ...]:
    return report.claims if report.article or report.building else ()


def _counts(judged: JudgedLine, *, brief: bool) -> tuple[TableCell, ...]:
    found = Counter(claim.outcome for claim in judged.claims)
    counts = (TableCell(str(found[outcome])) for outcome in OUTCOME_NAMES)
    return TableCell(judged.line.title, "" if brief else judged.line.says), *counts


def _note(report: Report) -> str:
    """The meaning of the outcomes, and the conditions of the judged orders and ratios."""
    judged = (scenario for scenario in report.scenarios if not unlike_for_orders(scenario))
    unlike = (reason for scenario in judged for reason in unlike_for_numbers(scenario))
    conditions = [*unlike_host(report.size, report.cores, generator_shares=report.generator_shares), *unlike]
    under = f" Their conditions here: {'; '.join(conditions)}." if conditions else ""
    return (
        "How many claims of each line have which outcome. A number or a ratio is reproduced if its whole 95% interval "
        f"is within {TOLERANCE:.0%} of the article's, and contradicted if none of it is; an order by the verdicts on "
        "pairs. Orders and ratios are judged on any host and for windows of any length."
        f"{under}"
    )
