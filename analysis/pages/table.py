"""The report's tables as rows of text, for a terminal, Markdown and HTML: summary, latency, resources and cells.

`row[k]` of each row belongs to `table.columns[k]`.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from analysis.cells import mostly_bound_by
from analysis.formatting import (
    MISSING,
    counted,
    exact_percent,
    interval,
    listing,
    percent,
    plain,
    ratio_interval,
    ratio_text,
    spread_range,
)
from analysis.statistics import BYTES_PER_MB, blocks_text
from documents.lab import SERVICES
from documents.report import (
    CellNumbers,
    ComparedResult,
    Estimate,
    Interval,
    LatencyEstimate,
    PairComparison,
    Report,
    ScenarioSummary,
    ShortBlock,
    Spread,
    VoidAttempt,
    VoidCell,
    WarmUpSummary,
)
from documents.run import STEADY_SECONDS, SampledRole

ROLE_NAMES: dict[SampledRole, str] = {
    "api": "API",
    "postgres": "PostgreSQL",
    "redis": "Redis",
    "generator": "generator",
}


@dataclass(frozen=True)
class Column:
    """A column's heading and unit. `numeric` columns are aligned right."""

    title: str
    unit: str = ""
    numeric: bool = True

    @property
    def heading(self) -> str:
        """Title and unit in one line."""
        return f"{self.title}, {self.unit}" if self.unit else self.title


@dataclass(frozen=True)
class TableCell:
    """One number or name; `detail` is below or after it in smaller type, and may be empty."""

    value: str
    detail: str = ""


@dataclass(frozen=True)
class Table:
    """A table with a title and a note on how to read it; every row has as many cells as there are columns.

    The first `named_by` columns name a row.
    """

    title: str
    note: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[TableCell, ...], ...]
    named_by: int = 1


def without_empty(table: Table) -> Table:
    """The table without rows and columns that have no value; columns that name a row are kept."""

    def has_value(cells: Iterable[TableCell]) -> bool:
        return any(cell.value not in {"", MISSING} for cell in cells)

    rows = tuple(row for row in table.rows if has_value(row[table.named_by :]))
    kept = [
        index for index in range(len(table.columns)) if index < table.named_by or has_value(row[index] for row in rows)
    ]
    return _with_columns(replace(table, rows=rows), kept)


def without_columns(table: Table, titles: Collection[str]) -> Table:
    """The table without the columns of these titles."""
    return _with_columns(table, [index for index, column in enumerate(table.columns) if column.title not in titles])


def _with_columns(table: Table, kept: Sequence[int]) -> Table:
    return replace(
        table,
        columns=tuple(table.columns[index] for index in kept),
        rows=tuple(tuple(row[index] for index in kept) for row in table.rows),
    )


def ratio_cell(value: float | None, ends: Interval | None) -> TableCell:
    """A ratio, if any, with its interval, if any, below it."""
    if value is None:
        return TableCell(MISSING)
    return TableCell(ratio_text(value), ratio_interval(ends) if ends else "")


def pair_cell(pair: PairComparison) -> TableCell:
    """The same for a pair."""
    return ratio_cell(pair.ratio and pair.ratio.value, pair.interval)


INTERVAL_NOTE = (
    "An interval has the level at which Holm's method tests its pair: it excludes 1 exactly where a difference is "
    "significant."
)


def blocks_needed(found: PairComparison | ComparedResult) -> TableCell:
    """The numbers of blocks that would give a verdict, if there is none."""
    if found.blocks_to_detect is None or found.blocks_to_show_same is None:
        return TableCell(MISSING)
    return TableCell(f"{blocks_text(found.blocks_to_detect)}; {blocks_text(found.blocks_to_show_same)} if the same")


BLOCKS_NOTE = (
    "to find a difference as large as it looks; to show that there is no difference, if there is none. In brackets: at "
    "the ends of the noise's 80% interval."
)
"""What the numbers of `blocks_needed` are."""


def verdict_rule(margin: float, significance: float) -> str:
    """The meaning of the verdicts *same* and *better*, without a full stop."""
    return (
        f"Same: the 90% interval lies within {exact_percent(margin)}. Better: significant at "
        f"{exact_percent(significance)} after Holm's correction"
    )


_LOAD_AND_API = (Column("Load", numeric=False), Column("API", numeric=False))


