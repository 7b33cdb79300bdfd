"""The load generators of a run: wrk and the open loop's program, on the lab's own host or on its load hosts.

Load hosts measure by their own clocks. Their files are pulled unchanged, together with the offsets of their clocks from
the lab host's, immediately before and after the load.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import wait as wait_for_all
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from analysis.raw import CLOCKS_NAME, load_host_file, merge, turn_ns
from documents.files import replace_file
from documents.lab import CoreLayout
from documents.run import (
    OPEN_LOOP_FILE,
    WRK_FILE,
    CellClocks,
    ClockReading,
    ClockReadings,
    SampledRole,
    Scenario,
)
from experiment.bench import host_folder
from experiment.bench.bench import Beside, Load, Measured, WarmedUp
from experiment.bench.host_folder import or_failure
from experiment.workloads import (
    REPLAY_SCRIPT,
    GeneratorPart,
    ReplayPaths,
    RequestFile,
    generator_threads,
    open_loop_command,
    share_of_connections,
    shares_of_rate,
    wrk_command,
)
from provision.containers import Cgroup
from provision.load import Job, jobs, network, open_loop, recording, wrk
from provision.ssh import Connection

_Found = TypeVar("_Found")

_MARGIN_SECONDS = 20
"""How much longer than its load wrk may run: it builds its requests before, and writes its result after."""

_LEAD_SECONDS = 3.0
"""From the request to start several generators to their common start: each starts over SSH and builds its requests. One
that isn't ready by then starts late, which its result shows."""


@dataclass(frozen=True)
class GeneratorHost:
    """The host of a load generator, with the generator's CPUs and those of the host's other work.

    `on_load_host` is false for the host of the APIs.
    """

    connection: Connection
    cpus: tuple[int, ...]
    system: tuple[int, ...]
    on_load_host: bool = False


@dataclass
class _At:
    """One generator: its host, its number, and its jobs for the current cell."""

    place: GeneratorHost
    part: GeneratorPart
    cgroup: Cgroup | None = None
    load: Job | None = None
    sampler: Job | None = None
    watch: Job | None = None
    clock: ClockReading | None = None
    clock_after: ClockReading | None = None


