"""A bench in memory: the loop over cells can be tested on it where a real host can't be had."""

from collections import Counter
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from analysis.raw.recordings import Window
from documents.errors import HostError, RunError
from documents.lab.host import CoreLayout, Host, HostSize, PhysicalCore, Role
from documents.lab.inventory import ApiService, Inventory, PostgresService, RedisService, Secrets
from documents.run.protocol import OpenLoop, Protocol, Scenario, Workload
from documents.run.records import HostIdentity, KnobRecord, LoadHostLook, ProcessPinning
from documents.run.window import (
    SAMPLE_COLUMNS,
    HostTick,
    OpenLoopErrors,
    OpenLoopHistogram,
    OpenLoopResult,
    SampledRole,
    WrkErrors,
    WrkLatency,
    WrkResult,
)
from experiment.bench.bench import Beside, Found, Load, Measured, WarmedUp
from experiment.workloads.requests import EXPECTED_STATUS, RequestFile
from tests.unit.analysis.watch_builder import Happening, jsonl, spins_of, ticks_of

SECRETS = Secrets(
    postgres_password="postgres-password-9f2c",
    redis_password="redis-password-77aa",
    jwt_secret="jwt-secret-" + "3e" * 20,
)

LAYOUT = CoreLayout(api=(0, 1), postgres=(2,), redis=(3,), system=(3,), generator=(4, 5), shared=False)


STARTED_NS = 5_000_000_000
"""When each load begins."""


def _api(name: str, port: int) -> ApiService:
    return ApiService(
        name=name,
        source=f"apis/{name}",
        source_sha256="0" * 64,
        image_id=f"sha256:{name}",
        container=f"fairground-api-{name}",
        port=port,
        environment={},
        upload_volume=f"fairground-uploads-{name}",
    )


INVENTORY = Inventory(
    stack="test",
    host=Host(
        kind="container",
        address="127.0.0.1",
        port=22022,
        user="root",
        private_key_path="/nowhere/key",
        known_hosts_path="/nowhere/known_hosts",
        host_public_key="ssh-ed25519 AAAA",
    ),
    size=HostSize(cpus=(0, 1, 2, 3, 4, 5), memory_bytes=8 << 30, smaller=True),
    own_kernel=False,
    cores=LAYOUT,
    base_image_id="sha256:base",
    postgres=PostgresService(
        container="fairground-postgres",
        image_id="sha256:postgres",
        port=15432,
        database="fairground",
        user="fairground",
        settings={},
    ),
    redis=RedisService(container="fairground-redis", image_id="sha256:redis", port=16379, settings={}),
    contract_sha256="5" * 64,
    apis=(_api("go", 18001), _api("rust", 18002)),
)

PROTOCOL = Protocol(
    version=1,
    name="tiny",
    blocks=2,
    warm_up_seconds=1,
    scenarios=(
        Scenario(name="light", workload="list-posts", connections=10, duration_seconds=2),
        Scenario(name="heavy", workload="read-user", connections=100, duration_seconds=3),
    ),
)

OPEN_LOOP_PROTOCOL = PROTOCOL.model_copy(
    update={"open_loop": OpenLoop(scenario="heavy", shares=(0.5, 0.9), seconds=2, blocks=2)}
)

IDENTITY = HostIdentity(
    cpu_model="Test CPU",
    cpus=(0, 1, 2, 3, 4, 5),
    threads_per_core=1,
    memory_bytes=8 << 30,
    kernel="6.1",
    operating_system="Debian 13",
    cgroup_version=2,
    settings={"vm.swappiness": "60"},
)


WANTED = {"turbo": "off", "vm.swappiness": "1"}
"""What a measurement wants of the settings that the fake bench has."""


def result_of(load: Load, **changes: object) -> WrkResult:
    workload: Workload = load.scenario.workload
    statuses = None if workload == "mixed" else {str(EXPECTED_STATUS[workload]): 1_000}
    # By Little's law: 1,000 requests keep all connections busy all the time.
    latency_us = load.scenario.connections * load.seconds * 1_000
    result = WrkResult(
        wrk_version=load.wrk_version,
        workload=workload,
        threads=2,
        connections=load.scenario.connections,
        timeout_seconds=load.timeout_seconds,
        duration_seconds=load.seconds,
        elapsed_us=load.seconds * 1_000_000,
        ended_ns=STARTED_NS + load.seconds * 1_000_000_000,
        requests=1_000,
        bytes=1_000_000,
        errors=WrkErrors(connect=0, read=0, write=0, status=0, timeout=0),
        latency=WrkLatency(
            count=1_000,
            minimum_us=latency_us,
            maximum_us=latency_us + 10,
            histogram=((latency_us, 600), (latency_us + 10, 400)),
        ),
        statuses=statuses,
    )
    return result.model_copy(update=changes)


