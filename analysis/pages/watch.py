"""What the watch over each cell saw of the host, as a table."""

from analysis.pages.numbers import MISSING, percent
from analysis.pages.table import ROLE_NAMES, Column, Table, TableCell
from documents.cell_numbers import CellNumbers, OpenLoopNumbers, WatchNumbers
from documents.report import Report


def watch_table(report: Report) -> Table:
    """Every valid cell that was watched, in the order of the plan; those of the open loop last."""
    cells = (*report.cells, *(report.open_loop.cells if report.open_loop else ()))
    columns = (
        Column("Cell", numeric=False),
        Column("Bound by", numeric=False),
        Column("Stolen"),
        Column("Others on API's CPUs"),
        Column("Others on generator's CPUs"),
        Column("Generator's CPUs"),
        Column("Generator waited"),
        Column("Waiting for CPU"),
        Column("Waiting for memory"),
        Column("Waiting for disk"),
        Column("Connections"),
        Column("Spin", "ms"),
        Column("Spin after / before"),
    )

    def row(cell: CellNumbers | OpenLoopNumbers, watch: WatchNumbers) -> tuple[TableCell, ...]:
        waited = watch.generator_waited
        return tuple(
            TableCell(value)
            for value in (
                cell.cell_id,
                ", ".join(ROLE_NAMES[service] for service in cell.bound_by) or MISSING,
                f"{max(watch.steal.values()):.1%}",
                f"{watch.others['api']:.1%}",
                f"{watch.others['generator']:.1%}",
                ", ".join(map(percent, watch.generator_busy or (watch.busy[cpu] for cpu in report.cores.generator))),
                MISSING if waited is None else percent(waited),
                *(
                    MISSING
                    if watch.pressure is None or resource not in watch.pressure
                    else percent(watch.pressure[resource][0])
                    for resource in ("cpu", "memory", "io")
                ),
                str(watch.connections)
                if watch.connections_planned is None
                else f"{watch.connections} of {watch.connections_planned}",
                f"{1e3 * watch.spin_seconds:.0f}",
                f"{1 + watch.spin_change:.2f}",
            )
        )

    return Table(
        title="The host under load",
        note=(
            "Shares of the load window. Stolen is what the hypervisor took of the role that lost most. Others are "
            "programs that aren't the lab's, the system's own among them. Each of the generator's CPUs has its share. "
            "Waiting is the kernel's pressure stall information: some task on the machine waited; "
            f"{MISSING} where the kernel doesn't tell. The spin is a fixed piece of work on the API's CPUs straight "
            "before and after the load. PostgreSQL or Redis binds a cell whose CPUs it used up."
        ),
        columns=columns,
        rows=tuple(row(cell, cell.watch) for cell in cells if cell.watch is not None),
    )
