"""One cell: one restart of one API, one warm-up, one load window, and whether it counts."""

import re
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future, wait
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from analysis.cells import is_steady, outcome_of
from analysis.raw import SAMPLED_ROLES, WatchFiles, files_of_cell
from documents.errors import HostError, HostUnreachableError
from documents.files import replace_file, sync_folder
from documents.lab import HOST_ROLES, Inventory, Secrets
from documents.run import (
    Cell,
    CellRecord,
    LoadHostRecord,
    OpenLoopCell,
    ProcessPinning,
    Protocol,
    Void,
    VoidReason,
    WarmUp,
)
from experiment.bench import Bench, Load, Measured
from experiment.clock import SYSTEM_CLOCK, Clock
from experiment.progress import Event, Phase, PhaseStarted
from experiment.record import hash_raw_files
from experiment.voids import (
    analysis_voids,
    sample_voids,
    watch_voids,
    window_voids,
)
from experiment.workloads import token_file
from provision.system import mismatches


def warm_up(bench: Bench, load: Load, protocol: Protocol) -> WarmUp:
    """Warm an API up.

    Args:
        bench: the host, with the API ready.
        load: the window's load for the protocol's `warm_up_seconds`; with 0 seconds there is no load.
        protocol: has the shortest and the longest duration.

    Raises:
        HostError: the generator failed.
    """
    if load.seconds == 0:
        return WarmUp(outcome="not-judged", seconds=0, series=())

    def enough(series: Sequence[int]) -> bool:
        return len(series) >= protocol.warm_up_least_seconds and is_steady(series)

    warmed = bench.warm_up(load, enough)
    return WarmUp(
        outcome=outcome_of(warmed.series, load.seconds), seconds=round(warmed.seconds, 3), series=warmed.series
    )


READY_SECONDS = 60
"""How long an API may take from its start to readiness; a JVM on one shared core takes several seconds."""

_TOKEN_MARGIN_SECONDS = 86_400
"""How much longer than its load a cell's tokens are valid: a clock may be set during the load, here or on the host."""

_SAMPLER_MARGIN_SECONDS = 120
"""How much longer than warm-up and load the sampler runs if nothing ends it."""

_TOKEN = re.compile(r"eyJ[\w-]*\.[\w-]+\.[\w-]+")


@dataclass(frozen=True)
class RunContext:
    """What all cells of a run have in common. `token_users` maps a workload to the users whose tokens it needs.

    `load_hosts` are those of the run's host record; `clock` times the phases.
    """

    inventory: Inventory
    secrets: Secrets
    protocol: Protocol
    token_users: dict[str, tuple[int, ...]]
    wrk_version: str
    clock: Clock = SYSTEM_CLOCK
    load_hosts: tuple[LoadHostRecord, ...] = ()


class _VoidCellError(Exception):
    """The attempt is void, so the rest of it is skipped."""

    def __init__(self, voids: Iterable[Void]) -> None:
        self.voids = tuple(voids)


def measure_cell(
    bench: Bench,
    cell: Cell,
    context: RunContext,
    folder: Path,
    progress: Callable[[Event], None],
    *,
    attempt_number: int,
) -> tuple[CellRecord, Measured]:
    """Make one attempt at a cell and write its folder, `cell.json` last.

    All APIs are stopped before and after. The attempt's folder exists and is empty; `attempt_number` counts from 1.

    Returns:
        The attempt's record, and what was measured; nothing if the cell was void before its load.

    Raises:
        HostError: the host failed; the attempt isn't finished and must be repeated.
    """
    attempt = _Attempt(bench, cell, context, folder, progress, number=attempt_number)
    started_at = context.clock.now()
    measured = Measured()
    voids: Iterable[Void] = ()
    try:
        attempt.set_up()
        attempt.warm_up()
        measured = attempt.put_under_load()
        voids = _why_void(measured, cell, context, folder)
    except _VoidCellError as error:
        voids = error.voids
    with attempt.phase("pull"):
        bench.stop_api(attempt.api)
    window = measured.window
    record = CellRecord(
        cell_id=cell.id,
        attempt=attempt_number,
        started_at=started_at,
        voids=tuple(Void(reason=void.reason, message=_redacted(void.message, context.secrets)) for void in voids),
        phases_seconds={phase: round(seconds, 6) for phase, seconds in attempt.phases_seconds.items()},
        load_started_ns=window and window.start_ns,
        load_ended_ns=window and window.end_ns,
        pinning=attempt.pinning,
        warm_up=attempt.warmed_up,
        files=hash_raw_files(folder),
    )
    sync_folder(folder)
    replace_file(folder / "cell.json", record.to_json())
    return record, measured