def wrk_errors(measured: Measured) -> Measured:
    """The same window, with errors that wrk counted."""
    assert isinstance(measured.result, WrkResult)
    errors = WrkErrors(connect=0, read=3, write=0, status=0, timeout=2)
    return replace(measured, result=measured.result.model_copy(update={"errors": errors}))


def vegeta_errors(measured: Measured) -> Measured:
    """The same window of an open loop, with requests that nobody answered."""
    found = measured.result
    assert isinstance(found, OpenLoopResult)
    errors = OpenLoopErrors(timeout=2, other=1)
    return replace(measured, result=found.model_copy(update={"errors": errors, "first_error": "EOF"}))


def open_loop_result_of(load: Load, **changes: object) -> OpenLoopResult:
    assert load.rate is not None
    requests = load.rate * load.seconds
    result = OpenLoopResult(
        vegeta_version="v12.13.0",
        workload=load.scenario.workload,
        connections=load.scenario.connections,
        timeout_seconds=load.timeout_seconds,
        duration_seconds=load.seconds,
        rate=load.rate,
        started_ns=STARTED_NS,
        ended_ns=STARTED_NS + load.seconds * 1_000_000_000,
        requests=requests,
        sent_in_window=requests,
        connections_opened=7,
        errors=OpenLoopErrors(timeout=0, other=0),
        first_error=None,
        statuses={"GET": {"200": requests}},
        latency=OpenLoopHistogram(count=requests, minimum_us=150, maximum_us=150, histogram=((150, requests),)),
        lateness=OpenLoopHistogram(count=requests, minimum_us=40, maximum_us=40, histogram=((40, requests),)),
    )
    return result.model_copy(update=changes)


