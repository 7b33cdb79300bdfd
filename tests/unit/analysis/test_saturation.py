"""What was the limit: a service, on CPUs of its own or on those that it shares, or the API's CPUs."""

import pytest

from analysis.cells.cells import bound_by, is_saturated, mostly_bound_by, shares_used_up
from documents.lab.host import ROLES, CoreLayout
from documents.report.numbers import CellNumbers, Usage, WatchNumbers
from documents.run.window import SampledRole
from tests.unit.analysis.run_builder import EIGHT_CORES, TWO_CORES
from tests.unit.analysis.test_comparison import a_cell

QUIET = WatchNumbers(
    seconds=4.8,
    steal=dict.fromkeys(ROLES, 0.002),
    busy=dict.fromkeys(range(8), 0.5),
    others=dict.fromkeys(ROLES, 0.02),
    throttled={},
    pressure=None,
    generator_waited=0.01,
    connections=11,
    connections_planned=10,
    stuck=0,
    spin_change=0.05,
    spin_seconds=0.2,
)


def usage(**cores: float) -> dict[SampledRole, Usage]:
    roles: tuple[SampledRole, ...] = ("api", "postgres", "redis", "generator")
    return {
        role: Usage(cpu_cores=cores.get(role, 0.01), memory_mean_bytes=0, memory_peak_bytes=0, page_cache_mean_bytes=0)
        for role in roles
    }


def busy_by(used: dict[str, float], cores: CoreLayout) -> dict[int, float]:
    """How busy each CPU is where nothing but the roles has work, spread evenly."""
    busy = dict.fromkeys(range(8), 0.0)
    for role in ROLES:
        for cpu in cores.of(role):
            busy[cpu] += used.get(role, 0.01) / len(cores.of(role))
    return busy


@pytest.mark.parametrize(
    ("cores", "used", "expected"),
    [
        (EIGHT_CORES, {"postgres": 1.85}, ("postgres",)),
        (EIGHT_CORES, {"postgres": 1.75, "generator": 2.0}, ()),
        (EIGHT_CORES, {"redis": 0.93}, ("redis",)),
        (EIGHT_CORES, {"postgres": 2.0, "redis": 0.95}, ("postgres", "redis")),
        (TWO_CORES, {"postgres": 0.55, "generator": 0.35, "redis": 0.04}, ("postgres",)),
        (TWO_CORES, {"postgres": 0.35, "generator": 0.55, "redis": 0.04}, ()),
        (TWO_CORES, {"postgres": 0.5, "generator": 0.3}, ()),
        (TWO_CORES, {"redis": 0.5, "postgres": 0.3, "generator": 0.15}, ()),
    ],
)
def test_a_service_binds_where_its_cpus_are_used_up_by_it(
    cores: CoreLayout, used: dict[str, float], expected: tuple[str, ...]
):
    assert bound_by(usage(**used), busy_by(used, cores), cores) == expected


def test_redis_fills_one_cpu_however_many_it_has():
    cores = CoreLayout(api=(0, 1), postgres=(2,), redis=(3, 4), system=(3, 4), generator=(5,), shared=False)
    assert bound_by(usage(redis=0.92), dict.fromkeys(range(6), 0.5), cores) == ("redis",)


def test_roles_whose_cpus_overlap_in_part_are_taken_together():
    """PostgreSQL and the generator share one CPU of three: what fills the others isn't what PostgreSQL waits for."""
    cores = CoreLayout(api=(0,), postgres=(1, 2), generator=(2, 3), redis=(4,), system=(4,), shared=True)
    busy = dict.fromkeys(range(5), 1.0)
    assert bound_by(usage(postgres=1.0, generator=0.9), busy, cores) == ()
    assert bound_by(usage(postgres=1.6, generator=1.2), busy, cores) == ("postgres",)


def test_interrupts_that_are_charged_to_no_cgroup_fill_a_service_s_own_cpus_as_well():
    used = usage(postgres=1.5)
    assert bound_by(used, dict.fromkeys(range(8), 0.75), EIGHT_CORES) == ()
    assert bound_by(used, dict.fromkeys(range(8), 0.75) | {3: 0.95, 4: 0.9}, EIGHT_CORES) == ("postgres",)


def cell(api: str, scenario: str, *bound: str) -> CellNumbers:
    return a_cell(1, api, 1.0, scenario=scenario).model_copy(update={"usage": usage(), "bound_by": bound})


def test_an_api_is_bound_by_postgres_under_a_load_where_most_of_its_cells_are():
    cells = [
        *(cell("go", "heavy", "postgres"), cell("go", "heavy", "postgres"), cell("go", "heavy")),
        *(cell("go", "light", "postgres"), cell("go", "light")),
        *(cell("zig", "heavy", "redis"), cell("zig", "heavy", "postgres", "redis")),
    ]
    assert mostly_bound_by("postgres", cells) == {("go", "heavy")}


ALL_ON_ONE = CoreLayout(api=(0, 1), postgres=(0, 1), redis=(0, 1), generator=(0, 1), system=(0, 1), shared=True)


def watched(busy: dict[int, float], *bound: str) -> CellNumbers:
    watch = QUIET.model_copy(update={"busy": busy})
    return cell("go", "heavy", *bound).model_copy(update={"watch": watch})


IDLE = dict.fromkeys(range(8), 0.3)


@pytest.mark.parametrize(
    ("cores", "busy", "expected"),
    [
        (EIGHT_CORES, IDLE, False),
        (EIGHT_CORES, IDLE | {0: 1.0, 1: 1.0, 2: 0.6}, False),
        (EIGHT_CORES, IDLE | {0: 1.0, 1: 1.0, 2: 0.75}, True),
        (EIGHT_CORES, IDLE | {3: 0.92, 4: 0.9}, True),
        (EIGHT_CORES, IDLE | {6: 1.0, 7: 1.0}, False),
        (TWO_CORES, {0: 0.5, 1: 0.95}, True),
        (ALL_ON_ONE, {0: 0.95, 1: 0.8}, False),
        (ALL_ON_ONE, {0: 0.95, 1: 0.9}, True),
    ],
    ids=["idle", "API half", "API", "PostgreSQL", "generator", "shared without the API", "shared half", "shared"],
)
def test_a_load_is_saturated_where_cpus_of_the_api_or_a_service_are_used_up(
    cores: CoreLayout, busy: dict[int, float], expected: bool
):
    assert is_saturated(watched(busy), cores) is expected


def test_redis_saturates_by_its_thread_and_an_unwatched_host_by_nothing():
    assert is_saturated(watched(IDLE, "redis"), EIGHT_CORES)
    assert not is_saturated(cell("go", "heavy", "redis"), EIGHT_CORES)


def test_an_api_waits_for_those_with_whom_it_shares_cpus_that_are_used_up():
    full = {0: 1.0, 1: 1.0}
    assert shares_used_up(watched(full), ALL_ON_ONE)
    assert not shares_used_up(watched({0: 1.0, 1: 0.7}), ALL_ON_ONE)
    assert not shares_used_up(watched(full), TWO_CORES), "the API has CPU 0 alone"
