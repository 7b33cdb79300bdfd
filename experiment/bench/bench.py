"""The bench: the interface between a run and its host.

`RemoteBench` implements it over SSH. The loop over cells uses only this, so its order, its journal and its resume are
tested without a host. `Beside` has the steps that run at the same time, in threads of their own.
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
"""More than the steps of a run at any time: one for each API of the lab, or a few for each load host."""


class Beside:
    """Steps that run at the same time, in threads of their own."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="step")
        self._steps: set[Future[Any]] = set()

    def begin(self, act: Callable[[], Found]) -> Future[Found]:
        """Start a step in a new thread; a request to end reaches it too."""
        step = self._pool.submit(copy_context().run, act)
        self._steps.add(step)
        step.add_done_callback(self._steps.discard)
        return step

    def do_all(self, *acts: Callable[[], Found]) -> list[Found]:
        """Run steps at the same time; when all have ended, raise the first failure."""
        steps = [self.begin(act) for act in acts]
        wait(steps)
        return [step.result() for step in steps]

    def wait(self) -> None:
        """Wait until all steps have ended, including those whose results are no longer needed."""
        wait(self._steps)


@dataclass(frozen=True)
class Load:
    """A load on an API: a scenario for a number of seconds, which in a warm-up differs from the scenario's.

    With a `rate` it is an open loop: that many requests a second are due, however long the answers take.
    """

    api: ApiService
    scenario: Scenario
    seconds: int
    timeout_seconds: int
    wrk_version: str
    rate: int | None = None


@dataclass(frozen=True)
class WarmedUp:
    """The result of a warm-up: the requests of each whole second, summed over wrk's threads, and how long wrk ran."""

    series: tuple[int, ...]
    seconds: float


@dataclass(frozen=True)
class Measured:
    """The result of a load window.

    Without a result, `generator_failure` has the reason; without samples, `sampler_failure`; if the watch's files are
    incomplete, `watch_failure`.
    """

    result: WindowResult | None = None
    generator_failure: str | None = None
    sampler_failure: str | None = None
    watch_failure: str | None = None

    @property
    def window(self) -> Window | None:
        """The load window; None without a result."""
        return None if self.result is None else load_window(self.result)

    @property
    def throughput(self) -> float | None:
        """Requests a second: answered ones, or sent ones in an open loop. None without a result."""
        return None if self.result is None else self.result.throughput


class Bench(Protocol):
    """A host with its services and APIs. Every method raises `HostError` if the host fails.

    `pin` may run at the same time as `wait_until_ready` and `probe`, and `start_sampling` as `warm_up`.
    """

    def hold(self, work: str) -> AbstractContextManager[None]:
        """Hold the host and its load hosts for one run; see `run_lock.held`.

        Raises:
            RunError: another run holds it; names the holder.
        """
        ...

    def beside(self, step: Callable[[], Found]) -> Future[Found]:
        """Start a step in a new thread; `clear` waits until it has ended."""
        ...

    def clear(self) -> None:
        """End load and sampler that a run left behind, and remove its files, tokens included.

        Also removes containers of variants, and restores the declared PostgreSQL and CPUs of the services. First waits
        for steps of `beside`, which may still run when a run is interrupted.
        """
        ...

    def read_identity(self) -> HostIdentity:
        """The host's identity."""
        ...

    def look_at_load_hosts(self) -> tuple[LoadHostLook, ...]:
        """The identity of each load host, and its network to the host; empty without load hosts.

        It takes some seconds for each, in which there should be no load.
        """
        ...

    def read_tool_versions(self) -> dict[str, str]:
        """The versions of the programs that the lab uses on the host, including `wrk`."""
        ...

    def tune(self, *, seconds: float) -> tuple[KnobRecord, ...]:
        """Set the kernel settings for a measurement; the host restores them after this many seconds.

        In a container they are only read. Returns a record of each.
        """
        ...

    def renew(self, *, seconds: float) -> None:
        """Keep the settings of `tune` for this many seconds from now on.

        Raises:
            HostError: the lease has lapsed, and the host has restored the settings.
        """
        ...

    def read_knobs(self) -> tuple[KnobRecord, ...]:
        """The current value of each setting."""
        ...

    def untune(self) -> None:
        """Restore all settings that this run or a killed one has set."""
        ...

    def install(self, requests: Sequence[RequestFile]) -> None:
        """Put the request files and the script that replays them on the host."""
        ...

    def install_open_loop(self) -> None:
        """Build the generator of the open loop on the host, unless it is there already."""
        ...

    def read_physical_cores(self) -> tuple[PhysicalCore, ...]:
        """The CPUs of each physical core of the host."""
        ...

    def make_variants(self, subjects: Sequence[ApiService]) -> None:
        """Stop all APIs, and create the containers of the subjects that are variants.

        Raises:
            HostError: PostgreSQL doesn't start with the settings of one.
        """
        ...

    def arrange(self, api: ApiService) -> list[str]:
        """Set PostgreSQL and the CPUs of the roles for an API, before `reset`.

        Returns a sentence for each part that differs afterwards.
        """
        ...

    def stop_apis(self) -> None:
        """Stop all APIs of the lab, so that none disturbs the one under test."""
        ...

    def restore(self) -> None:
        """Restore the lab's first state: seeded, without uploads, all APIs started, the host's work on all CPUs."""
        ...

    def reset(self, api: ApiService, tokens: bytes) -> None:
        """Reset the database to its seed, empty Redis and the API's uploads, and write the token file.

        Waits for a service that restarts, so that the next attempt finds it.
        """
        ...

    def start_api(self, api: ApiService) -> None:
        """Start a stopped API; returns before it is ready."""
        ...

    def stop_api(self, api: ApiService) -> None:
        """Stop the API."""
        ...

    def wait_until_ready(self, api: ApiService, *, deadline_seconds: float) -> str | None:
        """Wait until the API is ready; returns None, or at the deadline its last answer in words."""
        ...

    def probe(self, api: ApiService) -> list[str]:
        """Ask the API the contract's twenty questions; returns a sentence for each wrong answer."""
        ...

    def pin(self, api: ApiService) -> None:
        """Pin the processes of the API, PostgreSQL and Redis; those that they start later inherit it."""
        ...

    def read_pinning(self) -> tuple[ProcessPinning, ...]:
        """Read back the CPUs of each thread of the processes that `pin` pinned."""
        ...

    def warm_up(self, load: Load, enough: Callable[[Sequence[int]], bool]) -> WarmedUp:
        """Put load on the API, and keep only the number of requests of each second.

        It lasts for the load's seconds, unless `enough` returns true before for the series so far. It is called about
        once a second. If it ended the load, the result has the series for which it returned true.
        """
        ...

    def start_sampling(self, *, seconds: float) -> None:
        """Start the sampler and the watch.

        Both end on their own after this many seconds, unless `collect` ends them before.
        """
        ...

    def measure(self, load: Load) -> None:
        """Put load on the API, with a calibration spin before and after it; returns when they have ended."""
        ...

    def collect(self, folder: Path) -> Measured:
        """Pull the files of sampler, watch and `measure`, as far as they were written.

        The files are `wrk.txt` and `wrk.json`, or `open-loop.json`; and `samples.csv`, `watch.json` and `ticks.jsonl`.
        With load hosts there are more; see `Generators.collect`.
        """
        ...
