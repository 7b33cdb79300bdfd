"""The load hosts of a run, and the network between them and the APIs, as tables."""

from collections.abc import Callable

from analysis.pages.numbers import MISSING
from analysis.pages.table import Column, Table, TableCell
from documents.report import LoadHostReport, Report
from documents.run import LoadHostLook

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
