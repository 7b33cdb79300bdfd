"""The bench over SSH: one connection for the whole run, and few round trips for each cell."""

import logging
import uuid
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from apis.contract.checks import Target, probe
from documents.cores import Role
from documents.errors import DocumentError, HostError, HostUnreachableError, TransferError
from documents.inventory import ApiService, Inventory, Secrets
from documents.knobs import KnobRecord
from documents.protocol import Workload
from documents.run import HostIdentity, ProcessPinning
from documents.samples import SampledRole
from experiment import run_lock
from experiment.bench import Load, Measured, WarmedUp
from experiment.host_watch import CellWatch
from experiment.readiness import wait_until_ready
from experiment.workloads.command import (
    OPEN_LOOP_SOURCE,
    REPLAY_SCRIPT,
    ReplayPaths,
    generator_threads,
    open_loop_command,
    wrk_command,
)
from experiment.workloads.requests import RequestFile
from provision import containers, database, identity, jobs, knobs, open_loop, paths, pinning, sampling, tuning, warm_up
from provision import load as generator
from provision.cgroups import Cgroup
from provision.connection import Connection, connect
from provision.jobs import Job
from provision.tuning import Place

_logger = logging.getLogger(__name__)

_Fetched = TypeVar("_Fetched")

_HOME = f"{paths.HOME}/run"
_SCRIPT = f"{_HOME}/replay.lua"
_TOKENS = f"{_HOME}/tokens"
_WARM_UP, _LOAD, _SAMPLER, _WATCH = (f"{_HOME}/{name}" for name in ("warm-up", "load", "sampler", "watch"))
_ASIDE = f"{paths.HOME}/ended-run-"
"""How the names begin that a run's folder has while it is cleared away."""
_JOBS = (_WARM_UP, _LOAD, _SAMPLER, _WATCH)

_DEADLINE_SECONDS = 60
_LOAD_MARGIN_SECONDS = 20
"""How much longer than its load wrk may live: it builds its requests before, and writes its result after."""


_LEASE_MARGIN_SECONDS = 120
"""How much longer than a cell is expected to take the host's settings stay as they were set for it."""


@contextmanager
def open_bench(inventory: Inventory, secrets: Secrets) -> Generator["RemoteBench"]:
    """Connect to the lab's host for one run.

    Args:
        inventory: the lab as it stands.
        secrets: the lab's secrets.

    Raises:
        HostError: it can't be reached.
    """
    with connect(inventory.host) as connection:
        yield RemoteBench(connection, inventory, secrets)


