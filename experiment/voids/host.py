"""What on the host voids a cell: a disturbance by its name, with its numbers and the limit that it is beyond.

The limits, each with its reason, are those of `analysis.raw.limits`.
"""

from analysis.raw import (
    CLOCK_ERROR_MOST_SECONDS,
    COUNTED_SECONDS_LEAST,
    GENERATOR_BUSY_MOST,
    GENERATOR_WAITED_MOST,
    LITTLES_LAW_LEAST,
    NETWORK_BUSY_MOST,
    OTHERS_ON_API_MOST,
    OTHERS_ON_GENERATOR_MOST,
    SPIN_CHANGE_MOST,
    START_SKEW_MOST_SECONDS,
    STEAL_MOST,
    STUCK_MOST,
    THROTTLED_MOST,
)
from documents.lab import ROLES, CoreLayout, Role
from documents.report import CellNumbers, OpenLoopNumbers, WatchNumbers
from documents.run import Void

_OWN: tuple[Role, ...] = ("api", "postgres")
"""The roles whose CPUs nothing else has, where the layout gives them CPUs of their own: the system's have daemons."""


def host_voids(watch: WatchNumbers, cores: CoreLayout) -> list[Void]:
    """The disturbances that the watch saw by itself.

    Args:
        watch: what the host was like.
        cores: the CPUs of each role.
    """
    return [*_stolen(watch, cores), *_used_by_others(watch, cores), *_unanswered(watch), *_spun(watch, cores)]


def generator_voids(numbers: CellNumbers | OpenLoopNumbers, cores: CoreLayout) -> list[Void]:
    """Whether the generator was the limit, or connections waited to the window's end without the kernel's telling.

    Where the generator shares CPUs it fills them together with what it measures. That is said of the layout on every
    page, and is no disturbance. Little's law is that of a closed loop.

    Args:
        numbers: those of a cell that nothing else voids.
        cores: the CPUs of each role.
    """
    watch = numbers.watch
    if watch is None:
        return []
    own = not _shares(cores, "generator")
    busiest = max((*watch.generator_busy, *(watch.busy[cpu] for cpu in cores.generator)))
    waited = watch.generator_waited or 0.0
    found: list[Void] = []
    if own and max(numbers.generator_saturation, busiest) > GENERATOR_BUSY_MOST:
        message = (
            f"The load generator used {numbers.generator_saturation:.0%} of the CPUs that its threads can fill, and "
            f"its busiest CPU was busy for {busiest:.0%} of the load; at most are {GENERATOR_BUSY_MOST:.0%}."
        )
        found.append(Void(reason="generator-saturated", message=message))
    if own and waited > GENERATOR_WAITED_MOST:
        message = (
            f"The load generator's threads stood ready without a CPU for {waited:.0%} of the load; at most are "
            f"{GENERATOR_WAITED_MOST:.0%}."
        )
        found.append(Void(reason="generator-saturated", message=message))
    if isinstance(numbers, CellNumbers) and not found and _accounted_for(numbers) < LITTLES_LAW_LEAST:
        spare = busiest <= GENERATOR_BUSY_MOST
        found += _missing_in_littles_law(numbers.littles_law, blind=watch.stuck is None, spare=spare, own=own)
    return found


def load_host_voids(numbers: CellNumbers | OpenLoopNumbers) -> list[Void]:
    """Whether load hosts didn't work as one generator, or the network between them and the API was the limit.

    Args:
        numbers: those of a cell that nothing else voids.
    """
    found = numbers.load_hosts
    if found is None:
        return []
    voids: list[Void] = [] if numbers.watch is None else _disturbed_load_hosts(numbers.watch)
    if found.clock_error_seconds > CLOCK_ERROR_MOST_SECONDS:
        message = (
            f"The clocks of the hosts are known to {1e3 * found.clock_error_seconds:.1f} ms only; at most are "
            f"{1e3 * CLOCK_ERROR_MOST_SECONDS:g} ms. The network between them is slow, or was busy, or a clock ran "
            "unevenly."
        )
        voids.append(Void(reason="clock-unsure", message=message))
    if found.start_skew_seconds > START_SKEW_MOST_SECONDS:
        message = (
            f"The load generators began {found.start_skew_seconds:.2f} s apart; at most are {START_SKEW_MOST_SECONDS} "
            "s. One wasn't ready in time: a load host was busy, or it took long to be reached."
        )
        voids.append(Void(reason="generators-apart", message=message))
    if found.network_share is not None and found.network_share > NETWORK_BUSY_MOST:
        message = (
            f"The answers took {found.network_share:.0%} of what the network between the hosts can carry; at most are "
            f"{NETWORK_BUSY_MOST:.0%}. It is the limit there, and not the API."
        )
        voids.append(Void(reason="network-saturated", message=message))
    return voids


def _disturbed_load_hosts(watch: WatchNumbers) -> list[Void]:
    voids = [*_held_back(watch), *_starved(watch, "a load host")]
    stolen = watch.steal["generator"]
    if stolen > STEAL_MOST and stolen * len(watch.generator_busy) * watch.seconds > COUNTED_SECONDS_LEAST:
        message = f"The hypervisor took {stolen:.1%} of a load host's CPUs; at most are {STEAL_MOST:.0%}."
        voids.append(Void(reason="steal", message=message))
    return voids


