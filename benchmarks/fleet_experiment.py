"""One experiment on a fleet of simulated hosts, through the lab's own loop, files and analysis.

Each host has a run of its own, with its own folder, journal and clock, as a real one would. The runs go on at the same
time, each in a thread. Their folders are then read like any run's, and their cells are pooled. All runs must have in
common what two runs that are compared must.
"""

import secrets as random_secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from analysis.compare import Conditions, differences
from analysis.raw import read_run
from analysis.report import analyse
from analysis.statistics import log_ratios_of, logs_of
from benchmarks import known_difference as known
from benchmarks.fleet_noise import measured_level
from benchmarks.fleet_orders import plan_for_host
from benchmarks.simulated_host import SimulatedHost, simulated_inventory
from documents.errors import AnalysisError, HostUnreachableError
from documents.lab import Inventory, Secrets
from documents.report import CellNumbers
from documents.run import Plan, Protocol
from experiment.running import Planner, resume_run, start_run

API_IMAGES = {known.AGAIN: "sha256:plain", known.PLAIN: "sha256:plain", known.SLOWED: "sha256:slowed"}
"""The APIs of the stack `known-difference`: two entries of one build, and one that is slower by a known share."""

APIS = tuple(API_IMAGES)
"""In the order of the draws of `benchmarks.fleet_world`."""

LOAD = known.load_of(known.Settings.seconds)
WARM_UP_SECONDS = known.Settings.warm_up

COMMIT = "simulated"


@dataclass(frozen=True)
class FleetRun:
    """What one host of a fleet did: its run's folder, its seconds by its own clock, and whether the run was resumed."""

    folder: Path
    seconds: float
    resumed: bool


def fleet_protocol(blocks: int, *, twin: bool = True) -> Protocol:
    """What each host measures: the load of `benchmarks.known_difference`, for as long."""
    return Protocol(
        version=1,
        name="fleet",
        blocks=blocks,
        warm_up_seconds=WARM_UP_SECONDS,
        warm_up_least_seconds=WARM_UP_SECONDS,
        scenarios=(LOAD,),
        twin=twin,
    )


def run_fleet(
    hosts: Sequence[SimulatedHost],
    protocol: Protocol,
    directory: Path,
    *,
    order_seed: int,
    apis_of: Callable[[int], Sequence[str]] = lambda _host: APIS,
    planner_of: Callable[[int], Planner] | None = None,
) -> tuple[FleetRun, ...]:
    """Measure on all hosts at the same time, and resume a run whose connection is lost.

    Args:
        hosts: the fleet.
        protocol: what each host measures.
        directory: each host gets a folder in it for its runs.
        order_seed: the same for all hosts.
        apis_of: which APIs a host measures: by default, all.
        planner_of: makes the plan of a host's run: by default, by the fleet's design.
    """
    planner_of = planner_of or (lambda host: partial(plan_for_host, host=host, hosts=len(hosts)))
    inventories = [simulated_inventory(number, API_IMAGES) for number in range(len(hosts))]
    by_stack = {inventory.stack: host for inventory, host in zip(inventories, hosts, strict=True)}

    def opened(inventory: Inventory, _secrets: Secrets) -> nullcontext[SimulatedHost]:
        return nullcontext(by_stack[inventory.stack])

    def run(number: int) -> FleetRun:
        host, inventory = hosts[number], inventories[number]
        secrets = Secrets(**dict.fromkeys(_SECRETS, random_secrets.token_hex(32)))
        runs = directory / inventory.stack
        try:
            folder = start_run(
                inventory,
                secrets,
                protocol,
                runs,
                apis=apis_of(number),
                order_seed=order_seed,
                progress=host.hear,
                planner=planner_of(number),
                clock=host.clock,
                opener=opened,
                commit=COMMIT,
            )
        except HostUnreachableError:
            [folder] = runs.iterdir()
            resume_run(folder, inventory, secrets, progress=host.hear, clock=host.clock, opener=opened, commit=COMMIT)
            return FleetRun(folder, host.clock.monotonic(), resumed=True)
        return FleetRun(folder, host.clock.monotonic(), resumed=False)

    with ThreadPoolExecutor(len(hosts), thread_name_prefix="host") as pool:
        return tuple(pool.map(run, range(len(hosts))))


_SECRETS = ("postgres_password", "redis_password", "jwt_secret")


def fleet_of(
    plans: Sequence[Plan], logs: NDArray[np.float64], *, lost: Mapping[int, int] | None = None
) -> list[SimulatedHost]:
    """Make hosts whose cells have the throughputs that were drawn for them.

    Args:
        plans: by host, of one load.
        logs: the logs of the cells' throughputs over the measured level, with the shape (hosts, blocks, places).
        lost: by host, the number of the cell in which its connection is lost.
    """
    level = measured_level()
    rates = [
        dict(zip((cell.number for cell in plan.cells), (level * np.exp(own)).ravel().tolist(), strict=True))
        for plan, own in zip(plans, logs, strict=True)
    ]
    return [
        SimulatedHost(lambda cell, own=own: own[cell.number], lost_in=(lost or {}).get(host))
        for host, own in enumerate(rates)
    ]


def cells_by_host(folders: Sequence[Path]) -> list[tuple[CellNumbers, ...]]:
    """Read the valid cells of each host's run.

    Raises:
        AnalysisError: the runs don't have the same conditions and the same APIs, or a raw file can't be used.
    """
    runs = [read_run(folder) for folder in folders]
    first, *others = [Conditions(run.manifest, run.host) for run in runs]
    for folder, other in zip(folders[1:], others, strict=True):
        if found := (*differences(first, other), *_other_apis(first, other)):
            raise AnalysisError(f"{folder} can't be pooled with {folders[0]}: {'; '.join(found)}. Leave that host out.")
    return [analyse(run).cells for run in runs]


def _other_apis(first: Conditions, second: Conditions) -> Iterator[str]:
    """Say which APIs have two builds: two runs that are compared may, and two that are pooled mustn't."""
    images = [{api.name: api.image_id for api in run.manifest.inventory.apis} for run in (first, second)]
    for name in sorted({*images[0], *images[1]}):
        if images[0].get(name) != images[1].get(name):
            yield f"image of {name}: {images[0].get(name)} and {images[1].get(name)}"


def put_together(cells: Sequence[Sequence[CellNumbers]], *, sharing: int = 1) -> list[CellNumbers]:
    """Pool the cells of all hosts, and give each block of each host a number of its own.

    Each `sharing` hosts in a row have their blocks in common: as many as there are APIs, where each measures one.
    """
    numbers: dict[tuple[int, int], int] = {}
    return [
        cell.model_copy(update={"block": numbers.setdefault((host // sharing, cell.block), len(numbers) + 1)})
        for host, of_host in enumerate(cells)
        for cell in of_host
    ]


def log_ratios_by_host(cells: Sequence[Sequence[CellNumbers]], first: str, second: str) -> list[NDArray[np.float64]]:
    """The log of one API's throughput over another's in each block: for each host, an array over its blocks."""
    return [np.array(log_ratios_of(logs_of(of_host, LOAD.name, "throughput"), first, second)) for of_host in cells]
