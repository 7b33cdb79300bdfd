"""A run and its host on the pages: heading, grade, method, settings, load hosts, and how to rerun it."""

import shlex
from collections.abc import Callable, Iterator, Sequence

from analysis.cells import in_most_cells, mostly_bound_by, shares_used_up
from analysis.formatting import MISSING, MOST_NAMES, capital, counted, is_are, listing, percent
from analysis.pages.table import ROLE_NAMES, Column, Table, TableCell, without_empty
from documents.base import format_duration
from documents.lab import SERVICES, CoreLayout, Role, Varied, format_cpu_list
from documents.report import CellNumbers, Grade, LoadHostReport, OpenLoopNumbers, Report, WatchNumbers
from documents.run import UNKNOWN_COMMIT, HostIdentity, KnobRecord, KnobState, LoadHostLook

_STATES: dict[KnobState, str] = {
    "as-wanted": "yes, without a change",
    "set": "yes, set for the run",
    "only-read": "no, only read",
    "refused": "no, refused",
    "lost": "no, changed during the run",
    "not-told": "no, unknown",
    "nothing-to-control": "nothing to control",
}


def knob_table(knobs: Sequence[KnobRecord]) -> Table:
    """The knobs of a run's host; no row if the run has no record of them."""
    columns = tuple(
        Column(title, numeric=False) for title in ("Setting", "Wanted", "Before", "During", "After", "Controlled")
    )
    rows = tuple(
        (
            TableCell(knob.name),
            TableCell(knob.wanted),
            *(TableCell(MISSING if value is None else value) for value in (knob.before, knob.during, knob.after)),
            TableCell(_STATES[knob.state], knob.message or ""),
        )
        for knob in knobs
    )
    return Table(
        title="Settings of the host",
        note=(
            "Kernel settings that a measurement depends on, before, during and after the run; "
            f"{MISSING} if the kernel doesn't have one. A setting with many files has the number of files of each "
            "value."
        ),
        columns=columns,
        rows=rows,
    )


def watch_table(report: Report) -> Table:
    """Every valid cell that was watched, in the order of the plan; those of the open loop last."""
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

    layouts = {api.name: report.cores_of(api) for api in report.apis}

    def row(cell: CellNumbers | OpenLoopNumbers, watch: WatchNumbers) -> tuple[TableCell, ...]:
        waited, cores = watch.generator_waited, layouts[cell.api]
        return tuple(
            TableCell(value)
            for value in (
                cell.cell_id,
                ", ".join(ROLE_NAMES[service] for service in cell.bound_by) or MISSING,
                f"{max(watch.steal.values()):.1%}",
                f"{watch.others['api']:.1%}",
                f"{watch.others['generator']:.1%}",
                ", ".join(map(percent, watch.generator_busy or (watch.busy[cpu] for cpu in cores.generator))),
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
            "Shares of the load window. Stolen is the hypervisor's share of the role that lost most. Others are "
            "programs that aren't the lab's, including the system's. Each of the generator's CPUs has its share. "
            "Waiting is the kernel's pressure stall information: some task on the machine waited; "
            f"{MISSING} if the kernel doesn't show it. The spin is a fixed piece of work on the API's CPUs immediately "
            "before and after the load. PostgreSQL or Redis is the limit of a cell if it used up its CPUs."
        ),
        columns=columns,
        rows=tuple(row(cell, cell.watch) for cell in report.every_cell if cell.watch is not None),
    )
    return without_empty(table)