@dataclass
class FakeBench:
    """Does in memory what `RemoteBench` does on a host, and refuses what a host couldn't do.

    `before` is called with the name of each step and how many steps there were; tests raise or kill in it. `change`
    alters what a window gives, `damage` its samples.csv, and `disturb` its ticks. Of the windows, counted from 1, those
    in `spoilt` have an error of their generator's. `protocol` is the run's, and `requests_of` gives what an API answers
    in a second of its warm-up. `steps` are the steps so far, `played` the cells' loads. `settings` are the kernel's,
    `untouched` what they were before they were tuned, None while they aren't. `made` are the containers of variants,
    `server` and `cores` what is as one of them wants it, and `arranged` what each cell had of these.
    """

    before: Callable[[str, int], None] = lambda _step, _count: None
    change: Callable[[Measured], Measured] = lambda measured: measured
    damage: Callable[[str], str] = lambda text: text
    disturb: Callable[[list[HostTick]], list[HostTick]] = lambda ticks: ticks
    protocol: Protocol = PROTOCOL
    requests_of: Callable[[str, int], int] = lambda _api, _second: 1_000
    spoilt: frozenset[int] = frozenset()
    wrong_answers: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    never_ready: set[str] = field(default_factory=set[str])
    astray: set[str] = field(default_factory=set[str])
    identity: HostIdentity = IDENTITY
    postgres_version: str = "17.6"
    holder: str | None = None
    made: set[str] = field(default_factory=set[str])
    server: str = INVENTORY.postgres.container
    cores: CoreLayout = LAYOUT
    wrong_settings: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    running: set[str] = field(default_factory=lambda: {api.name for api in INVENTORY.apis})
    installed: set[str] = field(default_factory=set[str])
    settings: dict[str, str] = field(default_factory=lambda: {"turbo": "on", "vm.swappiness": "60"})
    refused: set[str] = field(default_factory=set[str])
    untouched: dict[str, str] | None = None
    lapsed: bool = False
    renewals: int = 0
    has_open_loop: bool = False
    pinned: str | None = None
    tokens: bytes | None = None
    load: Load | None = None
    sampled: bool = False
    arranged: list[tuple[str, str, CoreLayout]] = field(default_factory=list[tuple[str, str, CoreLayout]])
    steps: list[str] = field(default_factory=list[str])
    played: list[str] = field(default_factory=list[str])

    _beside: Beside = field(default_factory=Beside)

    def _step(self, name: str) -> None:
        self.steps.append(name)
        self.before(name, len(self.steps))

    @contextmanager
    def hold(self, work: str) -> Generator[None]:
        self._step("hold")
        if self.holder is not None:
            raise RunError(f"Another run holds the bench: {self.holder}.")
        self.holder = work
        try:
            yield
        finally:
            self.holder = None

    def beside(self, step: Callable[[], Found]) -> Future[Found]:
        return self._beside.begin(step)

    def clear(self) -> None:
        self._beside.wait()
        self._step("clear")
        self.made.clear()
        self.server, self.cores = INVENTORY.postgres.container, LAYOUT
        self.running &= {api.name for api in INVENTORY.apis}
        self.installed.clear()
        self.has_open_loop = False
        self.tokens, self.load, self.sampled = None, None, False

    def read_identity(self) -> HostIdentity:
        self._step("read_identity")
        return self.identity

    def look_at_load_hosts(self) -> tuple[LoadHostLook, ...]:
        return ()

    def read_tool_versions(self) -> dict[str, str]:
        return {"wrk": "4.1.0", "postgres": self.postgres_version}

    def tune(self, *, seconds: float) -> tuple[KnobRecord, ...]:
        assert seconds > 0
        assert self.untouched is None, "what an earlier run left must be put back first"
        before, self.untouched = dict(self.settings), dict(self.settings)
        self.settings |= {name: value for name, value in WANTED.items() if name not in self.refused}
        return tuple(
            KnobRecord(
                name=name,
                wanted=wanted,
                before=before[name],
                during=self.settings[name],
                state="set" if self.settings[name] == wanted else "refused",
            )
            for name, wanted in WANTED.items()
        )

    def renew(self, *, seconds: float) -> None:
        assert self.untouched is not None
        assert seconds > PROTOCOL.warm_up_seconds + min(scenario.duration_seconds for scenario in PROTOCOL.scenarios)
        if self.lapsed:
            raise HostError("The lease lapsed.")
        self.renewals += 1

    def read_knobs(self) -> tuple[KnobRecord, ...]:
        return tuple(
            KnobRecord(
                name=name,
                wanted=wanted,
                before=self.settings[name],
                state="as-wanted" if self.settings[name] == wanted else "only-read",
            )
            for name, wanted in WANTED.items()
        )

    def untune(self) -> None:
        if self.untouched is not None:
            self.settings, self.untouched = self.untouched, None

    def install(self, requests: Sequence[RequestFile]) -> None:
        self._step("install")
        self.installed = {file.workload for file in requests}

    def install_open_loop(self) -> None:
        self._step("install_open_loop")
        self.has_open_loop = True

    def read_physical_cores(self) -> tuple[PhysicalCore, ...]:
        return tuple((cpu,) for cpu in (*IDENTITY.cpus, 6, 7))

    def make_variants(self, subjects: Sequence[ApiService]) -> None:
        self._step("make_variants")
        assert not self.made, "what an earlier run left must be removed first"
        self.running.clear()
        for api in subjects:
            if api.varied is not None:
                assert api.container not in self.made
                self.made |= {api.container, INVENTORY.postgres_of(api).container} - {INVENTORY.postgres.container}

    def arrange(self, api: ApiService) -> list[str]:
        if not self.made:
            return []
        self._step("arrange")
        assert not self.running, "no API may run while its PostgreSQL is replaced"
        self.server, self.cores = INVENTORY.postgres_of(api).container, INVENTORY.cores_of(api)
        self.arranged.append((api.name, self.server, self.cores))
        return self.wrong_settings.get(api.name, [])

    def stop_apis(self) -> None:
        self._step("stop_apis")
        self.running.clear()

    def restore(self) -> None:
        self._step("restore")
        assert self.server == INVENTORY.postgres.container, "the seed is put back into the lab's own PostgreSQL"
        self.running = {api.name for api in INVENTORY.apis}

    def reset(self, api: ApiService, tokens: bytes) -> None:
        self._step("reset")
        assert not self.running, "no API may run while its database is replaced"
        assert api.name not in self.running
        self.tokens, self.load, self.sampled = tokens, None, False

    def start_api(self, api: ApiService) -> None:
        self._step("start_api")
        assert api.varied is None or api.container in self.made
        self.running.add(api.name)

    def stop_api(self, api: ApiService) -> None:
        self._step("stop_api")
        self.running.discard(api.name)

    def wait_until_ready(self, api: ApiService, *, deadline_seconds: float) -> str | None:
        self._step("wait_until_ready")
        assert deadline_seconds > 0
        return "GET /readyz was answered with 503." if api.name in self.never_ready else None

    def probe(self, api: ApiService) -> list[str]:
        self._step("probe")
        return self.wrong_answers.get(api.name, [])

    def pin(self, api: ApiService) -> None:
        self._step("pin")
        assert self.running == {api.name}, "only the API under test may run"
        self.pinned = api.name

    def read_pinning(self) -> tuple[ProcessPinning, ...]:
        self._step("read_pinning")
        roles: tuple[Role, ...] = ("api", "postgres", "redis")
        cpus = {role: self.cores.of(role) for role in roles}
        if self.pinned in self.astray:
            cpus["api"] += (4,)
        return tuple(
            ProcessPinning(role=role, process_id=number, thread_id=number, command=role, cpus=cpus[role])
            for number, role in enumerate(roles, start=100)
        )

    def warm_up(self, load: Load, enough: Callable[[Sequence[int]], bool]) -> WarmedUp:
        self._step("warm_up")
        self._require_ready_for(load)
        assert load.rate is None
        assert load.seconds == self.protocol.warm_up_seconds
        series: list[int] = []
        while len(series) < load.seconds and not enough(series):
            series.append(self.requests_of(load.api.name, len(series)))
        return WarmedUp(series=tuple(series), seconds=len(series) + 0.25)

    def start_sampling(self, *, seconds: float) -> None:
        self._step("start_sampling")
        longest = max(scenario.duration_seconds for scenario in self.protocol.scenarios)
        assert seconds > self.protocol.warm_up_seconds + longest
        self.sampled = True

    def measure(self, load: Load) -> None:
        self._step("measure")
        self._require_ready_for(load)
        self.load = load
        assert load.rate is None or self.has_open_loop
        self.played.append(f"{load.api.name} {load.scenario.name}" + (f" at {load.rate}" if load.rate else ""))

    def _require_ready_for(self, load: Load) -> None:
        assert load.scenario.workload in self.installed
        assert self.tokens is not None
        assert self.running == {load.api.name}

    def collect(self, folder: Path) -> Measured:
        self._step("collect")
        assert self.load is not None
        assert self.sampled
        ended_ns = STARTED_NS + self.load.seconds * 1_000_000_000
        spoilt = len(self.played) in self.spoilt
        if self.load.rate is None:
            measured = self.change(Measured(result=result_of(self.load)))
            measured = wrk_errors(measured) if spoilt else measured
            (folder / "wrk.txt").write_text("Running test\n")
        else:
            measured = self.change(Measured(result=open_loop_result_of(self.load)))
            measured = vegeta_errors(measured) if spoilt else measured
        if measured.result is not None:
            name = "wrk.json" if self.load.rate is None else "open-loop.json"
            (folder / name).write_text(measured.result.to_json())
        if measured.sampler_failure is None:
            rows = [
                f"{at},{role},{at // 10},1000,2000"
                for at in range(STARTED_NS, ended_ns, 100_000_000)
                for role in ("api", "postgres", "redis", "generator")
            ]
            text = "\n".join([",".join(SAMPLE_COLUMNS), *rows]) + "\n"
            (folder / "samples.csv").write_text(self.damage(text))
        if measured.watch_failure is None:
            self._write_watch(folder, Window(STARTED_NS, ended_ns), self.load.scenario.connections)
        self.load, self.sampled = None, False
        return measured

    def _write_watch(self, folder: Path, window: Window, connections: int) -> None:
        roles: tuple[SampledRole, ...] = ("api", "postgres", "redis", "generator")
        ticks = ticks_of(self.cores, window, Happening(own=dict.fromkeys(roles, 0.1), connections=connections))
        (folder / "watch.json").write_text(spins_of(self.cores).to_json())
        (folder / "ticks.jsonl").write_bytes(jsonl(self.disturb(ticks)))

    def left_clean(self) -> bool:
        """Whether the bench is as a run must leave it."""
        all_running = self.running == {api.name for api in INVENTORY.apis}
        as_found = self.load is None and not self.sampled and self.tokens is None and self.untouched is None
        as_declared = not self.made and (self.server, self.cores) == (INVENTORY.postgres.container, LAYOUT)
        return all_running and as_found and as_declared and self.holder is None

    def times(self) -> Counter[str]:
        """How often each cell's load was played."""
        return Counter(self.played)
