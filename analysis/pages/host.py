"""The host of a run in tables: kernel settings, what the watch saw, load hosts and network."""

from collections.abc import Callable, Sequence

from analysis.numbers import MISSING, percent
from analysis.pages.table import ROLE_NAMES, Column, Table, TableCell, without_empty
from documents.report import CellNumbers, LoadHostReport, OpenLoopNumbers, Report, WatchNumbers
from documents.run import KnobRecord, KnobState, LoadHostLook

STATES: dict[KnobState, str] = {
    "as-wanted": "yes, as it was",
    "set": "yes, set for the run",
    "only-read": "no, only read",
    "refused": "no, refused",
    "lost": "no, changed meanwhile",
    "not-told": "no, not told",
    "nothing-to-control": "nothing to control",
}


def knob_table(knobs: Sequence[KnobRecord]) -> Table:
    """The knobs of a run's host; no row where the run doesn't tell them."""
    columns = tuple(
        Column(title, numeric=False) for title in ("Setting", "Wanted", "Before", "During", "After", "Controlled")
    )
    rows = tuple(
        (
            TableCell(knob.name),
            TableCell(knob.wanted),
            *(TableCell(MISSING if value is None else value) for value in (knob.before, knob.during, knob.after)),
            TableCell(STATES[knob.state], knob.message or ""),
        )
        for knob in knobs
    )
    return Table(
        title="Settings of the host",
        note=(
            "Kernel settings that a measurement depends on, before the run, while it went on, and after it; "
            f"{MISSING} where the kernel doesn't have one. Of a setting with many files, each value with their number."
        ),
        columns=columns,
        rows=rows,
    )


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

    table = Table(
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
    return without_empty(table)


_TITLE = "The load hosts"


def load_host_table(report: Report) -> Table:
    """A column for each load host: what it is, and what lies between it and the APIs; no row where there is none."""
    hosts = report.load_hosts
    columns = (Column("What", numeric=False), *(Column(f"Load host {number}") for number in range(1, len(hosts) + 1)))

    def row(title: str, tell: Callable[[LoadHostReport], str]) -> tuple[TableCell, ...]:
        return (TableCell(title), *(TableCell(tell(host)) for host in hosts))

    def network(title: str, tell: Callable[[LoadHostLook], str | None]) -> tuple[TableCell, ...]:
        return row(title, lambda host: _both(host, tell))

    return Table(
        title=_TITLE,
        note=(
            "The load was put on from here. Before the run and, behind the arrow, after it: the round trip of a small "
            "message over TCP, which is part of every latency; how many requests its share of the connections can ask "
            "at most, each one a round trip; how much one connection carries; and how far the clock of the lab's host "
            "is ahead, by the exchange with the least delay, with what that may be wrong by. Where the load lies among "
            "the samples of the lab's host is known from clocks that were compared before and after each load."
        ),
        columns=columns,
        rows=(
            row("Kind", lambda host: host.kind),
            row("Processor", lambda host: host.before.identity.cpu_model),
            row("System", lambda host: f"{host.before.identity.operating_system}, {host.before.identity.kernel}"),
            row("Memory, GiB", lambda host: f"{host.before.identity.memory_bytes / 2**30:.3g}"),
            row("CPUs of the generator", lambda host: ",".join(map(str, host.generator))),
            row("CPUs of its other work", lambda host: ",".join(map(str, host.system))),
            row("Unlike the lab's host", lambda host: "; ".join(host.differences) or "in nothing"),
            network("Round trip, least, µs", lambda look: f"{look.network.round_trips.minimum_us:,.0f}"),
            network("Round trip, median, µs", lambda look: f"{look.network.round_trips.median_us:,.0f}"),
            network("Round trip, p99, µs", lambda look: f"{look.network.round_trips.p99_us:,.0f}"),
            *(
                network(
                    f"Most that its {connections:,} connections can ask, requests/s",
                    lambda look, connections=connections: (
                        f"{1e6 * connections / look.network.round_trips.median_us:,.0f}"
                    ),
                )
                for connections in (scenario.connections // len(hosts) for scenario in report.scenarios)
            ),
            network("Bandwidth to the APIs, Mbit/s", lambda look: _megabits(look, "to_apis")),
            network("Bandwidth from the APIs, Mbit/s", lambda look: _megabits(look, "from_apis")),
            network("Clock of the lab's host ahead, ms", _skew),
            *([row("Clock ahead of load host 1's, ms", lambda host: _between(hosts[0], host))] if hosts[1:] else ()),
            row("Share of the bandwidth that answers took, at most", lambda _: _network_share(report)),
        )
        if hosts
        else (),
    )


def _both(host: LoadHostReport, tell: Callable[[LoadHostLook], str | None]) -> str:
    looks = (host.before,) if host.after is None else (host.before, host.after)
    return " → ".join(tell(look) or MISSING for look in looks)


def _megabits(look: LoadHostLook, way: str) -> str | None:
    found = look.network.bandwidth
    return None if found is None else f"{getattr(found, way) / 1e6:,.0f}"


def _skew(look: LoadHostLook) -> str:
    clock = look.network.clock
    return f"{clock.wall_offset_ns / 1e6:.3f} ± {clock.error_ns / 1e6:.3f}"


def _between(first: LoadHostReport, host: LoadHostReport) -> str:
    """How far a load host's clock was ahead of the first one's before the run, from what both were to the lab's."""
    if host is first:
        return MISSING
    own, its = first.before.network.clock, host.before.network.clock
    return f"{(own.wall_offset_ns - its.wall_offset_ns) / 1e6:.3f} ± {(own.error_ns + its.error_ns) / 1e6:.3f}"


def _network_share(report: Report) -> str:
    """The fullest that a cell made the network."""
    shares = [
        cell.load_hosts.network_share
        for cell in report.cells
        if cell.load_hosts is not None and cell.load_hosts.network_share is not None
    ]
    return f"{max(shares):.1%}" if shares else MISSING
