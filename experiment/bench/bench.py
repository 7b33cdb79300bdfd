"""The bench: all that an experiment asks of the host that it measures on.

`RemoteBench` does it over SSH. The loop over cells asks only this of a host, so its order, its journal and its resume
are tested without one. `Beside` has the steps that run at the same time, in threads of their own.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from contextvars import copy_context
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from analysis.raw import Window, load_window
from documents.lab import ApiService, PhysicalCore
from documents.run import HostIdentity, KnobRecord, LoadHostLook, ProcessPinning, Scenario, WindowResult
from experiment.workloads import RequestFile

Found = TypeVar("Found")

_THREADS = 64
"""More than a run ever has steps at once: one for each API of the lab, or a few for each load host."""


class Beside:
    """The steps that were begun, and that may not have ended."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="step")
        self._steps: set[Future[Any]] = set()

    def begin(self, act: Callable[[], Found]) -> Future[Found]:
        """Do a step in a thread of its own, which a request to end reaches as it does the one that began it."""
        step = self._pool.submit(copy_context().run, act)
        self._steps.add(step)
        step.add_done_callback(self._steps.discard)
        return step

    def do_all(self, *acts: Callable[[], Found]) -> list[Found]:
        """Do steps beside each other; when all have ended, the first failure is raised."""
        steps = [self.begin(act) for act in acts]
        wait(steps)
        return [step.result() for step in steps]

    def wait(self) -> None:
        """Wait until all have ended, also those for whose end nobody waits any more."""
        wait(self._steps)


@dataclass(frozen=True)
class Load:
    """Load to be put on an API: a scenario for so many seconds, which in a warm-up are not the scenario's own.

    With a `rate` it is an open loop: so many requests a second arrive, however long the answers take.
    """

    api: ApiService
    scenario: Scenario
    seconds: int
    timeout_seconds: int
    wrk_version: str
    rate: int | None = None


@dataclass(frozen=True)
class WarmedUp:
    """What came of a warm-up: the requests of each whole second, summed over wrk's threads, and how long wrk ran."""

    series: tuple[int, ...]
    seconds: float


@dataclass(frozen=True)
class Measured:
    """What came of a load window.

    Without a result, `generator_failure` says why; without samples, `sampler_failure` does; where the watch over the
    host isn't whole, `watch_failure`.
    """

    result: WindowResult | None = None
    generator_failure: str | None = None
    sampler_failure: str | None = None
    watch_failure: str | None = None

    @property
    def window(self) -> Window | None:
        """When there was load; None without a result."""
        return None if self.result is None else load_window(self.result)

    @property
    def throughput(self) -> float | None:
        """Requests a second: answered ones, in an open loop those that were sent. None without a result."""
        return None if self.result is None else self.result.throughput


