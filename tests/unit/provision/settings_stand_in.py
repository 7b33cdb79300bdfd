"""A stand-in for /proc/sys, /proc/irq and /sys that can be written to, in a folder."""

from pathlib import Path

from provision.kernel.tuning import KnobPaths

UNTOUCHED = {
    "proc/irq/24/smp_affinity_list": "0-3",
    "proc/irq/25/smp_affinity_list": "3",
    "proc/irq/26/smp_affinity_list": "0",
    "proc/sys/kernel/nmi_watchdog": "1",
    "proc/sys/kernel/numa_balancing": "1",
    "proc/sys/net/core/somaxconn": "128",
    "proc/sys/net/ipv4/ip_local_port_range": "32768\t60999",
    "proc/sys/net/ipv4/tcp_tw_reuse": "2",
    "proc/sys/vm/swappiness": "60",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "powersave",
    "sys/devices/system/cpu/cpu1/cpufreq/scaling_governor": "powersave",
    "sys/devices/system/cpu/cpu2/cpufreq/scaling_governor": "performance",
    "sys/devices/system/cpu/cpufreq/boost": "1",
    "sys/devices/system/cpu/online": "0-3",
    "sys/kernel/mm/transparent_hugepage/defrag": "always defer [madvise] never",
    "sys/kernel/mm/transparent_hugepage/enabled": "[always] madvise never",
}
"""A host of four CPUs that isn't tuned. Unlike the kernel's, a choice is written over by its word alone."""

TUNED = {
    "proc/irq/24/smp_affinity_list": "2,3",
    "proc/irq/25/smp_affinity_list": "3",
    "proc/irq/26/smp_affinity_list": "2,3",
    "proc/sys/kernel/nmi_watchdog": "0",
    "proc/sys/kernel/numa_balancing": "0",
    "proc/sys/net/core/somaxconn": "4096",
    "proc/sys/net/ipv4/ip_local_port_range": "32768 65535",
    "proc/sys/net/ipv4/tcp_tw_reuse": "1",
    "proc/sys/vm/swappiness": "1",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "performance",
    "sys/devices/system/cpu/cpu1/cpufreq/scaling_governor": "performance",
    "sys/devices/system/cpu/cpu2/cpufreq/scaling_governor": "performance",
    "sys/devices/system/cpu/cpufreq/boost": "0",
    "sys/devices/system/cpu/online": "0-3",
    "sys/kernel/mm/transparent_hugepage/defrag": "madvise",
    "sys/kernel/mm/transparent_hugepage/enabled": "madvise",
}
"""The same with the API on the CPUs 0 and 1."""


class StandIn:
    """The folder of one host: its root with the kernel's files, and what the lab lays there."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root"
        self.state = folder / "knobs"
        self.paths = KnobPaths(root=str(self.root), state=str(self.state), program=str(folder / "kernel.py"))
        for name, text in UNTOUCHED.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{text}\n")

    def path(self, name: str) -> Path:
        return self.root / name

    def settings(self) -> dict[str, str]:
        """The words of each file; of a choice that shows all, the one in brackets."""
        return {name: chosen(self.path(name).read_text()) for name in UNTOUCHED if self.path(name).exists()}

    def left(self) -> list[str]:
        """What is left of a run, except for locks."""
        return [path.name for path in self.state.glob("*") if not path.name.endswith("lock")]


def is_tuned(settings: dict[str, str]) -> bool:
    """Whether a run's settings are at work, as far as they don't depend on the host's cores."""
    wanted = ("proc/sys/vm/swappiness", "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
    return all(settings[name] == TUNED[name] for name in wanted)


def chosen(text: str) -> str:
    words = text.split()
    return " ".join([word[1:-1] for word in words if word.startswith("[")] or words)


UNTOUCHED_SETTINGS = {name: chosen(text) for name, text in UNTOUCHED.items()}
