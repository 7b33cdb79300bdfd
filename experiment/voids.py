"""Decide whether a load window counts: each reason why it is void, with its numbers. Pure functions of raw files.

`analysis.raw.limits` has the limit beyond which a disturbance of the host voids a cell.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from analysis.cells import measure, measure_open_loop
from analysis.raw import SAMPLED_ROLES, CellFiles, WatchFiles, Window, limits, read_samples, usage, watch_numbers
from documents.errors import AnalysisError, DocumentError
from documents.lab import CoreLayout, Role
from documents.report import CellNumbers, OpenLoopNumbers, WatchNumbers
from documents.run import Cell, OpenLoopCell, OpenLoopResult, SampledRole, Void, WindowResult, Workload, WrkResult
from experiment.workloads import EXPECTED_STATUS

_OWN: tuple[Role, ...] = ("api", "postgres")
"""The roles whose CPUs no other program may use if they have CPUs of their own; the system's CPUs run daemons."""


def host_voids(watch: WatchNumbers, cores: CoreLayout) -> list[Void]:
    """The disturbances that the watch alone shows."""
    return [
        *_stolen(watch, cores),
        *_held_back(watch),
        *_used_by_others(watch, cores),
        *_starved(watch, cores.cpu_list("generator")),
        *_unanswered(watch),
        *_spun(watch, cores),
    ]


def generator_voids(numbers: CellNumbers | OpenLoopNumbers, cores: CoreLayout) -> list[Void]:
    """Whether the generator was the limit, or connections still waited for answers when the window ended.

    Call it only for a cell that is valid otherwise. A generator that shares its CPUs with what it measures isn't judged
    by its use of them: every page reports that layout. Little's law is checked for a closed loop only.
    """
    watch = numbers.watch
    if watch is None:
        return []
    own = not cores.shares("generator")
    busiest = max((*watch.generator_busy, *(watch.busy[cpu] for cpu in cores.generator)))
    waited = watch.generator_waited or 0.0
    found: list[Void] = []
    if own and max(numbers.generator_saturation, busiest) > limits.GENERATOR_BUSY_MOST:
        message = (
            f"The load generator used {numbers.generator_saturation:.0%} of the CPUs that its threads can fill, and "
            f"its busiest CPU was busy for {busiest:.0%} of the load; the limit is {limits.GENERATOR_BUSY_MOST:.0%}."
        )
        found.append(Void(reason="generator-saturated", message=message))
    if own and waited > limits.GENERATOR_WAITED_MOST:
        message = (
            f"The load generator's threads waited for a CPU for {waited:.0%} of the load; the limit is "
            f"{limits.GENERATOR_WAITED_MOST:.0%}."
        )
        found.append(Void(reason="generator-saturated", message=message))
    if isinstance(numbers, CellNumbers) and not found and _accounted_for(numbers) < limits.LITTLES_LAW_LEAST:
        spare = busiest <= limits.GENERATOR_BUSY_MOST
        found += _missing_in_littles_law(numbers.littles_law, blind=watch.stuck is None, spare=spare, own=own)
    return found


def load_host_voids(numbers: CellNumbers | OpenLoopNumbers) -> list[Void]:
    """Whether load hosts didn't work as one generator, or the network between them and the API was the limit.

    Call it only for a cell that is valid otherwise.
    """
    found = numbers.load_hosts
    if found is None:
        return []
    voids: list[Void] = [] if numbers.watch is None else _disturbed_load_hosts(numbers.watch)
    if found.clock_error_seconds > limits.CLOCK_ERROR_MOST_SECONDS:
        message = (
            f"The clocks of the hosts are known to {1e3 * found.clock_error_seconds:.1f} ms only; the limit is "
            f"{1e3 * limits.CLOCK_ERROR_MOST_SECONDS:g} ms. The network between them is slow, or was busy, or a clock "
            "ran unevenly."
        )
        voids.append(Void(reason="clock-unsure", message=message))
    if found.start_skew_seconds > limits.START_SKEW_MOST_SECONDS:
        message = (
            f"The load generators began {found.start_skew_seconds:.2f} s apart; the limit is "
            f"{limits.START_SKEW_MOST_SECONDS} s. One wasn't ready in time: a load host was busy, or took long to be "
            "reached."
        )
        voids.append(Void(reason="generators-apart", message=message))
    if found.network_share is not None and found.network_share > limits.NETWORK_BUSY_MOST:
        message = (
            f"The answers took {found.network_share:.0%} of what the network between the hosts can carry; the limit is "
            f"{limits.NETWORK_BUSY_MOST:.0%}. So the network is measured, and not the API."
        )
        voids.append(Void(reason="network-saturated", message=message))
    return voids


