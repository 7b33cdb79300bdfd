"""The knobs: which kernel settings a measurement wants, each with its reason, and on which hosts they may be set.

`provision/payload/identity.py` reads them too, so that runs on hosts that differ in one aren't compared.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from documents.lab import CoreLayout, LoadHost, format_cpu_list


@dataclass(frozen=True)
class Setting:
    """Files of the kernel, with `*` for one name, and the value that a measurement wants in each of them.

    `provision/payload/kernel.py` explains the kinds.
    """

    pattern: str
    kind: Literal["text", "choice", "at-least", "interrupt"]
    wanted: str


@dataclass(frozen=True)
class Knob:
    """One thing that a measurement depends on.

    `settings` are alternatives: the first that the kernel has counts. `wanted` is the wanted value in words. `absent`
    says what follows if the kernel has none of them: the effect can't occur, or it occurs and can't be seen.
    """

    name: str
    settings: tuple[Setting, ...]
    wanted: str
    why: str
    source: str
    absent: Literal["nothing-to-control", "not-told"] = "nothing-to-control"


def knobs_of(*layouts: CoreLayout) -> tuple[Knob, ...]:
    """The knobs of a host with one core layout or several in turn, each with its reason and its source."""
    return (
        *_KNOBS,
        _interrupts(
            api_cpus(layouts),
            "An interrupt that is served on the API's CPUs uses their time and caches, and no API's CPU time includes "
            "it.",
        ),
    )


def api_cpus(layouts: Collection[CoreLayout]) -> tuple[int, ...]:
    """The CPUs of the API under at least one of the layouts, in rising order; interrupts are kept off them."""
    return tuple(sorted({cpu for layout in layouts for cpu in layout.api}))


def load_host_knobs(load_host: LoadHost) -> tuple[Knob, ...]:
    """The knobs of a load host: those of the lab's host, with interrupts kept off the generator's CPUs."""
    return (
        *_KNOBS,
        _interrupts(
            load_host.generator,
            "An interrupt that is served on the generator's CPUs makes answers that have arrived look late.",
        ),
    )


def _interrupts(cpus: Collection[int], why: str) -> Knob:
    cpu_list = format_cpu_list(cpus)
    return Knob(
        "interrupts",
        (Setting("proc/irq/[0-9]*/smp_affinity_list", "interrupt", cpu_list),),
        f"off the CPUs {cpu_list}",
        why,
        "Linux, Documentation/core-api/irq/irq-affinity.rst",
    )


_KNOBS = (
    Knob(
        "governor",
        (Setting("sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_governor", "text", "performance"),),
        "performance",
        "Under any other governor the clock follows the load, so a light load is measured on a slower processor.",
        "Linux, Documentation/admin-guide/pm/cpufreq.rst",
        absent="not-told",
    ),
    Knob(
        "turbo",
        (
            Setting("sys/devices/system/cpu/intel_pstate/no_turbo", "text", "1"),
            Setting("sys/devices/system/cpu/cpufreq/boost", "text", "0"),
        ),
        "off",
        "How far a core is boosted depends on its heat and on how many others are busy: an API that uses fewer "
        "cores would run on a faster clock.",
        "Linux, Documentation/admin-guide/pm/intel_pstate.rst, no_turbo, and cpufreq.rst, boost",
        absent="not-told",
    ),
    Knob(
        "huge pages",
        (Setting("sys/kernel/mm/transparent_hugepage/enabled", "choice", "madvise"),),
        "madvise",
        "`always` lets the kernel merge pages of PostgreSQL and Redis at any time, which costs stalls and memory; "
        "`never` takes them from a JVM that asks for them.",
        "Linux, Documentation/admin-guide/mm/transhuge.rst; Redis, Diagnosing latency issues",
    ),
    Knob(
        "huge page defragmentation",
        (Setting("sys/kernel/mm/transparent_hugepage/defrag", "choice", "madvise"),),
        "madvise",
        "`always` makes any allocation wait until the kernel has moved pages together.",
        "Linux, Documentation/admin-guide/mm/transhuge.rst",
    ),
    Knob(
        "vm.swappiness",
        (Setting("proc/sys/vm/swappiness", "text", "1"),),
        "1",
        "A page that was swapped out is read back within a request. 1 leaves swap as the last resort; 0 would have "
        "processes killed earlier.",
        "Linux, Documentation/admin-guide/sysctl/vm.rst",
    ),
    Knob(
        "net.core.somaxconn",
        (Setting("proc/sys/net/core/somaxconn", "at-least", "4096"),),
        "4096 or more",
        "It caps every listen backlog. 500 connections that are opened at once must fit, or the last of them wait "
        "a second for their SYN to be sent again.",
        "listen(2)",
    ),
    Knob(
        "net.ipv4.ip_local_port_range",
        (Setting("proc/sys/net/ipv4/ip_local_port_range", "text", "32768 65535"),),
        "32768 65535",
        "Each connection that is opened takes a port for a minute. The range is the same on every host, and its "
        "start lies above the ports that the lab listens on.",
        "Linux, Documentation/networking/ip-sysctl.rst",
    ),
    Knob(
        "net.ipv4.tcp_tw_reuse",
        (Setting("proc/sys/net/ipv4/tcp_tw_reuse", "text", "1"),),
        "1",
        "A port whose connection has ended is used again after a second, also towards another host than this one, "
        "so that a load which opens connections doesn't run out of ports.",
        "Linux, Documentation/networking/ip-sysctl.rst",
    ),
    Knob(
        "kernel.numa_balancing",
        (Setting("proc/sys/kernel/numa_balancing", "text", "0"),),
        "0",
        "It unmaps pages to learn who uses them, and the next use of each page costs a fault. With pinned threads it "
        "has no benefit.",
        "Linux, Documentation/admin-guide/sysctl/kernel.rst",
    ),
    Knob(
        "kernel.nmi_watchdog",
        (Setting("proc/sys/kernel/nmi_watchdog", "text", "0"),),
        "0",
        "It interrupts every CPU every few seconds and keeps one of the processor's counters busy.",
        "Linux, Documentation/admin-guide/lockup-watchdogs.rst",
    ),
)