class RemoteBench:
    """A `Bench` on the host of an inventory.

    The host's settings outlive a run that has gone by `lease_margin_seconds`, beyond the time of a cell. Its kernel's
    files, and the lab's journal of them, are at `place`.
    """

    def __init__(
        self,
        connection: Connection,
        inventory: Inventory,
        secrets: Secrets,
        *,
        place: Place | None = None,
        lease_margin_seconds: float = _LEASE_MARGIN_SECONDS,
    ) -> None:
        self._place = place or Place()
        self._lease_margin_seconds = lease_margin_seconds
        self._lease_seconds: float | None = None
        self._knobs = knobs.knobs_of(inventory.cores)
        self._connection = connection
        self._inventory = inventory
        self._secrets = secrets
        self._service_cgroups: dict[SampledRole, Cgroup] = {}
        self._api_cgroup: Cgroup | None = None
        self._load_job: Job | None = None
        self._load_is_open = False
        self._open_loop_program: str | None = None
        self._sampler_job: Job | None = None
        self._watch = CellWatch(connection, inventory.cores)
        self._api_port: int | None = None

    def hold(self, holder: str) -> AbstractContextManager[None]:
        """See `Bench.hold`."""
        return run_lock.held(self._connection, holder)

    def clear(self) -> None:
        """See `Bench.clear`."""
        # Renamed before it is looked through: a job whose start is under way is found in it, or finds its folder gone.
        aside = f"{_ASIDE}{uuid.uuid4().hex[:12]}"
        self._connection.run(f"[ ! -e '{_HOME}' ] || mv -T -- '{_HOME}' '{aside}'", deadline_seconds=_DEADLINE_SECONDS)
        self._end_jobs(f"'{_ASIDE}'*")
        self._connection.run(f"rm -rf -- '{_ASIDE}'*", deadline_seconds=_DEADLINE_SECONDS)

    def read_identity(self) -> HostIdentity:
        """See `Bench.read_identity`."""
        return identity.read_identity(self._connection)

    def read_tool_versions(self) -> dict[str, str]:
        """See `Bench.read_tool_versions`."""
        return identity.read_tool_versions(self._connection, self._inventory)

    def tune(self, *, seconds: float) -> tuple[KnobRecord, ...]:
        """See `Bench.tune`."""
        if not knobs.is_settable(self._inventory):
            return self.read_knobs()
        self._lease_seconds = seconds + self._lease_margin_seconds
        return tuning.tune(self._connection, self._knobs, seconds=self._lease_seconds, place=self._place)

    def renew(self, *, seconds: float) -> None:
        """See `Bench.renew`."""
        if self._lease_seconds is not None:
            self._lease_seconds = seconds + self._lease_margin_seconds
            tuning.renew(self._connection, seconds=self._lease_seconds, place=self._place)

    def read_knobs(self) -> tuple[KnobRecord, ...]:
        """See `Bench.read_knobs`."""
        return tuning.read(
            self._connection, self._knobs, settable=knobs.is_settable(self._inventory), place=self._place
        )

    def untune(self) -> None:
        """See `Bench.untune`."""
        self._lease_seconds = None
        if knobs.is_settable(self._inventory):
            tuning.restore(self._connection, place=self._place)

    def install(self, requests: Sequence[RequestFile]) -> None:
        """See `Bench.install`."""
        self._connection.run(["install", "-d", "-m", "0700", _HOME], deadline_seconds=_DEADLINE_SECONDS)
        self._connection.push(REPLAY_SCRIPT, _SCRIPT)
        for file in requests:
            self._connection.push_bytes(file.data, _requests_path(file.workload), mode=0o600)
        postgres, redis = (
            containers.cgroup(self._connection, service.container)
            for service in (self._inventory.postgres, self._inventory.redis)
        )
        self._service_cgroups = {
            "postgres": postgres,
            "redis": redis,
            "generator": generator.generator_cgroup(self._connection, postgres),
        }

    def install_open_loop(self) -> None:
        """See `Bench.install_open_loop`."""
        self._open_loop_program = open_loop.install(self._connection, self._inventory, OPEN_LOOP_SOURCE)

    def stop_apis(self) -> None:
        """See `Bench.stop_apis`."""
        self._together(self.stop_api, self._inventory.apis)

    def restore(self) -> None:
        """See `Bench.restore`."""
        self.stop_apis()
        database.reset(self._connection, self._inventory)
        self._together(lambda api: database.empty_uploads(self._connection, api.upload_volume), self._inventory.apis)
        self._together(self.start_api, self._inventory.apis)
        pinning.release(self._connection, self._inventory.size.cpus)

    def reset(self, api: ApiService, tokens: bytes) -> None:
        """See `Bench.reset`."""
        with ThreadPoolExecutor(4, thread_name_prefix="reset") as pool:
            steps = (
                pool.submit(database.reset_database, self._connection, self._inventory.postgres),
                pool.submit(database.flush_cache, self._connection, self._inventory.redis),
                pool.submit(database.empty_uploads, self._connection, api.upload_volume),
                pool.submit(self.lay_ready, tokens),
            )
        for step in steps:
            step.result()

    def lay_ready(self, tokens: bytes) -> None:
        """Remove what the last cell left, and write this one's tokens."""
        if self._load_job or self._sampler_job:
            self._end_jobs(f"'{_HOME}'")
        self._connection.run(["rm", "-rf", "--", *_JOBS], deadline_seconds=_DEADLINE_SECONDS)
        self._connection.push_bytes(tokens, _TOKENS, mode=0o600)

    def start_api(self, api: ApiService) -> None:
        """See `Bench.start_api`."""
        containers.start(self._connection, api.container)

    def stop_api(self, api: ApiService) -> None:
        """See `Bench.stop_api`."""
        containers.stop(self._connection, api.container)

    def wait_until_ready(self, api: ApiService, *, deadline_seconds: float) -> str | None:
        """See `Bench.wait_until_ready`."""
        with self._target(api) as target:
            return wait_until_ready(target.base_url, deadline_seconds=deadline_seconds)

    def probe(self, api: ApiService) -> list[str]:
        """See `Bench.probe`."""
        with self._target(api) as target:
            results = probe(target)
        return [f"{result.check}: {result.detail}" for result in results if result.outcome == "failed"]

    def pin(self, api: ApiService) -> None:
        """See `Bench.pin`."""
        self._api_cgroup = containers.cgroup(self._connection, api.container)
        self._api_port = api.port
        pinning.apply(self._connection, self._inventory.cores, self._pinned_cgroups())

    def read_pinning(self, api: ApiService) -> tuple[ProcessPinning, ...]:  # noqa: ARG002 - `pin` found its processes
        """See `Bench.read_pinning`."""
        return pinning.read_back(self._connection, self._inventory.cores, self._pinned_cgroups())

    def warm_up(self, load: Load, enough: Callable[[Sequence[int]], bool]) -> WarmedUp:
        """See `Bench.warm_up`."""
        job = self._start_wrk(load, _WARM_UP, series=f"{_WARM_UP}/{warm_up.SERIES_NAME}")
        series, status = warm_up.watch(self._connection, job, threads=self._threads(load), enough=enough)
        return WarmedUp(series=series, seconds=(status.ended_ns - status.started_ns) / 1e9)

    def start_sampling(self, *, seconds: float) -> None:
        """See `Bench.start_sampling`."""
        if self._api_port is None:
            raise HostError(f"No API was pinned on {self._connection}.")
        cgroups: dict[SampledRole, Cgroup] = {"api": self._cgroup_of_api(), **self._service_cgroups}
        self._sampler_job = sampling.start(
            self._connection, _SAMPLER, cgroups, cpus=self._inventory.cores.system, deadline_seconds=seconds
        )
        self._watch.start(_WATCH, cgroups, port=self._api_port, seconds=seconds)

    def measure(self, load: Load) -> None:
        """See `Bench.measure`."""
        self._load_is_open = load.rate is not None
        with self._watch.around_load():
            if load.rate is None:
                self._load_job = self._start_wrk(load, _LOAD)
            else:
                self._load_job = self._start_open_loop(load, load.rate)
            jobs.wait(self._connection, self._load_job)

    def collect(self, folder: Path) -> Measured:
        """See `Bench.collect`."""
        load_job, sampler_job = self._load_job, self._sampler_job
        if load_job is None or sampler_job is None:
            raise HostError(f"No load has ended on {self._connection} whose result could be collected.")
        if self._lease_seconds is not None:
            # One that lapsed meanwhile, as while the controller slept, would leave a cell measured half and half.
            tuning.renew(self._connection, seconds=self._lease_seconds, place=self._place)
        with ThreadPoolExecutor(3, thread_name_prefix="collect") as pool:
            fetched = pool.submit(self._fetch_load, load_job, folder)
            sampled = pool.submit(
                _or_failure, lambda: sampling.finish(self._connection, sampler_job, folder / sampling.FILE_NAME)
            )
            watched = pool.submit(self._watch.finish, folder)
        measured, (_, sampler_failure) = fetched.result(), sampled.result()
        self._load_job = self._sampler_job = None
        return replace(measured, sampler_failure=sampler_failure, watch_failure=watched.result())

    def _fetch_load(self, job: Job, folder: Path) -> Measured:
        if self._load_is_open:
            open_result, failure = _or_failure(lambda: open_loop.finish(self._connection, job, folder))
            return Measured(open_loop=open_result, generator_failure=failure)
        result, failure = _or_failure(lambda: generator.finish(self._connection, job, folder)[1])
        return Measured(result=result, generator_failure=failure)

    def _start_open_loop(self, load: Load, rate: int) -> Job:
        if self._open_loop_program is None:
            raise HostError(f"The generator of the open loop wasn't installed on {self._connection}.")
        command = open_loop_command(
            load.scenario,
            ReplayPaths(
                script=self._open_loop_program,
                requests=_requests_path(load.scenario.workload),
                tokens=_TOKENS,
                output=f"{_LOAD}/{open_loop.RESULT_NAME}",
            ),
            port=load.api.port,
            rate=rate,
            duration_seconds=load.seconds,
            timeout_seconds=load.timeout_seconds,
        )
        return generator.start(
            self._connection,
            _LOAD,
            command,
            layout=self._inventory.cores,
            cgroup=self._service_cgroups["generator"],
            # Where nobody answers, one time-out after the window the last request waits another for its connection, and
            # then a third for its answer.
            deadline_seconds=load.seconds + 3 * load.timeout_seconds + _LOAD_MARGIN_SECONDS,
        )

    def _threads(self, load: Load) -> int:
        return generator_threads(load.scenario.connections, len(self._inventory.cores.generator))

    def _start_wrk(self, load: Load, directory: str, *, series: str | None = None) -> Job:
        cores = self._inventory.cores
        command = wrk_command(
            load.scenario,
            ReplayPaths(
                script=_SCRIPT,
                requests=_requests_path(load.scenario.workload),
                tokens=_TOKENS,
                output=f"{directory}/{generator.RESULT_NAME}",
                series=series,
            ),
            port=load.api.port,
            threads=self._threads(load),
            duration_seconds=load.seconds,
            timeout_seconds=load.timeout_seconds,
            wrk_version=load.wrk_version,
        )
        return generator.start(
            self._connection,
            directory,
            command,
            layout=cores,
            cgroup=self._service_cgroups["generator"],
            deadline_seconds=load.seconds + _LOAD_MARGIN_SECONDS,
        )

    def _end_jobs(self, homes: str) -> None:
        """End the jobs in a run's folders, whoever started them; the folders as the shell has them."""
        found = self._connection.run(
            f"find {homes} -mindepth 2 -maxdepth 2 -name job.json -printf '%h\\n'",
            deadline_seconds=_DEADLINE_SECONDS,
            check=False,
        )
        for directory in found.stdout.splitlines():
            job = jobs.reattach(self._connection, directory)
            try:
                jobs.stop(self._connection, job)
            except HostUnreachableError:
                raise
            except HostError as error:
                # Gone without a status, as after a restart of the host: there is nothing left to end.
                _logger.info("%s", error)
        self._load_job = self._sampler_job = None

    def _cgroup_of_api(self) -> Cgroup:
        if self._api_cgroup is None:
            raise HostError(f"No API was pinned on {self._connection}.")
        return self._api_cgroup

    def _pinned_cgroups(self) -> dict[Role, Cgroup]:
        services = self._service_cgroups
        return {"api": self._cgroup_of_api(), "postgres": services["postgres"], "redis": services["redis"]}

    @contextmanager
    def _target(self, api: ApiService) -> Generator[Target]:
        """The API as the controller reaches it, through a tunnel."""
        with self._connection.forward(api.port) as port:
            yield Target(name=api.name, base_url=f"http://127.0.0.1:{port}", jwt_secret=self._secrets.jwt_secret)

    def _together(self, act: Callable[[ApiService], None], apis: Sequence[ApiService]) -> None:
        with ThreadPoolExecutor(len(apis), thread_name_prefix="apis") as pool:
            list(pool.map(act, apis))


def _requests_path(workload: Workload) -> str:
    return f"{_HOME}/{workload}.requests"


def _or_failure(fetch: Callable[[], _Fetched]) -> tuple[_Fetched | None, str | None]:
    """What was fetched, or why the window gave none; a failure to copy it is none of the window's."""
    try:
        return fetch(), None
    except (HostUnreachableError, TransferError):
        raise
    except (HostError, DocumentError) as error:
        return None, str(error)
