"""A simulated host: a `Bench` on a clock of its own, on which an experiment runs as on a real one, in no time.

It measures nothing. It answers what a quiet host would: every API starts and answers correctly, each thread is pinned,
and no limit of `analysis/raw/limits.py` is reached. The caller gives each API's throughput. The clock advances by the
times that were measured on a real host.
"""

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.simulated_files import write_files
from documents.errors import HostUnreachableError, RunError
from documents.lab import ApiService, CoreLayout, Host, HostSize, Inventory, PhysicalCore, PostgresService, RedisService
from documents.run import Cell, HostIdentity, KnobRecord, LoadHostLook, ProcessPinning
from experiment.bench import Beside, Found, Load, Measured, WarmedUp
from experiment.progress import CellStarted, Event
from experiment.workloads import RequestFile

CELL_SECONDS = 2.9
"""What a cell takes besides its warm-up and load: docs/benchmarks.md, 2026-11-27. The reset takes all of it."""

RUN_SECONDS = 5.0
"""What a run takes besides its cells, as measured; the budget reserves twice as much
(`experiment.planning.budget.RUN_OVERHEAD_SECONDS`). It passes before them."""

LAYOUT = CoreLayout(api=(0,), postgres=(1,), redis=(1,), system=(1,), generator=(1,), shared=True)
"""The layout of the two cores on which the noise was measured."""

_MEMORY_BYTES = 16 << 30

IDENTITY = HostIdentity(
    cpu_model="simulated",
    cpus=(0, 1),
    threads_per_core=1,
    memory_bytes=_MEMORY_BYTES,
    kernel="simulated",
    operating_system="simulated",
    cgroup_version=2,
    settings={},
)


class SimulatedClock:
    """A clock that only its host advances; it begins at the same moment on every host."""

    def __init__(self) -> None:
        self._seconds = 0.0

    def now(self) -> datetime:
        """See `experiment.clock.Clock`."""
        return datetime(2026, 1, 31, tzinfo=UTC) + timedelta(seconds=self._seconds)

    def monotonic(self) -> float:
        """See `experiment.clock.Clock`."""
        return self._seconds

    def advance(self, seconds: float) -> None:
        """Let that many seconds pass."""
        self._seconds += seconds


def simulated_inventory(host: int, api_images: dict[str, str]) -> Inventory:
    """The inventory of one host of a fleet: the same for all, except for the stack and the address.

    Args:
        host: which host, from 0 on.
        api_images: the image of each API, by the API's name.
    """
    return Inventory(
        stack=f"host-{host:02d}",
        host=Host(
            kind="ssh",
            address=f"host-{host:02d}.invalid",
            port=22,
            user="root",
            private_key_path="/nowhere/key",
            known_hosts_path="/nowhere/known_hosts",
            host_public_key="ssh-ed25519 AAAA",
        ),
        size=HostSize(cpus=(0, 1), memory_bytes=_MEMORY_BYTES, smaller=True),
        own_kernel=True,
        cores=LAYOUT,
        base_image_id="sha256:base",
        postgres=PostgresService(
            container="postgres",
            image_id="sha256:postgres",
            port=15432,
            database="fairground",
            user="fairground",
            settings={},
        ),
        redis=RedisService(container="redis", image_id="sha256:redis", port=16379, settings={}),
        contract_sha256="5" * 64,
        apis=tuple(
            ApiService(
                name=name,
                source="apis/go",
                source_sha256="0" * 64,
                image_id=image,
                container=f"api-{name}",
                port=18080 + number,
                environment={},
                upload_volume=f"uploads-{name}",
            )
            for number, (name, image) in enumerate(api_images.items())
        ),
    )