class Bench(Protocol):
    """A host with its services and APIs. Every method raises `HostError` where the host fails it.

    `pin` may go on beside `wait_until_ready` and `probe`, and `start_sampling` beside `warm_up`.
    """

    def hold(self, holder: str) -> AbstractContextManager[None]:
        """Hold the host, and its load hosts, for one run; `holder` is the name that others see.

        Raises:
            RunError: another run holds it; names the holder.
        """
        ...

    def beside(self, step: Callable[[], Found]) -> Future[Found]:
        """Do a step in a thread of its own; `clear` waits until it has ended."""
        ...

    def clear(self) -> None:
        """End the load and the sampler that a run left behind, if one did, and remove its files, tokens included.

        Containers of variants are removed as well, and PostgreSQL and the CPUs of the services are as declared again.
        Before all this, what was begun with `beside` is waited for: what ended the run may have left it at work.
        """
        ...

    def read_identity(self) -> HostIdentity:
        """What the host is."""
        ...

    def look_at_load_hosts(self) -> tuple[LoadHostLook, ...]:
        """What the load hosts are, and what lies between them and the host; none where the load is the host's own.

        It takes some seconds for each, in which there should be no load.
        """
        ...

    def read_tool_versions(self) -> dict[str, str]:
        """The versions of what the lab uses on the host, `wrk` among them."""
        ...

    def tune(self, *, seconds: float) -> tuple[KnobRecord, ...]:
        """Set the kernel's settings as a measurement wants them; the host puts them back after so many seconds.

        Where they may not be set, as in a container, they are only read. Returns each as it was and is.
        """
        ...

    def renew(self, *, seconds: float) -> None:
        """Keep what `tune` set for so many seconds from now on.

        Raises:
            HostError: the time was over, and the host has put all back.
        """
        ...

    def read_knobs(self) -> tuple[KnobRecord, ...]:
        """Each of those settings as it is now."""
        ...

    def untune(self) -> None:
        """Put back all that a run has set, this one or one that was killed."""
        ...

    def install(self, requests: Sequence[RequestFile]) -> None:
        """Put the request files and the script that replays them on the host."""
        ...

    def install_open_loop(self) -> None:
        """Have the generator of the open loop on the host, built there unless it is."""
        ...

    def read_physical_cores(self) -> tuple[PhysicalCore, ...]:
        """The CPUs of each physical core of the host."""
        ...

    def make_variants(self, subjects: Sequence[ApiService]) -> None:
        """Stop all APIs, and make the containers of those subjects of a run that are variants.

        Raises:
            HostError: PostgreSQL doesn't start with the settings of one.
        """
        ...

    def arrange(self, api: ApiService) -> list[str]:
        """Have PostgreSQL and the CPUs of the roles as the API is to be measured with them.

        Returns what isn't as it is to be, a sentence for each. It goes before `reset`.
        """
        ...

    def stop_apis(self) -> None:
        """Stop all APIs of the lab, so that none disturbs the one that is measured."""
        ...

    def restore(self) -> None:
        """Leave the lab as it was stood up: seeded, without uploads, all APIs started, the host's work on all CPUs."""
        ...

    def reset(self, api: ApiService, tokens: bytes) -> None:
        """Put the database back to its seed, empty Redis and the API's uploads, and lay the token file ready.

        A service that doesn't answer, because it restarts, is waited for, so that another attempt finds it.
        """
        ...

    def start_api(self, api: ApiService) -> None:
        """Start a stopped API; returns before it is ready."""
        ...

    def stop_api(self, api: ApiService) -> None:
        """Stop the API."""
        ...

    def wait_until_ready(self, api: ApiService, *, deadline_seconds: float) -> str | None:
        """Wait for the API's readiness; returns None, or at the deadline what was seen instead."""
        ...

    def probe(self, api: ApiService) -> list[str]:
        """Ask the API the contract's twenty questions; returns what was wrong, a sentence for each."""
        ...

    def pin(self, api: ApiService) -> None:
        """Pin the processes of the API, PostgreSQL and Redis; what they start later inherits it."""
        ...

    def read_pinning(self, api: ApiService) -> tuple[ProcessPinning, ...]:
        """Read back the CPUs of each thread of those processes."""
        ...

    def warm_up(self, load: Load, enough: Callable[[Sequence[int]], bool]) -> WarmedUp:
        """Put load on the API, and throw away what it measures but for the requests of each second.

        It lasts for the load's seconds unless `enough` says before, of the series so far, that it may end. It is asked
        about once a second. Where it ended the load, the series is the one that it said so of.
        """
        ...

    def start_sampling(self, *, seconds: float) -> None:
        """Start to sample the roles and to watch the host.

        Both end by themselves if `collect` doesn't come within so many seconds.
        """
        ...

    def measure(self, load: Load) -> None:
        """Put load on the API, with a calibration spin before and after it; returns when they have ended."""
        ...

    def collect(self, folder: Path) -> Measured:
        """Pull what sampler, watch and `measure` left, as far as it was written.

        The files are `wrk.txt` and `wrk.json`, or `open-loop.json`; and `samples.csv`, `watch.json` and `ticks.jsonl`.
        Where the load came from load hosts, there are more; see `Generators.collect`.
        """
        ...