class _Attempt:
    """The phases of an attempt at a cell, and what they leave."""

    def __init__(
        self,
        bench: Bench,
        cell: Cell,
        context: RunContext,
        folder: Path,
        progress: Callable[[Event], None],
        *,
        number: int,
    ) -> None:
        self.api = context.inventory.api(cell.api)
        self.phases_seconds: dict[Phase, float] = {}
        self.pinning: tuple[ProcessPinning, ...] = ()
        self.warmed_up: WarmUp | None = None
        self._bench = bench
        self._cell = cell
        self._context = context
        self._folder = folder
        self._progress = progress
        self._number = number

    @contextmanager
    def phase(self, phase: Phase) -> Generator[None]:
        """Time a phase; a second part is added to the first."""
        if phase not in self.phases_seconds:
            self._progress(PhaseStarted(cell_id=self._cell.id, attempt=self._number, phase=phase))
        clock = self._context.clock
        started = clock.monotonic()
        try:
            yield
        finally:
            elapsed = clock.monotonic() - started
            self.phases_seconds[phase] = self.phases_seconds.get(phase, 0.0) + elapsed

    def set_up(self) -> None:
        """Bring host and API into the state in which every cell begins; pin the processes while the API starts."""
        with self.phase("reset"):
            with _void_where_it_fails("postgres-settings"):
                wrong = self._bench.arrange(self.api)
            if wrong:
                raise _VoidCellError(Void(reason="postgres-settings", message=message) for message in wrong)
            with _void_where_it_fails("not-reset"):
                self._bench.reset(self.api, self._tokens())
        with self.phase("restart"), _void_where_it_fails("not-ready"):
            self._bench.start_api(self.api)
        with self._beside(partial(self._bench.pin, self.api)) as pinned:
            with self.phase("ready"):
                seen = self._bench.wait_until_ready(self.api, deadline_seconds=READY_SECONDS)
            if seen is not None:
                message = f"The API wasn't ready {READY_SECONDS} s after its start: {seen}"
                raise _VoidCellError([Void(reason="not-ready", message=message)])
            with self.phase("probe"):
                wrong = self._bench.probe(self.api)
        if wrong:
            raise _VoidCellError(Void(reason="wrong-answer", message=message) for message in wrong)
        with _void_where_it_fails("pinning"):
            pinned.result()

    def warm_up(self) -> None:
        """Warm up, start the sampler at the same time, then read the pinning of all threads that run."""
        protocol = self._context.protocol
        sampled_seconds = protocol.warm_up_seconds + self._cell.scenario.duration_seconds + _SAMPLER_MARGIN_SECONDS
        start_sampling = partial(self._bench.start_sampling, seconds=sampled_seconds)
        with self.phase("warm_up"), self._beside(start_sampling) as sampling:
            with _void_where_it_fails("generator-failed"):
                self.warmed_up = warm_up(self._bench, self._load(protocol.warm_up_seconds), protocol)
            with _void_where_it_fails("sampler-failed"):
                sampling.result()
        with self.phase("pinning"), _void_where_it_fails("pinning"):
            self.pinning = self._bench.read_pinning()
        wrong = mismatches(self._context.inventory.cores_of(self.api), self.pinning)
        if wrong:
            raise _VoidCellError(Void(reason="pinning", message=message) for message in wrong)

    def put_under_load(self) -> Measured:
        """Measure, and pull what was measured."""
        load = self._load(self._cell.scenario.duration_seconds)
        if isinstance(self._cell, OpenLoopCell):
            load = replace(load, rate=self._cell.rate)
        with self.phase("load"), _void_where_it_fails("generator-failed"):
            self._bench.measure(load)
        with self.phase("pull"):
            return self._bench.collect(self._folder)

    @contextmanager
    def _beside(self, step: Callable[[], None]) -> Generator[Future[None]]:
        """Run a step at the same time as the block, and wait for its end."""
        begun = self._bench.beside(step)
        try:
            yield begun
        finally:
            wait([begun])

    def _tokens(self) -> bytes:
        scenario = self._cell.scenario
        return token_file(
            self._context.secrets.jwt_secret,
            self._context.token_users[scenario.workload],
            lifetime_seconds=self._context.protocol.warm_up_seconds
            + scenario.duration_seconds
            + READY_SECONDS
            + _TOKEN_MARGIN_SECONDS,
        )

    def _load(self, seconds: int) -> Load:
        return Load(
            api=self.api,
            scenario=self._cell.scenario,
            seconds=seconds,
            timeout_seconds=self._context.protocol.timeout_seconds,
            wrk_version=self._context.wrk_version,
        )


def _why_void(measured: Measured, cell: Cell, context: RunContext, folder: Path) -> list[Void]:
    """The reasons why the window is void; empty if it is valid."""
    voids: list[Void] = []
    window = measured.window
    if measured.result is not None:
        voids += window_voids(measured.result, cell.scenario.workload)
    else:
        message = measured.generator_failure or "The generator left no result."
        voids.append(Void(reason="generator-failed", message=message))
    if measured.sampler_failure is not None:
        voids.append(Void(reason="sampler-failed", message=measured.sampler_failure))
    elif window is not None:
        name = f"cells/{folder.name}/samples.csv"
        roles = HOST_ROLES if context.load_hosts else SAMPLED_ROLES
        voids += sample_voids((folder / "samples.csv").read_bytes(), window, name=name, roles=roles)
    if measured.watch_failure is not None:
        voids.append(Void(reason="watch-failed", message=measured.watch_failure))
    elif window is not None:
        watched = WatchFiles(
            watch_json=(folder / "watch.json").read_bytes(),
            ticks_jsonl=(folder / "ticks.jsonl").read_bytes(),
            cores=context.inventory.cores_of(context.inventory.api(cell.api)),
        )
        voids += watch_voids(watched, window, measured.result, folder=f"cells/{folder.name}/")
    if voids:
        return voids
    files = files_of_cell(
        lambda name: (folder / name).read_bytes(),
        cell,
        context.inventory,
        context.load_hosts,
        watched=True,
        folder=f"cells/{folder.name}/",
    )
    return analysis_voids(cell, files)


@contextmanager
def _void_where_it_fails(reason: VoidReason) -> Generator[None]:
    """Void the cell if the block fails, for example because the API died; a lost connection ends the run instead."""
    try:
        yield
    except HostUnreachableError:
        raise
    except HostError as error:
        raise _VoidCellError([Void(reason=reason, message=str(error))]) from error


def _redacted(message: str, secrets: Secrets) -> str:
    """A message without secrets. It may quote an API's answer, and a login answers with a token."""
    for secret in secrets.values():
        message = message.replace(secret, "<secret>")
    return _TOKEN.sub("<token>", message)