class Generators:
    """One load generator on the lab's host, or one on each load host, which then share every load evenly."""

    def __init__(self, lab: Connection, address: str, places: Sequence[GeneratorHost], beside: Beside) -> None:
        """Prepare them.

        `address` is where the APIs listen. Either the lab's host or only load hosts are `places`.
        """
        self._lab = lab
        self._address = address
        self._beside = beside
        self._all = [_At(place, GeneratorPart(number, len(places))) for number, place in enumerate(places)]
        self._apart = places[0].on_load_host
        self._load_is_open = False
        self._may_run = False
        """Whether a job that this run started may still run: its cell wasn't collected, or its end wasn't seen."""
        self._program: str | None = None

    def use(self, cores: CoreLayout) -> None:
        """Use these CPUs from the next cell on, if the generator is on the lab's host."""
        if not self._apart:
            [own] = self._all
            own.place = replace(own.place, cpus=cores.generator, system=cores.system)

    def install(self, requests: Sequence[RequestFile], beside: Cgroup) -> None:
        """Copy the request files and the replay script, and create the generators' cgroups.

        Args:
            requests: one file for each workload.
            beside: a cgroup of the lab, next to which the cgroup of a generator on the lab's host is created.
        """

        def install_at(one: _At) -> None:
            connection = one.place.connection
            host_folder.make(connection)
            connection.push(REPLAY_SCRIPT, host_folder.path_of("replay.lua"))
            for file in requests:
                connection.push_bytes(file.data, host_folder.requests_path(file.workload), mode=0o600)
            if one.place.on_load_host:
                one.cgroup = wrk.own_generator_cgroup(connection)
            else:
                one.cgroup = wrk.generator_cgroup(connection, beside)

        self._on_each(install_at)

    def install_open_loop(self, program: str) -> None:
        """Copy the open loop's program from the lab's host to each generator's host."""
        self._program = program
        if self._apart:
            self._on_each(lambda one: open_loop.carry_over(self._lab, one.place.connection, program))

    def own_cgroups(self) -> Mapping[SampledRole, Cgroup]:
        """The generator's cgroup, if it is on the lab's host."""
        [first, *_] = self._all
        return {} if self._apart else {"generator": _known(first.cgroup, first)}

    def prepare(self, tokens: bytes) -> None:
        """Remove the files of the last cell, and write this cell's tokens."""

        def prepare_at(one: _At) -> None:
            host_folder.empty(one.place.connection, end_jobs=self._may_run)
            one.place.connection.push_bytes(tokens, host_folder.path_of("tokens"), mode=0o600)
            one.load = one.sampler = one.watch = one.clock = one.clock_after = None

        self._on_each(prepare_at)
        self._may_run = False

    def warm_up(self, load: Load, enough: Callable[[Sequence[int]], bool]) -> WarmedUp:
        """See `Bench.warm_up`."""
        series = host_folder.path_of(f"warm-up/{wrk.SERIES_NAME}")
        self._may_run = True
        started = self._beside.do_all(*(self._start(one, load, "warm-up", series=series) for one in self._all))
        seen, statuses = wrk.follow_warm_up(
            [(one.place.connection, job) for one, job in zip(self._all, started, strict=True)],
            threads=self._threads(load),
            enough=enough,
        )
        return WarmedUp(series=seen, seconds=max((status.ended_ns - status.started_ns) / 1e9 for status in statuses))

    def start_sampling(self, *, port: int, seconds: float) -> None:
        """Start sampler and watch on load hosts; `port` is the API's."""

        def start_at(one: _At) -> None:
            place = one.place
            cgroups: dict[SampledRole, Cgroup] = {"generator": _known(one.cgroup, one)}
            one.sampler = recording.start_sampler(
                place.connection,
                host_folder.path_of("sampler"),
                cgroups,
                cpus=place.system,
                deadline_seconds=seconds,
            )
            one.watch = recording.start_watch(
                place.connection,
                host_folder.path_of("watch"),
                cgroups,
                lab_cpus=sorted({*place.cpus, *place.system}),
                port=port,
                cpus=place.system,
                deadline_seconds=seconds,
            )

        if self._apart:
            self._may_run = True
            self._on_each(start_at)

    def starts(self, load: Load) -> list[Callable[[], Job]]:
        """The steps that start the load, one for each generator; several begin the load at the same moment.

        Before, the clocks of load hosts are read.
        """
        self._load_is_open = load.rate is not None
        self._may_run = True
        if self._apart:
            for one in self._all:
                one.clock = self._read_clock(one)
        moments = self._moments(load)
        rates = [None] * len(self._all) if load.rate is None else shares_of_rate(load.rate, len(self._all))
        return [
            self._start(one, load, "load", start_ns=start_ns, rate=rate)
            for one, start_ns, rate in zip(self._all, moments, rates, strict=True)
        ]

    def wait(self, started: Sequence[Future[Job]]) -> None:
        """Wait until all of these steps have started their load and it has ended; `collect` then finds its files."""
        # If one fails, the others must not start their load during the next attempt.
        wait_for_all(started)
        for one, step in zip(self._all, started, strict=True):
            one.load = step.result()
        self._on_each(lambda one: jobs.wait(one.place.connection, _known(one.load, one)))

    def look_afterwards(self) -> None:
        """Read the clocks of load hosts again, after their load."""
        if self._apart:
            for one in self._all:
                one.clock_after = self._read_clock(one)

    def collect(self, folder: Path) -> Measured:
        """Pull the generators' files: `wrk.txt` and `wrk.json`, or `open-loop.json`.

        The files of load hosts, including those of sampler and watch, have the host's number before their names. The
        merged result is `wrk.json` or `open-loop.json`, by the clock of the lab's host.
        """
        if not self._apart:
            [own] = self._all
            measured = self._fetch_result(own, folder)
            self._may_run = measured.generator_failure is not None
            return measured
        found = self._on_each(lambda one: self._fetch(one, folder))
        clocks = CellClocks(
            load_hosts=tuple(
                ClockReadings(before=_known(one.clock, one), after=_known(one.clock_after, one)) for one in self._all
            )
        )
        replace_file(folder / CLOCKS_NAME, clocks.to_json())
        together = self._together(found, clocks, folder)
        sampler_failures, watch_failures = (
            [failure for failure in failures if failure is not None]
            for failures in ([part.sampler_failure for part in found], [part.watch_failure for part in found])
        )
        self._may_run = bool(together.generator_failure or sampler_failures or watch_failures)
        return replace(
            together,
            sampler_failure=next(iter(sampler_failures), None),
            watch_failure=next(iter(watch_failures), None),
        )

    def forget(self) -> None:
        """Forget the jobs, which were ended."""
        self._may_run = False
        for one in self._all:
            one.load = one.sampler = one.watch = None

    def _fetch(self, one: _At, folder: Path) -> Measured:
        """Pull the files of one load host."""
        number = one.part.number + 1
        connection, sampler, watch = one.place.connection, _known(one.sampler, one), _known(one.watch, one)
        measured = self._fetch_result(one, folder, prefix=load_host_file(number, ""))
        _, sampler_failure = or_failure(
            lambda: recording.finish(
                connection, sampler, recording.SAMPLER, folder / load_host_file(number, recording.SAMPLER.file_name)
            )
        )
        _, watch_failure = or_failure(
            lambda: recording.finish(
                connection, watch, recording.WATCH, folder / load_host_file(number, recording.WATCH.file_name)
            )
        )
        one.sampler = one.watch = None
        return replace(measured, sampler_failure=sampler_failure, watch_failure=watch_failure)

    def _fetch_result(self, one: _At, folder: Path, *, prefix: str = "") -> Measured:
        connection, job = one.place.connection, _known(one.load, one)
        finish = open_loop.finish if self._load_is_open else wrk.finish
        result, failure = or_failure(lambda: finish(connection, job, folder, prefix=prefix))
        one.load = None
        return Measured(result=result, generator_failure=failure)

    def _together(self, found: Sequence[Measured], clocks: CellClocks, folder: Path) -> Measured:
        """Merge the generators' results, and write the merged one beside theirs."""
        for part in found:
            if part.generator_failure is not None:
                return Measured(generator_failure=part.generator_failure)
        parts = [part.result for part in found if part.result is not None]
        result, failure = or_failure(lambda: merge(parts, clocks))
        if result is not None:
            replace_file(folder / (OPEN_LOOP_FILE if self._load_is_open else WRK_FILE), result.to_json())
        return Measured(result=result, generator_failure=failure)

    def _read_clock(self, one: _At) -> ClockReading:
        return network.read_clock(self._lab, one.place.connection, self._address)

    def _moments(self, load: Load) -> list[int | None]:
        """When each generator begins, by its own clock; None for at once.

        In an open loop the generators take turns.
        """
        if len(self._all) == 1:
            return [None]
        clocks = [_known(one.clock, one) for one in self._all]
        start_ns = max(clock.at_ns + clock.offset_ns for clock in clocks) + round(_LEAD_SECONDS * 1e9)
        turns_ns = [0 if load.rate is None else turn_ns(number, load.rate) for number in range(len(clocks))]
        return [start_ns - clock.offset_ns + later_ns for clock, later_ns in zip(clocks, turns_ns, strict=True)]

    def _share(self, load: Load) -> Scenario:
        """The part of the load's scenario that each generator plays."""
        connections = share_of_connections(load.scenario.connections, len(self._all))
        return load.scenario.model_copy(update={"connections": connections})

    def _threads(self, load: Load) -> int:
        """The number of threads of each wrk: the same for all, so that their connections divide evenly."""
        return generator_threads(self._share(load).connections, min(len(one.place.cpus) for one in self._all))

    def _start(
        self,
        one: _At,
        load: Load,
        folder: str,
        *,
        series: str | None = None,
        start_ns: int | None = None,
        rate: int | None = None,
    ) -> Callable[[], Job]:
        """The step that starts a generator in a folder of the run: wrk, or with a rate the open loop's program."""
        script, seconds = host_folder.path_of("replay.lua"), load.seconds + _MARGIN_SECONDS
        if rate is not None:
            if self._program is None:
                raise AssertionError(f"The generator of the open loop wasn't installed on {one.place.connection}.")
            # If nothing answers, the last request is sent up to one timeout after the window, then waits up to two
            # more: for its connection, and for its answer.
            script, seconds = self._program, seconds + 3 * load.timeout_seconds
        paths = ReplayPaths(
            script=script,
            requests=host_folder.requests_path(load.scenario.workload),
            tokens=host_folder.path_of("tokens"),
            output=host_folder.path_of(f"{folder}/{WRK_FILE if rate is None else OPEN_LOOP_FILE}"),
            series=series,
        )
        if rate is None:
            command = wrk_command(
                self._share(load),
                paths,
                address=self._address,
                port=load.api.port,
                threads=self._threads(load),
                duration_seconds=load.seconds,
                timeout_seconds=load.timeout_seconds,
                wrk_version=load.wrk_version,
                part=one.part,
                start_ns=start_ns,
            )
        else:
            command = open_loop_command(
                self._share(load),
                paths,
                address=self._address,
                port=load.api.port,
                rate=rate,
                duration_seconds=load.seconds,
                timeout_seconds=load.timeout_seconds,
                part=one.part,
                start_ns=start_ns,
            )
        return partial(
            jobs.start,
            one.place.connection,
            host_folder.path_of(folder),
            command,
            cpus=one.place.cpus,
            cgroup=_known(one.cgroup, one),
            deadline_seconds=seconds,
        )

    def _on_each(self, act: Callable[[_At], _Found]) -> list[_Found]:
        """Act on all generators at the same time; when all have ended, raise the first failure."""
        return self._beside.do_all(*(partial(act, one) for one in self._all))


def _known(found: _Found | None, one: _At) -> _Found:
    if found is None:
        raise AssertionError(f"No load was prepared on {one.place.connection}, or none has ended there.")
    return found