@dataclass
class SimulatedHost:
    """One host of a fleet.

    `throughput_of` gives the requests a second that a cell's API answers. A bench doesn't know which cell is under way,
    so `hear` must be the run's `progress`. `lost_in` is the number of a cell in whose window the connection is lost,
    once; the next run finds the host as that one left it.
    """

    throughput_of: Callable[[Cell], float]
    clock: SimulatedClock = field(default_factory=SimulatedClock)
    lost_in: int | None = None
    _holder: str | None = None
    _running: set[str] = field(default_factory=set[str])
    _cell: Cell | None = None
    _load: Load | None = None
    _loaded_ns: int = 0
    _beside: Beside = field(default_factory=Beside)

    def hear(self, event: Event) -> None:
        """Note which cell is under way: the `progress` of the run on this host."""
        if isinstance(event, CellStarted):
            self._cell = event.cell

    @contextmanager
    def hold(self, work: str) -> Generator[None]:
        """See `Bench.hold`."""
        if self._holder is not None:
            raise RunError(f"Another run holds the simulated host: {self._holder}.")
        self._holder = work
        try:
            yield
        finally:
            self._holder = None

    def beside(self, step: Callable[[], Found]) -> Future[Found]:
        """See `Bench.beside`."""
        return self._beside.begin(step)

    def clear(self) -> None:
        """See `Bench.clear`."""
        self._beside.wait()
        self._load = None

    def read_identity(self) -> HostIdentity:
        """See `Bench.read_identity`; the same on all hosts."""
        return IDENTITY

    def look_at_load_hosts(self) -> tuple[LoadHostLook, ...]:
        """See `Bench.look_at_load_hosts`; none."""
        return ()

    def read_tool_versions(self) -> dict[str, str]:
        """See `Bench.read_tool_versions`."""
        return {"wrk": "simulated"}

    def tune(self, *, seconds: float) -> tuple[KnobRecord, ...]:  # noqa: ARG002 - the protocol's
        """See `Bench.tune`; there is no kernel, so there is no setting."""
        return ()

    def renew(self, *, seconds: float) -> None:
        """See `Bench.renew`."""

    def read_knobs(self) -> tuple[KnobRecord, ...]:
        """See `Bench.read_knobs`."""
        return ()

    def untune(self) -> None:
        """See `Bench.untune`."""

    def install(self, requests: Sequence[RequestFile]) -> None:  # noqa: ARG002 - the protocol's
        """See `Bench.install`."""
        self.clock.advance(RUN_SECONDS)

    def install_open_loop(self) -> None:
        """See `Bench.install_open_loop`.

        Raises:
            RunError: always; only the closed loop is simulated.
        """
        raise RunError("A simulated host has no open loop: give it a protocol without one.")

    def read_physical_cores(self) -> tuple[PhysicalCore, ...]:
        """See `Bench.read_physical_cores`; each CPU is a core."""
        return tuple((cpu,) for cpu in IDENTITY.cpus)

    def make_variants(self, subjects: Sequence[ApiService]) -> None:  # noqa: ARG002 - the protocol's
        """See `Bench.make_variants`.

        Raises:
            RunError: always; only APIs as they are declared are simulated.
        """
        raise RunError("A simulated host has no variants of APIs: give it a protocol without `vary`.")

    def arrange(self, api: ApiService) -> list[str]:  # noqa: ARG002 - the protocol's
        """See `Bench.arrange`; nothing varies here."""
        return []

    def stop_apis(self) -> None:
        """See `Bench.stop_apis`."""
        self._running.clear()

    def restore(self) -> None:
        """See `Bench.restore`."""

    def reset(self, api: ApiService, tokens: bytes) -> None:  # noqa: ARG002 - the protocol's
        """See `Bench.reset`."""
        self.clock.advance(CELL_SECONDS)

    def start_api(self, api: ApiService) -> None:
        """See `Bench.start_api`."""
        self._running.add(api.name)

    def stop_api(self, api: ApiService) -> None:
        """See `Bench.stop_api`."""
        self._running.discard(api.name)

    def wait_until_ready(self, api: ApiService, *, deadline_seconds: float) -> str | None:  # noqa: ARG002 - likewise
        """See `Bench.wait_until_ready`."""
        return None if self._running == {api.name} else f"These APIs run: {sorted(self._running)}."

    def probe(self, api: ApiService) -> list[str]:  # noqa: ARG002 - the protocol's
        """See `Bench.probe`."""
        return []

    def pin(self, api: ApiService) -> None:
        """See `Bench.pin`."""

    def read_pinning(self) -> tuple[ProcessPinning, ...]:
        """See `Bench.read_pinning`."""
        return tuple(
            ProcessPinning(role=role, process_id=number, thread_id=number, command=role, cpus=LAYOUT.of(role))
            for number, role in enumerate(("api", "postgres", "redis"), start=100)
        )

    def warm_up(self, load: Load, enough: Callable[[Sequence[int]], bool]) -> WarmedUp:
        """See `Bench.warm_up`; the throughput is the window's from the first second on."""
        each_second = round(self._throughput())
        series: list[int] = []
        while len(series) < load.seconds and not enough(series):
            series.append(each_second)
            self.clock.advance(1.0)
        return WarmedUp(series=tuple(series), seconds=float(len(series)))

    def start_sampling(self, *, seconds: float) -> None:
        """See `Bench.start_sampling`."""

    def measure(self, load: Load) -> None:
        """See `Bench.measure`.

        Raises:
            HostUnreachableError: the connection is lost in this cell's window.
        """
        self._loaded_ns = round(self.clock.monotonic() * 1e9)
        if self._cell is not None and self._cell.number == self.lost_in:
            self.lost_in = None
            self.clock.advance(load.seconds / 2)
            raise HostUnreachableError("The connection to the simulated host is lost.")
        self.clock.advance(load.seconds)
        self._load = load

    def collect(self, folder: Path) -> Measured:
        """See `Bench.collect`."""
        if self._load is None:
            return Measured(generator_failure="No load was put on the API.")
        result = write_files(folder, self._load, self._throughput(), started_ns=self._loaded_ns, cores=LAYOUT)
        return Measured(result=result)

    def _throughput(self) -> float:
        if self._cell is None:
            raise RunError("The simulated host doesn't know its cell: give `hear` to the run as progress.")
        return self.throughput_of(self._cell)