def summary_table(report: Report, *, brief: bool = False) -> Table:
    """Throughput with its interval, raw and corrected latency, errors and memory.

    In a `brief` table, only the note explains the smaller numbers.
    """
    after_corrected, after_peak = ("", "") if brief else (" corr.", " peak")
    columns = (
        *_LOAD_AND_API,
        Column("Throughput", "requests/s"),
        Column("Mean", "ms"),
        Column("p50", "ms"),
        Column("p90", "ms"),
        Column("p99", "ms"),
        Column("p99.9", "ms"),
        Column("Errors"),
        Column("CPU of API", "cores"),
        Column("Memory", "MB"),
        Column("Valid cells"),
    )

    def row(summary: ScenarioSummary) -> tuple[TableCell, ...]:
        measured = summary.measured
        if measured is None:
            numbers = (TableCell(MISSING),) * 6
            resources = (TableCell(MISSING),) * 2
        else:
            raw, corrected = latencies(measured.raw), latencies(measured.corrected)
            numbers = (
                with_interval(measured.throughput),
                *(
                    TableCell(plain(of_raw.value / 1e3), f"{plain(of_corrected.value / 1e3)}{after_corrected}")
                    for of_raw, of_corrected in zip(raw, corrected, strict=True)
                ),
            )
            resources = (
                TableCell(plain(measured.cpu_cores["api"].value)),
                TableCell(
                    plain(measured.memory_mean_bytes.value / BYTES_PER_MB),
                    f"{plain(measured.memory_peak_bytes.value / BYTES_PER_MB)}{after_peak}",
                ),
            )
        planned = summary.cells + summary.void_cells + summary.unfinished_cells
        return (
            *load_and_api(report, summary),
            *numbers,
            TableCell(MISSING if summary.errors is None else f"{summary.errors:,}"),
            *resources,
            TableCell(f"{summary.cells} of {planned}", _beside_cells(summary)),
        )

    return Table(
        title="Summary",
        note=(
            "Geometric means over blocks with 95% t intervals; CPU and memory are arithmetic means. Latency counts "
            "each response once (raw); its second number has wrk's correction for coordinated omission. The second "
            f"number of the memory is its peak. Errors include those of void attempts; {MISSING} if wrk left no count."
        ),
        columns=columns,
        rows=tuple(row(summary) for summary in report.summaries),
        named_by=2,
    )


def latency_table(report: Report) -> Table:
    """Raw and corrected latency with intervals."""
    columns = (
        *_LOAD_AND_API,
        Column("Latency", numeric=False),
        *(Column(title, "ms") for title in ("Mean", "p50", "p90", "p99", "p99.9")),
    )
    rows = tuple(
        (*load_and_api(report, summary), TableCell(kind), *(with_interval(of, 1e3) for of in latencies(estimates)))
        for summary in report.summaries
        if summary.measured is not None
        for kind, estimates in (("raw", summary.measured.raw), ("corrected", summary.measured.corrected))
    )
    return Table(
        title="Latency with intervals",
        note="Geometric means over blocks of each cell's mean and exact nearest-rank percentiles; 95% t intervals.",
        columns=columns,
        rows=rows,
        named_by=3,
    )


def resource_table(report: Report, *, brief: bool = False) -> Table:
    """CPU by role, the API's memory, Little's law and generator saturation; a `brief` table has no intervals."""
    bound = {service: mostly_bound_by(service, report.cells) for service in SERVICES}

    def cell(estimate: Estimate, per: float = 1) -> TableCell:
        return TableCell(plain(estimate.value / per)) if brief else with_interval(estimate, per)

    def used(summary: ScenarioSummary, role: SampledRole, estimate: Estimate) -> TableCell:
        shown = cell(estimate)
        if role in bound and (summary.api, summary.scenario) in bound[role]:
            return TableCell(shown.value, f"{shown.detail}, the limit".removeprefix(", "))
        return shown

    columns = (
        *_LOAD_AND_API,
        *(Column(f"CPU {name}", "cores") for name in ROLE_NAMES.values()),
        Column("Memory average", "MB"),
        Column("Memory peak", "MB"),
        Column("Page cache", "MB"),
        Column("Little's law"),
        Column("Generator busy"),
    )
    rows = tuple(
        (
            *load_and_api(report, summary),
            *(used(summary, role, measured.cpu_cores[role]) for role in ROLE_NAMES),
            cell(measured.memory_mean_bytes, BYTES_PER_MB),
            cell(measured.memory_peak_bytes, BYTES_PER_MB),
            TableCell(plain(measured.page_cache_mean_bytes.value / BYTES_PER_MB)),
            TableCell(f"{measured.littles_law.value:.3f}"),
            TableCell(percent(measured.generator_saturation.value)),
        )
        for summary in report.summaries
        if (measured := summary.measured) is not None
    )
    return Table(
        title="Resources",
        note=(
            f"Arithmetic means over blocks{'' if brief else ' with 95% t intervals'}. Memory is the API's anonymous "
            "memory; the kernel can take the page cache back. Little's law is throughput times mean raw latency over "
            "connections: near 1 unless the generator was the limit, or answers were still missing at the window's "
            "end. PostgreSQL or Redis is the limit if it used up its CPUs in most cells."
        ),
        columns=columns,
        rows=rows,
        named_by=2,
    )


