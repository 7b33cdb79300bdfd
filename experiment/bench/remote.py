"""The bench over SSH: one connection for the whole run, and few round trips for each cell."""

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from apis.contract.checks import Target, probe
from documents.errors import HostError, HostUnreachableError
from documents.lab import HOST_ROLES, ApiService, CoreLayout, Inventory, PhysicalCore, Role, Secrets
from documents.run import HostIdentity, KnobRecord, LoadHostLook, ProcessPinning, SampledRole
from experiment.bench import host_folder, run_lock
from experiment.bench.arrangement import Arrangement
from experiment.bench.bench import Beside, Found, Load, Measured, WarmedUp
from experiment.bench.generators import GeneratorHost, Generators
from experiment.bench.host_folder import CellWatch, or_failure
from experiment.bench.load_hosts import LoadHosts
from experiment.bench.readiness import wait_until_ready
from experiment.planning import layouts_of
from experiment.workloads import OPEN_LOOP_SOURCE, RequestFile
from provision.containers import Cgroup, control
from provision.kernel import KnobPaths, knobs, tuning
from provision.load import Job, open_loop, recording
from provision.services import database, wait_for_postgres, wait_for_redis
from provision.ssh import Connection, connect
from provision.system import identity, pinning

_LEASE_MARGIN_SECONDS = 120
"""How much longer than the expected time of a cell the lease on the host's settings lasts."""


@contextmanager
def open_bench(inventory: Inventory, secrets: Secrets) -> Generator["RemoteBench"]:
    """Connect to the lab's host and to its load hosts for one run.

    Raises:
        HostError: one can't be reached.
    """
    with connect(inventory.host) as connection, connected_load_hosts(inventory) as load_hosts:
        yield RemoteBench(connection, inventory, secrets, load_hosts=load_hosts)


@contextmanager
def connected_load_hosts(inventory: Inventory) -> Generator[Sequence[Connection]]:
    """Connections to the load hosts of a lab, in their order.

    Raises:
        HostError: one can't be reached.
    """
    with ExitStack() as opened:
        yield [opened.enter_context(connect(one.host)) for one in inventory.load_hosts]