def load_host_table(report: Report) -> Table:
    """A column for each load host: its facts, and its network to the APIs; no row without any."""
    hosts = report.load_hosts
    columns = (Column("What", numeric=False), *(Column(f"Load host {number}") for number in range(1, len(hosts) + 1)))

    def row(title: str, text: Callable[[LoadHostReport], str]) -> tuple[TableCell, ...]:
        return (TableCell(title), *(TableCell(text(host)) for host in hosts))

    def network(title: str, text: Callable[[LoadHostLook], str | None]) -> tuple[TableCell, ...]:
        return row(title, lambda host: _both(host, text))

    return Table(
        title="The load hosts",
        note=(
            "The load came from these hosts. Before the run and, after the arrow, after it: the round trip of a small "
            "message over TCP, which is part of every latency; the most requests of its share of the connections, at "
            "one round trip each; the bandwidth of one connection; and how far the clock of the lab's host is ahead, "
            "by the exchange with the least delay, with its possible error. Clocks were compared before and after each "
            "load, to find the load window in the samples of the lab's host."
        ),
        columns=columns,
        rows=(
            row("Kind", lambda host: host.kind),
            row("Processor", lambda host: host.before.identity.cpu_model),
            row("System", lambda host: f"{host.before.identity.operating_system}, {host.before.identity.kernel}"),
            row("Memory, GiB", lambda host: f"{host.before.identity.memory_bytes / 2**30:.3g}"),
            row("CPUs of the generator", lambda host: format_cpu_list(host.generator)),
            row("CPUs of its other work", lambda host: format_cpu_list(host.system)),
            row("Differences from the lab's host", lambda host: "; ".join(host.differences) or "none"),
            network("Round trip, least, µs", lambda look: f"{look.network.round_trips.minimum_us:,.0f}"),
            network("Round trip, median, µs", lambda look: f"{look.network.round_trips.median_us:,.0f}"),
            network("Round trip, p99, µs", lambda look: f"{look.network.round_trips.p99_us:,.0f}"),
            *(
                network(
                    f"Most requests/s of its {connections:,} connections",
                    lambda look, connections=connections: (
                        f"{1e6 * connections / look.network.round_trips.median_us:,.0f}"
                    ),
                )
                for connections in dict.fromkeys(scenario.connections // len(hosts) for scenario in report.scenarios)
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


def _both(host: LoadHostReport, text: Callable[[LoadHostLook], str | None]) -> str:
    looks = (host.before,) if host.after is None else (host.before, host.after)
    return " → ".join(text(look) or MISSING for look in looks)


def _megabits(look: LoadHostLook, way: str) -> str | None:
    found = look.network.bandwidth
    return None if found is None else f"{getattr(found, way) / 1e6:,.0f}"


def _skew(look: LoadHostLook) -> str:
    clock = look.network.clock
    return f"{clock.wall_offset_ns / 1e6:.3f} ± {clock.error_ns / 1e6:.3f}"


def _between(first: LoadHostReport, host: LoadHostReport) -> str:
    """How far a load host's clock was ahead of the first one's before the run, from both offsets to the lab's."""
    if host is first:
        return MISSING
    own, its = first.before.network.clock, host.before.network.clock
    return f"{(own.wall_offset_ns - its.wall_offset_ns) / 1e6:.3f} ± {(own.error_ns + its.error_ns) / 1e6:.3f}"


def _network_share(report: Report) -> str:
    """The largest share of the network in any cell."""
    shares = [
        cell.load_hosts.network_share
        for cell in report.cells
        if cell.load_hosts is not None and cell.load_hosts.network_share is not None
    ]
    return f"{max(shares):.1%}" if shares else MISSING


_ROLES: dict[Role, str] = {**ROLE_NAMES, "system": "system"}


def variant_words(report: Report) -> tuple[str, ...]:
    """A paragraph on the variants of a run, with a clause for each; empty without variants."""
    varied = {api.name: api.varied for api in report.apis if api.varied is not None}
    if not varied:
        return ()
    as_declared = [api.name for api in report.apis if api.varied is None]
    sentences = [
        (
            "The protocol varies APIs, and each variant is compared like an API. It has a container of its own, with "
            "the image and the limits of its API's."
        )
    ]
    for name, one in varied.items():
        sentences.append(f"{name} is {one.api} {listing([*_differences(report, one)]) or 'as declared'}.")
    if as_declared:
        sentences.append(f"{listing(as_declared)} {is_are(len(as_declared))} as declared.")
    if any(one.postgres for one in varied.values()):
        sentences.append("PostgreSQL was restarted for each cell, and its settings were read back.")
    return (" ".join(sentences),)


def _differences(report: Report, varied: Varied) -> Iterator[str]:
    for name, value in varied.environment.items():
        yield f"with {name}={value}"
    for name, value in varied.postgres.items():
        instead = report.postgres_settings.get(name)
        yield f"with PostgreSQL's {name} at {value}" + (f" instead of {instead}" if instead is not None else "")
    if varied.cores is not None:
        yield f"on other CPUs ({_laid_out(varied.cores)})"


def _laid_out(cores: CoreLayout) -> str:
    return ", ".join(f"{name} {cores.cpu_list(role)}" for role, name in _ROLES.items() if cores.of(role))


_GRADE_NAMES: dict[Grade, str] = {
    "full": "Full host",
    "partly-controlled": "Full host, partly controlled",
    "smaller": "Smaller host",
    "other-tenants": "Cores shared with other tenants",
    "shared": "Shared cores",
}

_GRADE_MEANINGS: dict[Grade, str] = {
    "full": (
        "Eight cores and 16 GB or more, a core layout in which every role has CPUs of its own, and every setting "
        "controlled."
    ),
    "partly-controlled": (
        "Eight cores and 16 GB or more, and every role has CPUs of its own, but not every setting was controlled."
    ),
    "smaller": "Less than the article's 8 cores and 16 GB; every role still has CPUs of its own.",
    "other-tenants": "Other tenants of the cloud use the same cores.",
    "shared": "The load generator shares CPUs with what it measures.",
}


def grade_name(report: Report) -> str:
    """The grade in a few words; below a full host, settings that weren't controlled lower it further."""
    return _GRADE_NAMES[report.grade] + (", partly controlled" if _is_lowered(report) else "")


def grade_meaning(report: Report) -> str:
    """The meaning of the grade."""
    if report.grade == "smaller" and any(report.cores_of(api).shared for api in report.apis):
        meaning = "The load generator has CPUs of its own, but other roles share theirs."
    else:
        meaning = _GRADE_MEANINGS[report.grade]
    lowered = " Not every setting was controlled." if _is_lowered(report) else ""
    return f"{meaning}{lowered}"


def grade_text(report: Report) -> str:
    """The grade of the host and what it means."""
    return f"{grade_name(report)}. {grade_meaning(report)}"


def _is_lowered(report: Report) -> bool:
    controlled = bool(report.knobs) and all(knob.controlled for knob in report.knobs)
    return report.grade in {"smaller", "other-tenants", "shared"} and not controlled


def heading(report: Report) -> str:
    """The page's title: the APIs and loads; many APIs by their number."""
    few = len(report.apis) <= MOST_NAMES
    apis = listing([api.name for api in report.apis]) if few else f"{len(report.apis)} APIs"
    loads = listing([scenario.name for scenario in report.scenarios])
    return f"{apis} under {loads} load"


def in_short(report: Report) -> str:
    """The size of the run, and what else than the APIs was the limit, in a sentence each."""
    valid = len(report.every_cell)
    planned = valid + len(report.void_cells) + len(report.unfinished_cells)
    return (
        f"{_subjects(report)}, {counted(len(report.scenarios), 'load')} and "
        f"{counted(report.blocks, 'block')} on {counted(len(report.size.cpus), 'core')}: "
        f"{valid} of {counted(planned, 'cell')} valid.{''.join(f' {said}' for said in _limits(report))}"
    )


def _limits(report: Report) -> Iterator[str]:
    """PostgreSQL or Redis, and CPUs that an API shares, where they were used up in most cells."""
    for service, name in SERVICES.items():
        bound = mostly_bound_by(service, report.cells)
        loads_of: dict[str, list[str]] = {}
        for scenario in report.scenarios:
            apis = [api.name for api in report.apis if (api.name, scenario.name) in bound]
            if apis:
                which = "all APIs" if len(apis) == len(report.apis) else listing(apis)
                loads_of.setdefault(which, []).append(scenario.name)
        if loads_of:
            where = "; ".join(f"of {apis} under {listing(loads)}" for apis, loads in loads_of.items())
            yield f"{name} was the limit {where}."
    layouts = {api.name: report.cores_of(api) for api in report.apis}
    full = in_most_cells(report.cells, lambda cell: shares_used_up(cell, layouts[cell.api]))
    if full:
        beside = dict.fromkeys(
            "the generator" if role == "generator" else name
            for api, _ in sorted(full)
            for role, name in ROLE_NAMES.items()
            if role != "api" and layouts[api].joined("api") & {*layouts[api].of(role)}
        )
        yield f"The API shared its CPUs with {listing([*beside])}, and together they used them up."


def _subjects(report: Report) -> str:
    """The number of APIs and variants."""
    variants = sum(api.varied is not None for api in report.apis)
    counts = ((len(report.apis) - variants, "API"), (variants, "variant"))
    return " and ".join(counted(number, of) for number, of in counts if number)


def run_details(report: Report) -> tuple[tuple[str, str], ...]:
    """The facts that identify the run."""
    return (
        ("Run", report.run_id),
        ("Started", report.started_at.isoformat(sep=" ", timespec="seconds")),
        ("Stack", report.stack),
        ("Protocol", f"{report.protocol}, {counted(report.blocks, 'block')}, {_warm_up(report)}"),
        ("Commit", report.git_commit),
        *([] if report.budget_seconds is None else [("Budget", format_duration(report.budget_seconds))]),
        ("Seeds", f"order {report.order_seed}, requests {report.request_seed}"),
    )


def host_details(report: Report) -> tuple[tuple[str, str], ...]:
    """The host's identity, core layout and tools."""
    host = report.host
    return (
        ("Grade", grade_text(report)),
        ("Settings", f"{capital(report.control)}."),
        ("Kind", _KINDS.get(report.host_kind, report.host_kind)),
        ("Processor", f"{host.cpu_model}, {counted(host.threads_per_core, 'thread')} a core"),
        ("CPUs of the lab", format_cpu_list(report.size.cpus)),
        ("CPUs by role", _laid_out(report.cores)),
        ("Memory of the lab", f"{report.size.memory_bytes / 2**30:.3g} of {host.memory_bytes / 2**30:.3g} GiB"),
        ("Machine", _machine(host)),
        ("System", f"{host.operating_system}, kernel {host.kernel}, cgroup v{host.cgroup_version}"),
    )


def _machine(host: HostIdentity) -> str:
    """Cores, NUMA, microcode, swap and irqbalance; what wasn't recorded is named at the end."""
    swap = None if host.swap_bytes is None else f"{host.swap_bytes / 2**30:.3g} GiB of swap"
    found = {
        "physical cores": None if host.physical_cores is None else counted(host.physical_cores, "physical core"),
        "NUMA nodes": None if host.numa_nodes is None else counted(host.numa_nodes, "NUMA node"),
        "swap": swap,
        "microcode": host.microcode and f"microcode {host.microcode}",
        "irqbalance": {True: "irqbalance runs", False: "no irqbalance", None: None}[host.irqbalance],
    }
    known = ", ".join(text for text in found.values() if text)
    unknown = listing([name for name, text in found.items() if not text])
    return "; ".join([*([known] if known else []), *([f"not recorded: {unknown}"] if unknown else [])])


_KINDS = {"container": "A container on the controller's own machine; kernel settings are only read."}


def rerun_commands(report: Report) -> tuple[str, ...]:
    """The shell commands that stand the lab up and measure again, with the same order of cells."""
    commit = report.git_commit.removesuffix("-dirty")
    run = ["lab", "run", "--stack", report.stack, "--protocol", report.protocol_file or report.protocol]
    run += ["--seed", str(report.order_seed), *(word for api in report.apis for word in ("--api", api.name))]
    if report.budget_seconds is not None:
        run += ["--budget", format_duration(report.budget_seconds)]
    return (
        *([] if commit == UNKNOWN_COMMIT else [f"git checkout {shlex.quote(commit)}"]),
        "make setup",
        ". ./env",
        f"lab up --stack {shlex.quote(report.stack)}",
        shlex.join(run),
        "lab report",
    )


def _warm_up(report: Report) -> str:
    return f"at most {report.warm_up_seconds} s of warm-up" if report.warm_up_seconds else "no warm-up"


_CELLS = (
    "The unit is the cell: one restart of an API, one warm-up, one load window. A block gives one value for each API "
    "and load: its cell's, or the mean of both where it measured the API twice. Throughput and latency are geometric "
    "means over blocks with t intervals on the log scale; CPU and memory are arithmetic means. Whether the intervals "
    "of two APIs overlap doesn't show whether they differ; the verdicts do."
)
_PAIRS = (
    "Two APIs are compared by the ratio of their values in each block, in which disturbances as long as a block "
    "cancel. A paired t test on the log scale, corrected by Holm's method for all pairs and loads of a measure, shows "
    "whether they differ, and a separate equivalence test whether they are the same. The margin of the latter was "
    "fixed before the run."
)
_CLOSED_LOOP = (
    "In a closed loop each connection waits for its answer before its next request, so a stall hides the requests "
    "that would have been sent in that time. Raw latency counts each response once; corrected latency adds those "
    "requests by wrk's own rule, which was inverted exactly to recover the raw counts. Percentiles are exact nearest "
    "ranks from a histogram by the microsecond."
)
_OPEN_LOOP = (
    "In the open loop requests are due at a given rate, however long the answers take, and each latency runs from "
    "when its request was due. So a stall shows in every request that was due during it, and nothing has to be "
    "corrected."
)
_RECOMPUTE = (
    "The project's page on statistics, docs/statistics.md, has each formula with its source, and a short script "
    "without any of the lab's code. In the project's folder, with the run in runs/, it computes every verdict above "
    "from the raw files:"
)


def method_words(report: Report) -> tuple[str, ...]:
    """The paragraphs on the computation of a report's numbers; the last one introduces `recompute_command`."""
    open_loop = (_OPEN_LOOP,) if report.open_loop else ()
    return (_CELLS, *variant_words(report), _PAIRS, _CLOSED_LOOP, *open_loop, _RECOMPUTE)


def recompute_command(report: Report) -> str:
    """The shell command that computes the verdicts again."""
    return shlex.join([".venv/bin/python", "-m", "benchmarks.recompute", f"runs/{report.run_id}"])
