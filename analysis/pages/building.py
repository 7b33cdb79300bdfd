"""Facts about building, one a row, beside what the article says of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from analysis.numbers import MISSING, listing, plain
from analysis.pages.table import Column, Table, TableCell
from documents.report import BuildingFacts, PublishedLine, Report, Spread
from documents.run import Fact


@dataclass(frozen=True)
class _Row:
    """One fact: its name and unit, a sentence on what was measured, and how it is read."""

    fact: Fact
    title: str
    meaning: str
    cell: Callable[[BuildingFacts], TableCell]


def building_table(report: Report, *, brief: bool = False) -> Table:
    """The facts of the run's APIs; a `brief` table has the article's words below a fact's name, the rest in its note.

    An API that wasn't measured has no column, and the note names it. Where none was, the table has no rows, and the
    note is one line. A variant is built as its API is, and has no column; of variants alone there is no note either.
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


_NOTE = "Medians, with the least and the greatest of what was measured."


def _rows(known: Sequence[BuildingFacts]) -> tuple[_Row, ...]:
    # Facts that were measured with other options, or on another host, may differ in these.
    cpus = listing(sorted({str(facts.build_cpus) for facts in known}))
    builds = listing(sorted({str(facts.clean_build_seconds.count) for facts in known}))
    starts = listing(sorted({str(facts.first_answer_seconds.count) for facts in known}))
    rest = listing(sorted({f"{facts.rest_seconds:g} s" for facts in known})) or "some seconds"
    engine = plain(max((1e3 * facts.engine_seconds.median for facts in known), default=0))
    on_cpus = f", on {cpus} CPUs, {builds} times" if known else ""
    before = f" ({starts} starts); the Docker engine's own {engine} ms before it don't count" if known else ""
    return (
        _Row(
            "clean_build",
            "Clean build, s",
            f"the release build with dependencies downloaded and nothing compiled{on_cpus}.",
            lambda facts: _spread(facts.clean_build_seconds),
        ),
        _Row(
            "incremental_build",
            "Incremental build, s",
            "the same build again after one line of code was changed.",
            lambda facts: _spread(facts.incremental_build_seconds),
        ),
        _Row(
            "binary_size",
            "Binary, MB",
            "what the release build leaves for the image: a static binary, or a JVM's archives with all dependencies.",
            lambda facts: TableCell(plain(facts.binary_bytes / 1e6)),
        ),
        _Row(
            "image_size",
            "Image, MB",
            "all layers of the image, unpacked, with whatever it needs to run.",
            lambda facts: TableCell(plain(facts.image_bytes / 1e6)),
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
            "modules, crates or artefacts of others that end in the binary, the language's own library not counted.",
            lambda facts: TableCell(f"{facts.dependencies:,}"),
        ),
        _Row(
            "first_answer",
            "Start to first right answer, ms",
            f"from the process's start to the whole of a right answer with a post from PostgreSQL{before}.",
            lambda facts: _spread(facts.first_answer_seconds, 1e3),
        ),
        _Row(
            "rest_memory",
            "Memory at rest, MB",
            f"anonymous memory {rest} after that answer, before any load.",
            lambda facts: _spread(facts.rest_memory_bytes, 1 / 1e6),
        ),
    )


def _spread(spread: Spread, times: float = 1) -> TableCell:
    detail = f"{plain(spread.least * times)} to {plain(spread.most * times)}" if spread.count > 1 else ""
    return TableCell(plain(spread.median * times), detail)