class RemoteBench:
    """A `Bench` on the host of an inventory; the load comes from the inventory's load hosts, if it has any.

    `load_hosts` are connections to these, in their order. After a killed run, a host keeps its settings for the
    expected time of a cell plus `lease_margin_seconds`. `paths` has the paths of the kernel's files and of the lab's
    journal of them.
    """

    def __init__(
        self,
        connection: Connection,
        inventory: Inventory,
        secrets: Secrets,
        *,
        load_hosts: Sequence[Connection] = (),
        paths: KnobPaths | None = None,
        lease_margin_seconds: float = _LEASE_MARGIN_SECONDS,
    ) -> None:
        self._beside = Beside()
        self._paths = paths or KnobPaths()
        self._lease_margin_seconds = lease_margin_seconds
        self._lease_seconds: float | None = None
        self._knobs = knobs.knobs_of(inventory.cores)
        self._connection = connection
        self._inventory = inventory
        self._secrets = secrets
        self._service_cgroups: dict[SampledRole, Cgroup] = {}
        self._pinned: tuple[Cgroup, int] | None = None
        """The pinned API's cgroup, and its port."""
        self._sampler_job: Job | None = None
        self._watch = CellWatch(connection, inventory.cores)
        self._arrangement = Arrangement(connection, inventory)
        hosts = [*zip(inventory.load_hosts, load_hosts, strict=True)]
        address = inventory.api_address
        self._load_hosts = LoadHosts(connection, address, hosts, paths=self._paths)
        self._generators = Generators(
            connection,
            address,
            [GeneratorHost(opened, one.generator, one.system, on_load_host=True) for one, opened in hosts]
            or [GeneratorHost(connection, inventory.cores.generator, inventory.cores.system)],
            self._beside,
        )

    @contextmanager
    def hold(self, work: str) -> Generator[None]:
        """See `Bench.hold`."""
        with run_lock.held(self._connection, work), self._load_hosts.hold(work):
            yield

    def beside(self, step: Callable[[], Found]) -> Future[Found]:
        """See `Bench.beside`."""
        return self._beside.begin(step)

    def clear(self) -> None:
        """See `Bench.clear`."""
        self._beside.wait()
        with ExitStack() as rest:
            # Also if this host is lost: load and tokens must not stay on the others.
            rest.callback(self._load_hosts.clear)
            rest.callback(self._undo_arrangement)
            host_folder.clear(self._connection)
        self._sampler_job = None
        self._generators.forget()

    def read_identity(self) -> HostIdentity:
        """See `Bench.read_identity`."""
        return identity.read_identity(self._connection)

    def read_physical_cores(self) -> tuple[PhysicalCore, ...]:
        """See `Bench.read_physical_cores`."""
        return identity.read_resources(self._connection).cores

    def make_variants(self, subjects: Sequence[ApiService]) -> None:
        """See `Bench.make_variants`."""
        self.stop_apis()
        self._arrangement.make(subjects)
        self._knobs = knobs.knobs_of(*layouts_of(self._inventory, subjects))

    def arrange(self, api: ApiService) -> list[str]:
        """See `Bench.arrange`."""
        wrong = self._arrangement.arrange(api)
        self._use(self._arrangement.cores)
        if self._arrangement.starts_postgres:
            server = self._arrangement.postgres.container
            self._service_cgroups["postgres"] = control.cgroup(self._connection, server)
        return wrong

    def read_tool_versions(self) -> dict[str, str]:
        """See `Bench.read_tool_versions`."""
        versions = identity.read_tool_versions(self._connection, self._inventory)
        return versions | {"wrk": self._load_hosts.read_wrk_version(versions["wrk"])}

    def look_at_load_hosts(self) -> tuple[LoadHostLook, ...]:
        """See `Bench.look_at_load_hosts`."""
        return self._load_hosts.look()

    def tune(self, *, seconds: float) -> tuple[KnobRecord, ...]:
        """See `Bench.tune`."""
        self._lease_seconds = seconds + self._lease_margin_seconds
        of_load_hosts = self._load_hosts.tune(seconds=self._lease_seconds)
        if not self._inventory.own_kernel:
            return (*self._read_own_knobs(), *of_load_hosts)
        own = tuning.tune(self._connection, self._knobs, seconds=self._lease_seconds, paths=self._paths)
        return (*own, *of_load_hosts)

    def renew(self, *, seconds: float) -> None:
        """See `Bench.renew`."""
        if self._lease_seconds is not None:
            self._lease_seconds = seconds + self._lease_margin_seconds
            self._renew(self._lease_seconds)

    def read_knobs(self) -> tuple[KnobRecord, ...]:
        """See `Bench.read_knobs`."""
        return (*self._read_own_knobs(), *self._load_hosts.read_knobs())

    def untune(self) -> None:
        """See `Bench.untune`."""
        self._lease_seconds = None
        with ExitStack() as rest:
            rest.callback(self._load_hosts.untune)
            if self._inventory.own_kernel:
                tuning.restore(self._connection, paths=self._paths)

    def install(self, requests: Sequence[RequestFile]) -> None:
        """See `Bench.install`."""
        host_folder.make(self._connection)
        services = self._inventory.services.items()
        self._service_cgroups = {name: control.cgroup(self._connection, one.container) for name, one in services}
        self._generators.install(requests, self._service_cgroups["postgres"])
        self._service_cgroups |= self._generators.own_cgroups()

    def install_open_loop(self) -> None:
        """See `Bench.install_open_loop`."""
        self._generators.install_open_loop(open_loop.install(self._connection, self._inventory, OPEN_LOOP_SOURCE))

    def stop_apis(self) -> None:
        """See `Bench.stop_apis`."""
        self._together(self.stop_api, self._inventory.apis)

    def restore(self) -> None:
        """See `Bench.restore`."""
        with ExitStack() as rest:
            rest.callback(self._load_hosts.release)
            self.stop_apis()
            database.reset(self._connection, self._inventory)
            self._together(
                lambda api: database.empty_uploads(self._connection, api.upload_volume), self._inventory.apis
            )
            self._together(self.start_api, self._inventory.apis)
            # An image build after the run can then use all CPUs.
            pinning.confine(self._connection, self._inventory.size.cpus)

    def reset(self, api: ApiService, tokens: bytes) -> None:
        """See `Bench.reset`."""
        try:
            self._beside.do_all(
                partial(database.reset_database, self._connection, self._arrangement.postgres),
                partial(database.flush_cache, self._connection, self._inventory.redis),
                partial(database.empty_uploads, self._connection, api.upload_volume),
                partial(self.prepare, tokens),
            )
        except HostUnreachableError:
            raise
        except HostError:
            if not self._arrangement.starts_postgres:
                wait_for_postgres(self._connection, self._inventory.postgres, may_restart=True)
            wait_for_redis(self._connection, self._inventory.redis, may_restart=True)
            raise

    def prepare(self, tokens: bytes) -> None:
        """Remove the files of the last cell, and write this cell's tokens to the generators' hosts."""
        host_folder.empty(self._connection, end_jobs=self._sampler_job is not None)
        self._sampler_job = None
        self._generators.prepare(tokens)

    def start_api(self, api: ApiService) -> None:
        """See `Bench.start_api`."""
        control.start(self._connection, api.container)

    def stop_api(self, api: ApiService) -> None:
        """See `Bench.stop_api`."""
        control.stop(self._connection, api.container)

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
        self._pinned = control.cgroup(self._connection, api.container), api.port
        pinning.apply(self._connection, self._arrangement.cores, self._pinned_cgroups())
        self._load_hosts.pin()

    def read_pinning(self) -> tuple[ProcessPinning, ...]:
        """See `Bench.read_pinning`."""
        return pinning.read_back(self._connection, self._arrangement.cores, self._pinned_cgroups())

    def warm_up(self, load: Load, enough: Callable[[Sequence[int]], bool]) -> WarmedUp:
        """See `Bench.warm_up`."""
        return self._generators.warm_up(load, enough)

    def start_sampling(self, *, seconds: float) -> None:
        """See `Bench.start_sampling`."""
        cgroup, port = self._pinned_api()
        cgroups: dict[SampledRole, Cgroup] = {"api": cgroup, **self._service_cgroups}
        self._sampler_job = recording.start_sampler(
            self._connection,
            host_folder.path_of("sampler"),
            cgroups,
            cpus=self._arrangement.cores.system,
            deadline_seconds=seconds,
        )
        self._watch.start(host_folder.path_of("watch"), cgroups, port=port, seconds=seconds)
        self._generators.start_sampling(port=port, seconds=seconds)

    def measure(self, load: Load) -> None:
        """See `Bench.measure`."""
        with self._watch.around_load():
            self._generators.wait([self._beside.begin(step) for step in self._generators.starts(load)])
        self._generators.look_afterwards()

    def collect(self, folder: Path) -> Measured:
        """See `Bench.collect`."""
        sampler_job = self._sampler_job
        if sampler_job is None:
            raise AssertionError(f"No load has ended on {self._connection}, so there is no result to collect.")
        if self._lease_seconds is not None:
            # If it lapsed, because the controller slept, part of the cell was measured without the settings.
            self._renew(self._lease_seconds)
        fetched = self._beside.begin(partial(self._generators.collect, folder))
        target = folder / recording.SAMPLER.file_name
        sampled = self._beside.begin(
            lambda: or_failure(lambda: recording.finish(self._connection, sampler_job, recording.SAMPLER, target))
        )
        watched = self._beside.begin(partial(self._watch.finish, folder))
        # After a failure of one, the others must not run on during the next attempt.
        for step in (fetched, sampled, watched):
            step.exception()
        measured, (_, sampler_failure), watch_failure = fetched.result(), sampled.result(), watched.result()
        self._sampler_job = None
        return replace(
            measured,
            sampler_failure=sampler_failure or measured.sampler_failure,
            watch_failure=watch_failure or measured.watch_failure,
        )

    def _undo_arrangement(self) -> None:
        self._arrangement.undo()
        self._use(self._arrangement.cores)

    def _use(self, cores: CoreLayout) -> None:
        self._watch.use(cores)
        self._generators.use(cores)

    def _renew(self, seconds: float) -> None:
        if self._inventory.own_kernel:
            tuning.renew(self._connection, seconds=seconds, paths=self._paths)
        self._load_hosts.renew(seconds=seconds)

    def _read_own_knobs(self) -> tuple[KnobRecord, ...]:
        return tuning.read(self._connection, self._knobs, settable=self._inventory.own_kernel, paths=self._paths)

    def _pinned_api(self) -> tuple[Cgroup, int]:
        if self._pinned is None:
            raise AssertionError(f"No API was pinned on {self._connection}.")
        return self._pinned

    def _pinned_cgroups(self) -> dict[Role, Cgroup]:
        cgroup, _ = self._pinned_api()
        return {role: cgroup if role == "api" else self._service_cgroups[role] for role in HOST_ROLES}

    @contextmanager
    def _target(self, api: ApiService) -> Generator[Target]:
        """The API through a tunnel from the controller."""
        with self._connection.forward(api.port, self._inventory.api_address) as port:
            yield Target(name=api.name, base_url=f"http://127.0.0.1:{port}", jwt_secret=self._secrets.jwt_secret)

    def _together(self, act: Callable[[ApiService], None], apis: Sequence[ApiService]) -> None:
        self._beside.do_all(*(partial(act, api) for api in apis))