def _disturbed_load_hosts(watch: WatchNumbers) -> list[Void]:
    voids = [*_held_back(watch), *_starved(watch, "a load host")]
    stolen = watch.steal["generator"]
    if stolen > limits.STEAL_MOST and stolen * len(watch.generator_busy) * watch.seconds > limits.COUNTED_SECONDS_LEAST:
        message = f"The hypervisor took {stolen:.1%} of a load host's CPUs; the limit is {limits.STEAL_MOST:.0%}."
        voids.append(Void(reason="steal", message=message))
    return voids


def _stolen(watch: WatchNumbers, cores: CoreLayout) -> list[Void]:
    stolen = {
        role: share
        for role, share in watch.steal.items()
        if share > limits.STEAL_MOST and _counts(share, role, watch, cores)
    }
    if not stolen:
        return []
    listed = ", ".join(f"{share:.1%} from {role}" for role, share in stolen.items())
    return [
        Void(reason="steal", message=f"The hypervisor took CPU time: {listed}; the limit is {limits.STEAL_MOST:.0%}.")
    ]


def _used_by_others(watch: WatchNumbers, cores: CoreLayout) -> list[Void]:
    voids: list[Void] = []
    for role in _OWN:
        share = watch.others[role]
        if share > limits.OTHERS_ON_API_MOST and _counts(share, role, watch, cores) and not cores.shares(role):
            message = (
                f"Other programs than the lab's used {share:.0%} of the CPUs of {role} "
                f"({cores.cpu_list(role)}); the limit is {limits.OTHERS_ON_API_MOST:.0%}."
            )
            voids.append(Void(reason="noisy-neighbour", message=message))
    return voids


def _held_back(watch: WatchNumbers) -> list[Void]:
    held = {directory: seconds for directory, seconds in watch.throttled.items() if seconds > limits.THROTTLED_MOST}
    if not held:
        return []
    listed = ", ".join(f"{directory} for {seconds:.2f} s" for directory, seconds in held.items())
    return [Void(reason="throttled", message=f"A CPU quota held back what is measured: {listed}.")]


def _starved(watch: WatchNumbers, where: str) -> list[Void]:
    """Whether other programs used the generator's CPUs; never on a host without a generator."""
    if watch.others.get("generator", 0.0) <= limits.OTHERS_ON_GENERATOR_MOST:
        return []
    message = (
        f"The load generator was starved: other programs than the lab's used {watch.others['generator']:.0%} of "
        f"its CPUs ({where}); the limit is {limits.OTHERS_ON_GENERATOR_MOST:.0%}."
    )
    return [Void(reason="generator-saturated", message=message)]


def _unanswered(watch: WatchNumbers) -> list[Void]:
    voids: list[Void] = []
    if watch.connections_planned is None:
        return []
    if watch.connections < watch.connections_planned:
        message = (
            f"Only {watch.connections} of {watch.connections_planned} connections to the API were ever open at once."
        )
        voids.append(Void(reason="connections-missing", message=message))
    if watch.stuck is not None and watch.stuck > limits.STUCK_MOST:
        message = (
            f"{watch.stuck} of {watch.connections_planned} connections had been sent no answer since the load began, "
            "or for as long as a request may take, when it ended."
        )
        voids.append(Void(reason="stuck-requests", message=message))
    return voids


