"""Runs on the host: samples CPU time and memory of cgroups. Standard library only, Python 3.10 or newer.

Usage: ``sampler.py PERIOD_SECONDS ROLE=VERSION:CPU_FILE:MEMORY_FILE …``. It writes ``samples.csv`` into its working
directory until SIGTERM, and ends with the status 1 and a sentence when a cgroup vanishes. The files are kept open and
read with pread: opening them costs more than reading them.
"""

import os
import signal
import sys
import time
from pathlib import Path
from typing import NamedTuple

COLUMNS = ("time_ns", "role", "cpu_ns", "anonymous_bytes", "page_cache_bytes")
COMMAND = "lab-sampler"
FILE_BYTES = 1 << 14


class Source(NamedTuple):
    """One role's files, open.

    Source of their formats: the kernel's documents cgroup-v1/cpuacct, cgroup-v1/memory and cgroup-v2.
    """

    role: str
    version: int
    cpu: int
    memory: int

    @classmethod
    def parse(cls, text: str) -> "Source":
        """Open the files of one argument."""
        role, _, rest = text.partition("=")
        version, cpu_path, memory_path = rest.split(":")
        cpu, memory = (os.open(path, os.O_RDONLY | os.O_CLOEXEC) for path in (cpu_path, memory_path))
        return cls(role, int(version), cpu, memory)

    def sample(self) -> bytes:
        """One line of the table: the time is read together with the CPU time that it belongs to."""
        time_ns = time.monotonic_ns()
        cpu = os.pread(self.cpu, FILE_BYTES, 0)
        memory = b"\n" + os.pread(self.memory, FILE_BYTES, 0)
        if self.version == 1:
            cpu_ns, anonymous, cache = int(cpu), field(memory, b"\nrss "), field(memory, b"\ncache ")
        else:
            cpu_ns = 1000 * field(b"\n" + cpu, b"\nusage_usec ")
            anonymous, cache = field(memory, b"\nanon "), field(memory, b"\nfile ")
        return b"%d,%s,%d,%d,%d\n" % (time_ns, self.role.encode(), cpu_ns, anonymous, cache)


def field(table: bytes, name: bytes) -> int:
    """The number behind a name, which must begin a line."""
    start = table.index(name) + len(name)
    return int(table[start : table.index(b"\n", start)])


def main() -> None:
    """Sample until SIGTERM."""
    Path("/proc/self/comm").write_text(COMMAND)
    period_ns = round(float(sys.argv[1]) * 1e9)
    running = True

    def on_stop(*_: object) -> None:
        nonlocal running
        running = False

    signal.signal(signal.SIGTERM, on_stop)
    try:
        sources = [Source.parse(argument) for argument in sys.argv[2:]]
        with open("samples.csv", "wb", buffering=0) as table:  # noqa: PTH123 - unbuffered: each tick is one write
            table.write(",".join(COLUMNS).encode() + b"\n")
            due_ns = time.monotonic_ns()
            while running:
                table.write(b"".join([source.sample() for source in sources]))
                # A missed tick is left out; there is no burst to catch up.
                late_ns = time.monotonic_ns() - due_ns
                due_ns += period_ns * (1 + late_ns // period_ns)
                time.sleep(max(due_ns - time.monotonic_ns(), 0) / 1e9)
    except (OSError, ValueError) as error:
        sys.exit(f"the sampler ended: {error}")


main()
