"""What a request costs: the work that each API does for a second of its own CPU time."""

from analysis.pages.numbers import MISSING, interval, plain
from analysis.pages.table import Column, Table, TableCell, load_and_api
from documents.report import Report


def work_table(report: Report) -> Table:
    """Requests for each CPU second and CPU for each request, by load and API; no row where nothing was measured."""
    return Table(
        title="Work for each CPU second",
        note=(
            "Requests that an API answered for each second of its own CPU time: geometric means over blocks with 95% t "
            "intervals. It is the same number turned round that one request takes. What PostgreSQL, Redis and the "
            f"generator spend on it isn't in it; {MISSING} where an API's CPU time couldn't be told from none."
        ),
        columns=(
            Column("Load", numeric=False),
            Column("API", numeric=False),
            Column("Requests a CPU second"),
            Column("CPU a request", "µs"),
            Column("CPU of API", "cores"),
        ),
        rows=tuple(
            (
                *load_and_api(report, summary),
                TableCell(MISSING) if work is None else TableCell(plain(work.value), interval(work)),
                TableCell(MISSING if work is None else plain(1e6 / work.value)),
                TableCell(plain(cores.value), interval(cores)),
            )
            for summary in report.summaries
            if (measured := summary.measured) is not None
            for work, cores in [(measured.requests_per_cpu_second, measured.cpu_cores["api"])]
        ),
        named_by=2,
    )