def _spun(watch: WatchNumbers, cores: CoreLayout) -> list[Void]:
    # A shared CPU may be an SMT sibling of one of the API's, busy or idle from moment to moment.
    if cores.shared:
        return []
    # As a ratio: 50% slower and 33% faster are the same change.
    times = max(1 + watch.spin_change, 1 / (1 + watch.spin_change))
    if times <= 1 + limits.SPIN_CHANGE_MOST:
        return []
    direction = "slower" if watch.spin_change > 0 else "faster"
    message = (
        f"The API's CPUs were {times - 1:.0%} {direction} after the load than before it, by the calibration spin; "
        f"the limit is {limits.SPIN_CHANGE_MOST:.0%}."
    )
    return [Void(reason="spin", message=message)]


def _accounted_for(numbers: CellNumbers) -> float:
    """Little's law, including the waiting time of the requests that were under way at the window's end.

    No latency includes them. Each connection has one, which for exponential latencies has waited for a mean latency
    (Cox 1962, "Renewal Theory", chapter 5). That matters only in a window as short as a few latencies, where an honest
    API would otherwise be below the limit.
    """
    window_us = 1e6 * numbers.requests / numbers.throughput
    return numbers.littles_law + numbers.raw.mean_us / window_us


def _missing_in_littles_law(littles_law: float, *, blind: bool, spare: bool, own: bool) -> list[Void]:
    """Why throughput times latency is less than the connections: because of the generator, or of missing answers.

    A kernel that shows how long connections are silent has shown that none hangs. On any other kernel, connections
    don't wait for a generator that has CPU to spare.
    """
    if blind and spare:
        message = (
            f"Little's law gives {littles_law:.2f} instead of {limits.LITTLES_LAW_LEAST} or more, and the load "
            "generator had CPU to spare: connections waited for answers that hadn't come when the load ended."
        )
        return [Void(reason="stuck-requests", message=message)]
    if not own:
        return []
    message = (
        f"Little's law gives {littles_law:.2f} instead of {limits.LITTLES_LAW_LEAST} or more: connections waited for "
        "the load generator."
    )
    return [Void(reason="generator-saturated", message=message)]


def _counts(share: float, role: Role, watch: WatchNumbers, cores: CoreLayout) -> bool:
    """Whether a share of a role's CPUs is more than a few steps of the kernel's counters."""
    return share * len(cores.of(role)) * watch.seconds > limits.COUNTED_SECONDS_LEAST


def window_voids(result: WindowResult, workload: Workload) -> list[Void]:
    """The reasons in the generator's counters why a window is void."""
    return _wrk_voids(result, workload) if isinstance(result, WrkResult) else _open_loop_voids(result, workload)


def _wrk_voids(result: WrkResult, workload: Workload) -> list[Void]:
    """The reasons in wrk's counters why a window is void: errors, and wrong statuses.

    wrk counts a response of any status as a request. Its errors include responses slower than the timeout, but not
    connections that still wait at the window's end. These, like a slow generator, show in Little's law.
    """
    voids: list[Void] = []
    if result.requests == 0:
        voids.append(Void(reason="no-requests", message=f"No request was answered in {result.duration_seconds} s."))
    if result.errors.total > 0:
        counters = ", ".join(f"{name} {count:,}" for name, count in result.errors.model_dump().items() if count)
        voids.append(
            Void(
                reason="wrk-errors",
                message=f"wrk counted {result.errors.total:,} errors in {result.requests:,} requests: {counters}.",
            )
        )
    if result.statuses is not None and workload in EXPECTED_STATUS:
        expected = str(EXPECTED_STATUS[workload])
        wrong = {status: count for status, count in result.statuses.items() if status != expected}
        if wrong:
            counts = ", ".join(f"{status} {count:,} times" for status, count in sorted(wrong.items()))
            voids.append(
                Void(
                    reason="wrong-status",
                    message=f"{workload} must be answered with {expected}, but was with {counts}.",
                )
            )
    return voids


