"""What the pages say in words about a run: heading, grade, host, variants, method, and how to run it again."""

import shlex
from collections.abc import Iterator

from analysis.numbers import MOST_NAMES, listing
from analysis.pages.table import ROLE_NAMES
from documents.base import format_duration
from documents.lab import CoreLayout, Role, Varied
from documents.report import Grade, Report
from documents.run import UNKNOWN_COMMIT, HostIdentity

_ROLES: dict[Role, str] = {**ROLE_NAMES, "system": "system"}


def variant_words(report: Report) -> tuple[str, ...]:
    """A paragraph on the variants of a run, with a clause for each; none where it varies nothing."""
    varied = {api.name: api.varied for api in report.apis if api.varied is not None}
    if not varied:
        return ()
    as_declared = [api.name for api in report.apis if api.varied is None]
    sentences = [
        (
            "The protocol varies APIs, and each variant is compared as an API is. It has a container of its own, made "
            "from that of its API, of the same image and with the same limits."
        )
    ]
    for name, one in varied.items():
        sentences.append(f"{name} is {one.api} {listing([*_differences(report, one)]) or 'as declared'}.")
    if as_declared:
        sentences.append(f"{listing(as_declared)} {'is' if len(as_declared) == 1 else 'are'} as declared.")
    if any(one.postgres for one in varied.values()):
        sentences.append(
            "PostgreSQL was started anew for each cell, whatever its settings, and asked for those that were at work."
        )
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
        "Eight cores and 16 GB or more, a core layout in which every role has CPUs of its own, and every setting as a "
        "measurement wants it."
    ),
    "partly-controlled": (
        "Eight cores and 16 GB or more, and every role has CPUs of its own; but not every setting was as a measurement "
        "wants it."
    ),
    "smaller": "Less than the article's 8 cores and 16 GB; every role still has CPUs of its own.",
    "other-tenants": "Other tenants of the cloud have the same cores, and take of them what they need.",
    "shared": "The load generator shares CPUs with what it measures.",
}


def grade_name(report: Report) -> str:
    """The grade in a few words; one below that of a full host is lowered further by what wasn't controlled."""
    return _GRADE_NAMES[report.grade] + (", partly controlled" if _is_lowered(report) else "")


def grade_meaning(report: Report) -> str:
    """What the grade says of the host."""
    if report.grade == "smaller" and report.cores.shared:
        meaning = "The load comes from load hosts, but what it is put on shares CPUs."
    else:
        meaning = _GRADE_MEANINGS[report.grade]
    lowered = " Nor was every setting as a measurement wants it." if _is_lowered(report) else ""
    return f"{meaning}{lowered}"


def grade_text(report: Report) -> str:
    """The grade of the host and what it means."""
    return f"{grade_name(report)}. {grade_meaning(report)}"


def _is_lowered(report: Report) -> bool:
    controlled = bool(report.knobs) and all(knob.controlled for knob in report.knobs)
    return report.grade in {"smaller", "other-tenants", "shared"} and not controlled


def heading(report: Report) -> str:
    """The page's title: what was measured under which loads; many APIs by their number."""
    few = len(report.apis) <= MOST_NAMES
    apis = listing([api.name for api in report.apis]) if few else f"{len(report.apis)} APIs"
    loads = listing([scenario.name for scenario in report.scenarios])
    return f"{apis} under {loads} load"


def in_short(report: Report) -> str:
    """One sentence on the extent of the run."""
    valid = len(report.cells) + (0 if report.open_loop is None else len(report.open_loop.cells))
    planned = valid + len(report.void_cells) + len(report.unfinished_cells)
    return (
        f"{_subjects(report)}, {_count(len(report.scenarios), 'load')} and "
        f"{_count(report.blocks, 'block')} on {_count(len(report.size.cpus), 'core')}: "
        f"{valid} of {_count(planned, 'cell')} valid."
    )


def _subjects(report: Report) -> str:
    """How many APIs and variants were compared."""
    variants = sum(api.varied is not None for api in report.apis)
    counts = ((len(report.apis) - variants, "API"), (variants, "variant"))
    return " and ".join(_count(number, of) for number, of in counts if number)


