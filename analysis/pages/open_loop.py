"""The open loop on the pages: a table for each rate, compared with the closed loop, and percentiles by rate."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from analysis.formatting import MISSING, percent, plain
from analysis.pages.plots import PlotGroup
from analysis.pages.svg import Plot, draw_side_by_side, finish, panel
from analysis.pages.table import Column, Table, TableCell, with_interval, without_columns
from documents.report import (
    Estimate,
    LatencyEstimate,
    OpenLoopMeasurements,
    OpenLoopReport,
    OpenLoopSummary,
    Report,
    ScenarioSummary,
)

_Percentiles = LatencyEstimate | OpenLoopMeasurements
"""The percentiles of a closed loop, and of an open one."""

_PERCENTILES: tuple[tuple[str, Callable[[_Percentiles], Estimate]], ...] = (
    ("p50", lambda measured: measured.p50_us),
    ("p90", lambda measured: measured.p90_us),
    ("p99", lambda measured: measured.p99_us),
    ("p99.9", lambda measured: measured.p999_us),
)


def open_loop_tables(report: Report, *, brief: bool = False) -> tuple[Table, ...]:
    """A table for each rate: every API's latency in the closed loop, raw and corrected, and at that rate.

    A `brief` table has no intervals, and fits 80 columns.
    """
    open_loop = report.open_loop
    if open_loop is None:
        return ()
    closed = {summary.api: summary for summary in report.summaries if summary.scenario == open_loop.scenario.name}
    tables = (
        Table(
            title=f"Open loop at {rate.rate:,} requests/s",
            note=_note(open_loop, rate.share, brief=brief),
            columns=_COLUMNS,
            rows=tuple(
                row
                for summary in open_loop.summaries
                if summary.rate == rate.rate
                for row in _rows(summary, closed.get(summary.api))
            ),
            named_by=2,
        )
        for rate in open_loop.rates
    )
    return tuple(map(_shortened, tables)) if brief else tuple(tables)


_COLUMNS = (
    Column("API", numeric=False),
    Column("Latency", numeric=False),
    Column("Rate", "requests/s"),
    *(Column(name, "ms") for name, _ in _PERCENTILES),
    Column("Sent late, p99", "ms"),
    Column("CPU of API", "cores"),
    Column("Valid cells"),
)


def _note(open_loop: OpenLoopReport, share: float, *, brief: bool) -> str:
    scenario = open_loop.scenario
    return (
        f"{percent(share)} of the throughput of {open_loop.slowest}, the slowest, under {scenario.name} load in the "
        f"closed loop ({plain(open_loop.throughput or 0)} requests/s), the same for all, over at most "
        f"{scenario.connections} connections, {scenario.duration_seconds} s. Each latency runs from when its request "
        "was due, and includes the generator's lateness. In the closed loop each API has its own rate: its throughput. "
        f"Geometric means over blocks{'' if brief else ' with 95% t intervals'}; lateness"
        f"{'' if brief else ' and CPU'} {'is an arithmetic mean' if brief else 'are arithmetic means'}."
    )


def _rows(summary: OpenLoopSummary, closed: ScenarioSummary | None) -> Iterator[tuple[TableCell, ...]]:
    api, missing = TableCell(summary.api), TableCell(MISSING)
    if closed is not None and (in_closed := closed.measured) is not None:
        for kind, latency in (("closed, raw", in_closed.raw), ("closed, corrected", in_closed.corrected)):
            yield (
                api,
                TableCell(kind),
                with_interval(in_closed.throughput),
                *_latencies(latency),
                missing,
                TableCell(plain(in_closed.cpu_cores["api"].value)),
                TableCell(str(closed.cells)),
            )
    planned = summary.cells + summary.void_cells + summary.unfinished_cells
    measured = summary.measured
    valid = TableCell(f"{summary.cells} of {planned}")
    if measured is None:
        yield (api, TableCell("open"), *[missing] * (len(_COLUMNS) - 3), valid)
        return
    yield (
        api,
        TableCell("open"),
        TableCell(plain(measured.achieved_rate.value)),
        *_latencies(measured),
        TableCell(plain(measured.lateness_p99_us.value / 1e3)),
        TableCell(plain(measured.cpu_cores["api"].value)),
        valid,
    )


def _shortened(table: Table) -> Table:
    shown = without_columns(table, {"p90", "CPU of API"})
    return replace(shown, rows=tuple(tuple(TableCell(cell.value) for cell in row) for row in shown.rows))


def _latencies(measured: _Percentiles) -> tuple[TableCell, ...]:
    return tuple(with_interval(read(measured), 1e3) for _, read in _PERCENTILES)


def open_loop_plots(report: Report) -> PlotGroup:
    """A panel for each percentile: latency against the rate, a line per API."""
    open_loop = report.open_loop
    apis = [api.name for api in report.apis]
    there = open_loop is not None and any(summary.measured for summary in open_loop.summaries)
    return PlotGroup(
        "Latency by rate",
        (
            "Open loop: requests arrive at rates that are the same for all. Geometric means over blocks with 95% "
            "intervals, on a log scale; the shares are of the slowest API's throughput."
        ),
        tuple(_plot(open_loop, apis, name, read) for name, read in _PERCENTILES) if open_loop and there else (),
    )


def _plot(
    open_loop: OpenLoopReport, apis: Sequence[str], name: str, read: Callable[[OpenLoopMeasurements], Estimate]
) -> Plot:
    places = {_name(rate.rate): f"{rate.rate:,}/s\n{percent(rate.share)}" for rate in open_loop.rates}
    lines = {
        api: {
            _name(summary.rate): read(summary.measured)
            for summary in open_loop.summaries
            if summary.api == api and summary.measured is not None
        }
        for api in apis
    }
    with panel() as (figure, axes):
        said = draw_side_by_side(axes, places, lines, unit="ms", per=1e3, logarithmic=True)
        return finish(figure, f"Open loop, {name} latency by rate", said)


def _name(rate: int) -> str:
    return f"{rate:,} requests/s"