def _stolen(watch: WatchNumbers, cores: CoreLayout) -> list[Void]:
    stolen = {
        role: share for role, share in watch.steal.items() if share > STEAL_MOST and _counts(share, role, watch, cores)
    }
    if not stolen:
        return []
    told = ", ".join(f"{share:.1%} from {role}" for role, share in stolen.items())
    return [Void(reason="steal", message=f"The hypervisor took CPU time: {told}; at most are {STEAL_MOST:.0%}.")]


def _used_by_others(watch: WatchNumbers, cores: CoreLayout) -> list[Void]:
    voids = _held_back(watch)
    for role in _OWN:
        share = watch.others[role]
        if share > OTHERS_ON_API_MOST and _counts(share, role, watch, cores) and not _shares(cores, role):
            message = (
                f"Other programs than the lab's used {share:.0%} of the CPUs of {role} "
                f"({cores.cpu_list(role)}); at most are {OTHERS_ON_API_MOST:.0%}."
            )
            voids.append(Void(reason="noisy-neighbour", message=message))
    return [*voids, *_starved(watch, cores.cpu_list("generator"))]


def _held_back(watch: WatchNumbers) -> list[Void]:
    held = {directory: seconds for directory, seconds in watch.throttled.items() if seconds > THROTTLED_MOST}
    if not held:
        return []
    told = ", ".join(f"{directory} for {seconds:.2f} s" for directory, seconds in held.items())
    return [Void(reason="throttled", message=f"A CPU quota held back what is measured: {told}.")]


def _starved(watch: WatchNumbers, where: str) -> list[Void]:
    """Whether others took the generator's CPUs; a lab's host without a generator has none of them."""
    if watch.others.get("generator", 0.0) <= OTHERS_ON_GENERATOR_MOST:
        return []
    message = (
        f"The load generator was starved: other programs than the lab's used {watch.others['generator']:.0%} of "
        f"its CPUs ({where}); at most are {OTHERS_ON_GENERATOR_MOST:.0%}."
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
    if watch.stuck is not None and watch.stuck > STUCK_MOST:
        message = (
            f"{watch.stuck} of {watch.connections_planned} connections had been sent no answer since the load began, "
            "or for as long as a request may take, when it ended."
        )
        voids.append(Void(reason="stuck-requests", message=message))
    return voids


def _spun(watch: WatchNumbers, cores: CoreLayout) -> list[Void]:
    # A shared CPU may be the sibling of one of the API's, and is at work or not as the cell goes on.
    if cores.shared:
        return []
    # As a ratio, so that slower by a half and faster by a third are the same.
    times = max(1 + watch.spin_change, 1 / (1 + watch.spin_change))
    if times <= 1 + SPIN_CHANGE_MOST:
        return []
    direction = "slower" if watch.spin_change > 0 else "faster"
    message = (
        f"The API's CPUs were {times - 1:.0%} {direction} after the load than before it, by the calibration spin; at "
        f"most are {SPIN_CHANGE_MOST:.0%}."
    )
    return [Void(reason="spin", message=message)]


def _accounted_for(numbers: CellNumbers) -> float:
    """Little's law, with the time that requests under way at the window's end had been waiting.

    These are in no latency. Each connection has one of them, and where latencies are exponential it has waited for as
    long as a request takes on the mean (Cox 1962, "Renewal Theory", chapter 5). In a window of many latencies that is
    next to nothing. In one of a few, an honest API would come out below the limit without it.
    """
    window_us = 1e6 * numbers.requests / numbers.throughput
    return numbers.littles_law + numbers.raw.mean_us / window_us


def _missing_in_littles_law(littles_law: float, *, blind: bool, spare: bool, own: bool) -> list[Void]:
    """Why throughput times latency is less than the connections: by the generator, or by answers that never came.

    Where the kernel tells how long connections are silent, it is known that none hangs. Elsewhere a generator with
    CPU to spare isn't what they wait for.
    """
    if blind and spare:
        message = (
            f"Little's law gives {littles_law:.2f} instead of {LITTLES_LAW_LEAST} or more, and the load generator had "
            "CPU to spare: connections waited for answers that hadn't come when the load ended."
        )
        return [Void(reason="stuck-requests", message=message)]
    if not own:
        return []
    message = (
        f"Little's law gives {littles_law:.2f} instead of {LITTLES_LAW_LEAST} or more: connections waited for the load "
        "generator."
    )
    return [Void(reason="generator-saturated", message=message)]


def _counts(share: float, role: Role, watch: WatchNumbers, cores: CoreLayout) -> bool:
    """Whether a share of a role's CPUs is more than a few steps of the kernel's counters."""
    return share * len(cores.of(role)) * watch.seconds > COUNTED_SECONDS_LEAST


def _shares(cores: CoreLayout, role: Role) -> bool:
    cpus = {*cores.of(role)}
    return any(cpus & {*cores.of(other)} for other in ROLES if other != role)