def cell_table(report: Report) -> Table:
    """Every valid cell, in the order of the plan."""
    columns = (
        Column("Cell", numeric=False),
        Column("Block"),
        Column("Requests"),
        Column("Throughput", "requests/s"),
        Column("Mean", "ms"),
        Column("p99 raw", "ms"),
        Column("p99 corrected", "ms"),
        Column("CPU of API", "cores"),
        Column("Memory average", "MB"),
        Column("Little's law"),
        Column("Generator busy"),
    )

    def row(cell: CellNumbers) -> tuple[TableCell, ...]:
        values = (
            f"{cell.requests:,}",
            plain(cell.throughput),
            plain(cell.raw.mean_us / 1e3),
            plain(cell.raw.p99_us / 1e3),
            plain(cell.corrected.p99_us / 1e3),
            plain(cell.usage["api"].cpu_cores),
            plain(cell.usage["api"].memory_mean_bytes / BYTES_PER_MB),
            f"{cell.littles_law:.3f}",
            percent(cell.generator_saturation),
        )
        return (
            TableCell(cell.cell_id, _which(cell)),
            TableCell(str(cell.block)),
            *(TableCell(value) for value in values),
        )

    return Table(
        title="Every valid cell",
        note=(
            "One restart of an API, one warm-up, one load window each; all means above are over these. The twin is the "
            "second cell of the API that its block measured twice; both together count as one."
        ),
        columns=columns,
        rows=tuple(row(cell) for cell in report.cells),
    )


def _beside_cells(summary: ScenarioSummary) -> str:
    blocks, void = summary.blocks, summary.void_attempts
    failed = summary.failures.failed
    parts = (
        counted(blocks, "block"),
        *((counted(void, "void attempt"),) if void else ()),
        *((f"failed in {failed}",) if failed else ()),
    )
    return ", ".join(parts)


def _which(cell: CellNumbers) -> str:
    parts = ("the twin",) if cell.twin else ()
    return ", ".join((*parts, f"attempt {cell.attempt}") if cell.attempt > 1 else parts)


def load_cell(report: Report, name: str) -> TableCell:
    """A load with its number of connections."""
    [scenario] = [scenario for scenario in report.scenarios if scenario.name == name]
    return TableCell(name, f"{scenario.connections} conn.")


def load_and_api(report: Report, summary: ScenarioSummary) -> tuple[TableCell, TableCell]:
    """The two cells that name a row of one API under one load."""
    return load_cell(report, summary.scenario), TableCell(summary.api)


def latencies(estimate: LatencyEstimate) -> tuple[Estimate, ...]:
    """Mean, p50, p90, p99 and p99.9."""
    return estimate.mean_us, estimate.p50_us, estimate.p90_us, estimate.p99_us, estimate.p999_us


def with_interval(estimate: Estimate, per: float = 1) -> TableCell:
    """An estimate divided by `per`, with its interval below it."""
    return TableCell(plain(estimate.value / per), interval(estimate, per))


def with_range(spread: Spread, per: float = 1) -> TableCell:
    """A median divided by `per`, with the range of its values below it."""
    return TableCell(plain(spread.median / per), spread_range(spread, per))