def run_facts(report: Report) -> tuple[tuple[str, str], ...]:
    """What identifies the run."""
    return (
        ("Run", report.run_id),
        ("Started", report.started_at.isoformat(sep=" ", timespec="seconds")),
        ("Stack", report.stack),
        ("Protocol", f"{report.protocol}, {_count(report.blocks, 'block')}, {_warm_up(report)}"),
        ("Commit", report.git_commit),
        *([] if report.budget_seconds is None else [("Budget", format_duration(report.budget_seconds))]),
        ("Seeds", f"order {report.order_seed}, requests {report.request_seed}"),
    )


def host_facts(report: Report) -> tuple[tuple[str, str], ...]:
    """The host's identity, core layout and tools."""
    host = report.host
    layout = ", ".join(
        f"{name} {report.cores.cpu_list(role)}"
        for role, name in (*ROLE_NAMES.items(), _SYSTEM)
        if report.cores.of(role)
    )
    return (
        ("Grade", grade_text(report)),
        ("Settings", f"{report.control[0].upper()}{report.control[1:]}."),
        ("Kind", _KINDS.get(report.host_kind, report.host_kind)),
        ("Processor", f"{host.cpu_model}, {_count(host.threads_per_core, 'thread')} a core"),
        ("CPUs of the lab", ",".join(map(str, report.size.cpus))),
        ("CPUs by role", layout),
        ("Memory of the lab", f"{report.size.memory_bytes / 2**30:.3g} of {host.memory_bytes / 2**30:.3g} GiB"),
        ("Machine", _machine(host)),
        ("System", f"{host.operating_system}, kernel {host.kernel}, cgroup v{host.cgroup_version}"),
    )


def _machine(host: HostIdentity) -> str:
    """Cores, NUMA, microcode, swap and irqbalance, and of what the host doesn't tell that it doesn't."""

    def told(value: object, unit: str) -> str:
        return f"{unit} not told" if value is None else f"{value} {unit}"

    swap = None if host.swap_bytes is None else f"{host.swap_bytes / 2**30:.3g}"
    return ", ".join(
        (
            told(host.physical_cores, "physical cores"),
            told(host.numa_nodes, "NUMA nodes"),
            told(swap, "GiB of swap"),
            f"microcode {host.microcode or 'not told'}",
            {True: "irqbalance runs", False: "no irqbalance", None: "irqbalance not told"}[host.irqbalance],
        )
    )


_SYSTEM: tuple[Role, str] = ("system", "system")

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


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


CELLS = (
    "The unit is the cell: one restart of an API, one warm-up, one load window. A block gives one value for each API "
    "and load: its cell's, or the mean of both where it measured the API twice. Throughput and latency are geometric "
    "means over blocks with t intervals on the log scale; CPU and memory are arithmetic means. Intervals of two APIs "
    "that overlap, or don't, are no test between them."
)
PAIRS = (
    "Two APIs are compared by the ratio of their values in each block, where what lasts as long as a block cancels: a "
    "paired t test on the log scale, corrected by Holm's method for all pairs and loads of a measure, says whether "
    "they differ, and an equivalence test of its own whether they are the same. The margin of the latter was fixed "
    "before the run."
)
CLOSED_LOOP = (
    "Under a closed loop each connection waits for its answer before it asks again, so a stall hides the requests "
    "that would have been sent meanwhile. Raw latency counts each response once; corrected latency adds those "
    "requests by wrk's own rule, which was inverted exactly to recover the raw counts. Percentiles are exact nearest "
    "ranks from a histogram by the microsecond."
)
OPEN_LOOP = (
    "Under the open loop requests arrive at a given rate, however long the answers take, and each latency runs from "
    "when its request was due. So a stall is met by all who would have come meanwhile, and nothing has to be "
    "corrected."
)
RECOMPUTE = (
    "The project's page on statistics, docs/statistics.md, has each formula with its source, and a short script that "
    "has none of the lab's code in it. In the project's folder, with the run below runs/, it computes every verdict "
    "above from the raw files:"
)


def method_words(report: Report) -> tuple[str, ...]:
    """The paragraphs on how a report's numbers are made; the last one introduces `recompute_command`."""
    return (CELLS, *variant_words(report), PAIRS, CLOSED_LOOP, *((OPEN_LOOP,) if report.open_loop else ()), RECOMPUTE)


def recompute_command(report: Report) -> str:
    """The shell command that computes the verdicts again."""
    return shlex.join([".venv/bin/python", "-m", "benchmarks.recompute", f"runs/{report.run_id}"])