def sample_voids(
    samples_csv: bytes, window: Window, *, name: str, roles: Sequence[SampledRole] = SAMPLED_ROLES
) -> list[Void]:
    """Whether each role was sampled throughout the window: on average five times a second or more, without a gap."""
    try:
        samples = read_samples(samples_csv, name=name, roles=roles)
        seconds = (window.end_ns - window.start_ns) / 1e9
        counts = {role: _within(found.time_ns, window) for role, found in samples.items()}
        lacking = {role: count for role, count in counts.items() if count < limits.SAMPLES_A_SECOND_LEAST * seconds}
        if lacking:
            listed = ", ".join(f"{role} {count} times" for role, count in lacking.items())
            return [
                Void(reason="sampler-failed", message=f"In {seconds:.1f} s of load there were samples of {listed}.")
            ]
        usage(samples, window, name=name)
    except AnalysisError as error:
        return [Void(reason="sampler-failed", message=str(error))]
    return []


def watch_voids(files: WatchFiles, window: Window, result: WindowResult | None, *, folder: str) -> list[Void]:
    """The disturbances of the host in the window, whatever else is wrong with the cell.

    `result` is None if the generator left none; `folder`, for messages, has a final slash.
    """
    try:
        numbers = watch_numbers(files, window=window, result=result, folder=folder)
    except (AnalysisError, DocumentError) as error:
        return [Void(reason="watch-failed", message=str(error))]
    return host_voids(numbers, files.cores)


def analysis_voids(cell: Cell, files: CellFiles) -> list[Void]:
    """Whether the analysis can compute a cell's numbers, so that no cell stops the report of a whole run.

    Samples and watch were checked before, so a failure is the generator's. If the numbers can be computed: whether they
    show the API and not the generator.
    """
    try:
        numbers = measure_open_loop(cell, files) if isinstance(cell, OpenLoopCell) else measure(cell, files).numbers
    except (AnalysisError, DocumentError) as error:
        return [Void(reason="generator-failed", message=str(error))]
    watched = files.watched
    return [*load_host_voids(numbers), *([] if watched is None else generator_voids(numbers, watched.cores))]


def _within(times_ns: NDArray[np.int64], window: Window) -> int:
    return int(np.count_nonzero((times_ns >= window.start_ns) & (times_ns <= window.end_ns)))


_EXPECTED_BY_METHOD = {"GET": 200, "POST": 201, "PUT": 200}
"""The expected statuses of `mixed`: reads, creations of posts, and updates of posts."""


def _open_loop_voids(result: OpenLoopResult, workload: Workload) -> list[Void]:
    """The reasons in the generator's counters why a window is void.

    A request that was sent late is valid, because its latency includes the wait. A window in which too few were sent is
    void, because it had another rate.
    """
    voids: list[Void] = []
    if result.latency.count == 0:
        voids.append(Void(reason="no-requests", message=f"No request was answered in {result.duration_seconds} s."))
    if result.throughput < limits.SHARE_OF_RATE_LEAST * result.rate:
        voids.append(
            Void(
                reason="rate-missed",
                message=f"{result.throughput:.1f} requests/s were sent in time, "
                f"{result.throughput / result.rate:.1%} of the {result.rate} that were due: the API couldn't take "
                f"more over {result.connections} connections, or the generator had too little CPU.",
            )
        )
    if result.errors.total > 0:
        voids.append(
            Void(
                reason="vegeta-errors",
                message=f"{result.errors.total:,} of {result.requests:,} requests weren't answered, "
                f"{result.errors.timeout:,} of them because {result.timeout_seconds} s were over; the first: "
                f"{result.first_error}.",
            )
        )
    wrong = _wrong_statuses(result.statuses, workload)
    if wrong:
        voids.append(Void(reason="wrong-status", message=f"{workload} was answered wrongly: {', '.join(wrong)}."))
    return voids


def _wrong_statuses(statuses: dict[str, dict[str, int]], workload: Workload) -> list[str]:
    return [
        f"{method} with {status} instead of {expected} {count} times"
        for method, found in sorted(statuses.items())
        for expected in [EXPECTED_STATUS.get(workload, _EXPECTED_BY_METHOD.get(method))]
        for status, count in sorted(found.items())
        if status != str(expected)
    ]
