"""Plain wrk on the lab's host, without a run: the API is made ready as the lab makes it ready for a cell."""

import json
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from analysis.cells import is_steady
from documents.errors import RunError
from documents.lab import ApiService, Inventory, Secrets
from documents.run import Protocol, Scenario, Workload
from experiment.bench import Load, RemoteBench, WarmedUp, host_folder
from experiment.workloads import ReplayPaths, build_requests, generator_threads, token_file, wrk_command
from provision.containers import cgroups, control
from provision.ssh import Connection, connect

CONNECTIONS = 100
TIMEOUT_SECONDS = 2
WRK_VERSION = "4.1.0"

_READY_SECONDS = 60
_TOKEN_SECONDS = 900
_DEADLINE_SECONDS = 20


def scenario(workload: Workload, seconds: int, connections: int = CONNECTIONS) -> Scenario:
    """The load that benchmarks put on an API, from a hundred connections by default."""
    return Scenario(name="benchmark", workload=workload, connections=connections, duration_seconds=seconds)


@dataclass(frozen=True)
class Count:
    """What wrk counted: responses, and the seconds that they took together."""

    requests: int
    seconds: float

    @property
    def per_second(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


@dataclass(frozen=True)
class ReadyApi:
    """An API that `bench` has reset, restarted and pinned, with requests and tokens on its host."""

    bench: RemoteBench
    tokens: bytes
    connection: Connection
    inventory: Inventory
    api: ApiService
    workload: Workload
    paths: ReplayPaths

    def cpu_seconds(self) -> float:
        """The CPU time, user and system, that the API has used since its container was made."""
        return cgroups.cpu_seconds(self.connection, control.cgroup(self.connection, self.api.container))

    def warm_up(self, most_seconds: int, *, least_seconds: int = 0) -> WarmedUp:
        """Run wrk until throughput is steady, as the lab does before a cell's window.

        Raises:
            HostError: wrk failed.
        """
        return self.bench.warm_up(
            self.lab_load(most_seconds), lambda series: len(series) >= least_seconds and is_steady(series)
        )

    def lab_load(self, seconds: int) -> Load:
        """The load of `count`, for the methods of `bench`."""
        return Load(
            api=self.api,
            scenario=scenario(self.workload, seconds),
            seconds=seconds,
            timeout_seconds=TIMEOUT_SECONDS,
            wrk_version=WRK_VERSION,
        )

    def load(self, seconds: int, *, connections: int = CONNECTIONS) -> float:
        """Run wrk, pinned as the lab pins it, and return the requests a second."""
        return self.count(seconds, connections=connections).per_second

    def count(self, seconds: int, *, connections: int = CONNECTIONS) -> Count:
        """Run wrk, pinned as the lab pins it, and return what it counted.

        Raises:
            RunError: wrk counted errors.
        """
        cores = self.inventory.cores
        command = wrk_command(
            scenario(self.workload, seconds, connections),
            self.paths,
            port=self.api.port,
            threads=generator_threads(connections, len(cores.generator)),
            duration_seconds=seconds,
            timeout_seconds=TIMEOUT_SECONDS,
            wrk_version=WRK_VERSION,
        )
        pinned = ["taskset", "--cpu-list", cores.cpu_list("generator"), *command]
        self.connection.run(pinned, deadline_seconds=seconds + _DEADLINE_SECONDS)
        result = json.loads(self.connection.run(["cat", self.paths.output], deadline_seconds=_DEADLINE_SECONDS).stdout)
        if errors := {kind: count for kind, count in result["errors"].items() if count}:
            raise RunError(f"wrk counted errors of {self.api.name}: {errors}. `lab logs {self.api.name}` may show why.")
        return Count(result["requests"], result["elapsed_us"] / 1e6)


@contextmanager
def ready_api(
    inventory: Inventory,
    secrets: Secrets,
    api: ApiService,
    workload: Workload,
) -> Generator[ReadyApi]:
    """Make an API of the lab ready for plain wrk, alone on the host; put the host back at the end.

    Raises:
        RunError: it isn't ready in time, or the lab's load comes from load hosts.
    """
    if inventory.load_hosts:
        raise RunError(
            f"The lab {inventory.stack} has load hosts, and the benchmarks put their load on an API from its own host. "
            "Name a stack without load hosts."
        )
    requests = build_requests(workload, Protocol.model_fields["request_seed"].default)
    tokens = token_file(secrets.jwt_secret, requests.users, lifetime_seconds=_TOKEN_SECONDS)
    paths = ReplayPaths(
        script=host_folder.path_of("replay.lua"),
        requests=host_folder.requests_path(workload),
        tokens=host_folder.path_of("tokens"),
        output=host_folder.path_of("wrk.json"),
    )
    with connect(inventory.host) as connection:
        bench = RemoteBench(connection, inventory, secrets)
        with bench.hold("a benchmark"), ExitStack() as rest:
            rest.callback(bench.restore)
            rest.callback(bench.clear)
            bench.stop_apis()
            bench.install([requests])
            bench.reset(api, tokens)
            bench.start_api(api)
            if seen := bench.wait_until_ready(api, deadline_seconds=_READY_SECONDS):
                raise RunError(f"{seen} `lab logs {api.name}` may show why.")
            bench.pin(api)
            yield ReadyApi(bench, tokens, connection, inventory, api, workload, paths)
