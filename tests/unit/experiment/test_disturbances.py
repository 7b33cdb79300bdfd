"""Each disturbance by its name, just beyond its limit and just within it."""

import pytest

from documents.lab.host import ROLES, CoreLayout
from documents.report.numbers import CellNumbers, OpenLoopNumbers, WatchNumbers
from documents.run.records import Void
from experiment.voids import generator_voids, host_voids
from tests.unit.analysis.run_builder import EIGHT_CORES, TWO_CORES
from tests.unit.analysis.test_comparison import LATENCY
from tests.unit.analysis.test_saturation import QUIET, cell, usage


def changed(name: str, value: object) -> WatchNumbers:
    now = getattr(QUIET, name)
    return QUIET.model_copy(update={name: now | value if isinstance(value, dict) else value})


def reasons(voids: list[Void]) -> list[str]:
    return [void.reason for void in voids]


@pytest.mark.parametrize("cores", [EIGHT_CORES, TWO_CORES])
def test_a_quiet_cell_counts(cores: CoreLayout):
    assert host_voids(QUIET, cores) == []
    assert generator_voids(numbers(QUIET), cores) == []


@pytest.mark.parametrize(
    ("name", "beyond", "within", "reason", "wording"),
    [
        ("steal", {"generator": 0.021}, {"generator": 0.02}, "steal", "2.1% from generator; the limit is 2%"),
        ("throttled", {"/lab": 0.01}, {"/lab": 0.0}, "throttled", "/lab for 0.01 s"),
        ("others", {"api": 0.11}, {"api": 0.1}, "noisy-neighbour", "11% of the CPUs of api (0,1,2)"),
        ("others", {"postgres": 0.3}, {"system": 0.3}, "noisy-neighbour", "30% of the CPUs of postgres (3,4)"),
        ("others", {"generator": 0.21}, {"generator": 0.2}, "generator-saturated", "used 21% of its CPUs (6,7)"),
        ("connections", 9, 10, "connections-missing", "Only 9 of 10 connections"),
        ("stuck", 1, None, "stuck-requests", "1 of 10 connections had been sent no answer"),
        ("spin_change", 0.21, 0.2, "spin", "21% slower after the load"),
        ("spin_change", -0.2, -0.16, "spin", "25% faster after the load"),
    ],
)
def test_a_disturbance_is_reported_by_its_name_and_numbers(
    name: str, beyond: object, within: object, reason: str, wording: str
):
    [void] = host_voids(changed(name, beyond), EIGHT_CORES)
    assert void.reason == reason
    assert wording in void.message
    assert host_voids(changed(name, within), EIGHT_CORES) == []


def test_a_step_or_two_of_the_kernels_counters_is_no_disturbance_of_a_short_window():
    short = QUIET.model_copy(update={"seconds": 0.4})
    stolen = short.model_copy(update={"steal": QUIET.steal | {"redis": 0.025}})
    assert host_voids(stolen, EIGHT_CORES) == []
    assert reasons(host_voids(stolen.model_copy(update={"seconds": 4.0}), EIGHT_CORES)) == ["steal"]
    used = short.model_copy(update={"others": QUIET.others | {"api": 0.12}})
    assert host_voids(used, TWO_CORES) == []
    assert reasons(host_voids(used.model_copy(update={"seconds": 0.8}), TWO_CORES)) == ["noisy-neighbour"]


def test_the_shared_cpus_of_a_small_layout_have_the_systems_work_on_them():
    busy_system = changed("others", {"postgres": 0.15, "redis": 0.15, "generator": 0.15, "system": 0.15})
    assert host_voids(busy_system, TWO_CORES) == []
    assert reasons(host_voids(changed("others", {"api": 0.15}), TWO_CORES)) == ["noisy-neighbour"]


def test_every_disturbance_of_a_host_is_reported():
    watch = QUIET.model_copy(update={"stuck": 5, "connections": 5, "steal": dict.fromkeys(ROLES, 0.3)})
    assert reasons(host_voids(watch, EIGHT_CORES)) == ["steal", "connections-missing", "stuck-requests"]