def warm_up_table(report: Report) -> Table:
    """Warm-ups of the valid cells; no rows if none was watched."""

    def row(summary: WarmUpSummary) -> tuple[TableCell, ...]:
        not_judged = summary.cells - summary.steady - len(summary.never_steady)
        return (
            TableCell(summary.scenario),
            TableCell(summary.api),
            with_range(summary.seconds),
            TableCell(f"{summary.steady} of {summary.cells}", "not judged" if not_judged else ""),
            TableCell(", ".join(summary.never_steady) or MISSING),
        )

    return Table(
        title="Warm-up",
        note=(
            "Medians over cells, with the shortest and the longest. A warm-up ends when the requests of each second "
            f"haven't changed for {STEADY_SECONDS} s, by changepoint detection, and after {report.warm_up_seconds} s "
            "at the latest; cells that weren't steady then are named."
        ),
        columns=(
            *_LOAD_AND_API,
            Column("Warm-up", "s"),
            Column("Steady", "cells"),
            Column("Never steady", numeric=False),
        ),
        rows=tuple(row(summary) for summary in report.warm_ups),
        named_by=2,
    )


def work_table(report: Report) -> Table:
    """Requests for each CPU second and CPU for each request, by load and API; no row without a measurement."""
    return Table(
        title="Work for each CPU second",
        note=(
            "Requests that an API answered for each second of its own CPU time: geometric means over blocks with 95% t "
            "intervals. Its inverse is the CPU time of one request. It excludes the CPU time of PostgreSQL, Redis and "
            f"the generator; {MISSING} if an API's CPU time was too small to be seen."
        ),
        columns=(
            *_LOAD_AND_API,
            Column("Requests a CPU second"),
            Column("CPU a request", "µs"),
            Column("CPU of API", "cores"),
        ),
        rows=tuple(
            (
                *load_and_api(report, summary),
                TableCell(MISSING) if work is None else with_interval(work),
                TableCell(MISSING if work is None else plain(1e6 / work.value)),
                with_interval(cores),
            )
            for summary in report.summaries
            if (measured := summary.measured) is not None
            for work, cores in [(measured.requests_per_cpu_second, measured.cpu_cores["api"])]
        ),
        named_by=2,
    )


@dataclass(frozen=True)
class VoidEntry:
    """One cell with void attempts: its id, a line for each reason, and its outcome."""

    cell_id: str
    reasons: tuple[str, ...]
    outcome: str


def void_note(report: Report) -> str:
    """The note on the void cells, or that there is none."""
    if not report.void_attempts:
        return "No attempt at a cell was void."
    note = "Measured, but not valid: of these, only errors count in the numbers above."
    if report.attempts > 1:
        note += f" A void cell is run again at once, up to {report.attempts} attempts in all."
    return note


def void_entries(report: Report) -> tuple[VoidEntry, ...]:
    """Every cell with a void attempt, in the order of the plan."""
    by_cell: dict[str, list[VoidAttempt]] = {}
    for attempt in report.void_attempts:
        by_cell.setdefault(attempt.cell_id, []).append(attempt)
    return tuple(
        VoidEntry(
            cell_id=cell_id,
            reasons=tuple(line for attempt in attempts for line in _reasons(report, attempt)),
            outcome=_outcome(report, cell_id),
        )
        for cell_id, attempts in by_cell.items()
    )


def short_blocks(report: Report) -> tuple[str, ...]:
    """The missing cells of each short block, in a sentence each."""

    def lacking(short: ShortBlock) -> str:
        return listing(
            [f"{_load(cell)} ({cell.cell_id})" for cell in report.void_cells if cell.cell_id in short.lacking]
        )

    return tuple(
        f"Block {short.block}{' of the open loop' if short.open_loop else ''} is short of {lacking(short)}."
        for short in report.short_blocks
    )


def _load(cell: VoidCell) -> str:
    load = f"{cell.api} at {cell.scenario}"
    return load if cell.rate is None else f"{load} with {cell.rate:,} requests/s"


def _reasons(report: Report, attempt: VoidAttempt) -> Iterator[str]:
    which = f"attempt {attempt.attempt}: " if report.attempts > 1 else ""
    for void in attempt.voids:
        yield f"{which}{void.message} ({void.reason})"


def _outcome(report: Report, cell_id: str) -> str:
    for cell in report.every_cell:
        if cell.cell_id == cell_id:
            return f"attempt {cell.attempt} counts"
    void = any(cell.cell_id == cell_id for cell in report.void_cells)
    return "no attempt counts" if void else "still to be run again"