def numbers(watch: WatchNumbers, *, littles_law: float = 0.99, saturation: float = 0.5) -> CellNumbers:
    update = {"watch": watch, "littles_law": littles_law, "generator_saturation": saturation}
    return cell("go", "light").model_copy(update=update)


@pytest.mark.parametrize(
    ("found", "wording"),
    [
        (numbers(QUIET, saturation=0.91), "used 91% of the CPUs that its threads can fill"),
        (numbers(changed("busy", {7: 0.95})), "busiest CPU was busy for 95%"),
        (numbers(changed("generator_waited", 0.2)), "waited for a CPU for 20% of the load"),
        (numbers(QUIET, littles_law=0.85), "Little's law gives 0.85"),
    ],
)
def test_a_generator_at_its_limit_voids_where_its_cpus_are_its_own_and_is_a_caveat_elsewhere(
    found: CellNumbers, wording: str
):
    [void] = generator_voids(found, EIGHT_CORES)
    assert void.reason == "generator-saturated"
    assert wording in void.message
    assert generator_voids(found, TWO_CORES) == []


@pytest.mark.parametrize(("mean_seconds", "voids"), [(0.01, 1), (0.6, 0), (0.4, 1)])
def test_requests_that_were_under_way_at_the_end_of_a_window_are_no_fault_of_the_generator(
    mean_seconds: float, voids: int
):
    """In five seconds, with a mean of 0.6 s, as much as 12% of the connections' time is in no latency."""
    raw = LATENCY.model_copy(update={"mean_us": 1e6 * mean_seconds})
    slow = numbers(QUIET, littles_law=0.81).model_copy(update={"requests": 500, "throughput": 100.0, "raw": raw})
    assert reasons(generator_voids(slow, EIGHT_CORES)) == ["generator-saturated"] * voids


def test_a_spin_voids_nothing_where_another_role_s_cpu_may_be_the_sibling():
    watch = QUIET.model_copy(update={"spin_change": 0.6})
    assert reasons(host_voids(watch, EIGHT_CORES)) == ["spin"]
    assert host_voids(watch, TWO_CORES) == []


@pytest.mark.parametrize("cores", [EIGHT_CORES, TWO_CORES])
def test_where_silence_cannot_be_seen_an_idle_generator_shows_that_answers_are_missing(cores: CoreLayout):
    blind = changed("stuck", None)
    [void] = generator_voids(numbers(blind, littles_law=0.5), cores)
    assert void.reason == "stuck-requests"
    assert "Little's law gives 0.50" in void.message
    busy = blind.model_copy(update={"busy": QUIET.busy | {cores.generator[0]: 0.93}})
    assert "stuck-requests" not in reasons(generator_voids(numbers(busy, littles_law=0.5), cores))


def test_a_cell_without_a_watch_has_no_disturbances():
    assert generator_voids(cell("go", "light"), EIGHT_CORES) == []


# In an open loop

OPEN_QUIET = QUIET.model_copy(update={"connections": 3, "connections_planned": None, "stuck": None})


def open_loop_numbers(watch: WatchNumbers | None, *, saturation: float = 0.5) -> OpenLoopNumbers:
    return OpenLoopNumbers(
        cell_id="009-go-heavy-at-500",
        block=1,
        api="go",
        rate=500,
        achieved_rate=500.0,
        latency=LATENCY,
        lateness_p99_us=50.0,
        connections_opened=3,
        usage=usage(),
        generator_saturation=saturation,
        watch=watch,
    )


@pytest.mark.parametrize("cores", [EIGHT_CORES, TWO_CORES])
def test_an_open_loop_needs_no_connections(cores: CoreLayout):
    assert host_voids(OPEN_QUIET.model_copy(update={"connections": 0}), cores) == []
    assert generator_voids(open_loop_numbers(OPEN_QUIET), cores) == []
    assert generator_voids(open_loop_numbers(None, saturation=1.0), cores) == []
