"""The state of the host over a window: each number is computed by hand, and any other file is refused."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.raw.recordings import WatchFiles, Window, read_ticks, watch_numbers
from documents.errors import AnalysisError, FairgroundError
from documents.lab.host import CoreLayout
from documents.report.numbers import WatchNumbers
from documents.run.protocol import Cell, Scenario
from documents.run.window import HostTick, Scheduled
from tests.unit.analysis.run_builder import EIGHT_CORES, START_NS, TWO_CORES, wrk_result
from tests.unit.analysis.watch_builder import Happening, jsonl, spins_of, ticks_of
from tests.unit.damage import damaged, examples

SCENARIO = Scenario(name="light", workload="mixed", connections=10, duration_seconds=5)
CELL = Cell(number=1, block=1, api="go", scenario=SCENARIO)
RESULT = wrk_result(CELL, [(10_000, 5_000)], 5_000_000, threads=2)
WINDOW = Window(START_NS, START_NS + 5_000_000_000)
QUIET = Happening(own={"api": 0.9, "postgres": 0.3, "redis": 0.05, "generator": 0.4})
SPINS = spins_of(EIGHT_CORES).to_json().encode()


def numbers(
    happening: Happening, cores: CoreLayout = EIGHT_CORES, ticks: bytes | None = None, spins: bytes = SPINS
) -> WatchNumbers:
    text = jsonl(ticks_of(cores, WINDOW, happening)) if ticks is None else ticks
    return watch_numbers(WatchFiles(spins, text, cores), result=RESULT, window=WINDOW, folder="cells/x/")


def test_a_quiet_host_is_one_on_which_the_lab_alone_works():
    found = numbers(QUIET)
    assert found.steal == dict.fromkeys(found.steal, 0.0)
    assert found.others == pytest.approx(dict.fromkeys(found.others, 0.0), abs=0.001)
    assert found.busy == pytest.approx({0: 0.3, 1: 0.3, 2: 0.3, 3: 0.15, 4: 0.15, 5: 0.05, 6: 0.2, 7: 0.2}, abs=0.001)
    assert found.throttled == {}
    assert found.pressure == {
        "cpu": (pytest.approx(0.25), 0.0),
        "memory": (pytest.approx(0.125), 0.0),
        "io": (0.0, 0.0),
    }
    assert found.generator_waited == 0
    assert (found.connections, found.connections_planned, found.stuck) == (10, 10, 0)
    assert found.spin_change == pytest.approx(0.02)
    assert found.spin_seconds == pytest.approx(0.202)


def test_an_open_loop_reports_no_missing_or_silent_connections_and_no_waiting_threads():
    """All other numbers are those of a closed loop on the same host."""
    ticks = jsonl(ticks_of(EIGHT_CORES, WINDOW, Happening(own=QUIET.own, silent=3, waited=0.5, connections=7)))
    files = WatchFiles(SPINS, ticks, EIGHT_CORES)
    closed = watch_numbers(files, result=RESULT, window=WINDOW, folder="")
    found = watch_numbers(files, result=None, window=WINDOW, folder="")
    assert (closed.stuck, closed.connections_planned) == (3, 10)
    assert closed.generator_waited == pytest.approx(0.5, rel=0.01)
    expected = {"stuck": None, "connections_planned": None, "generator_waited": None}
    assert found == closed.model_copy(update=expected)
    assert found.connections == 7


def test_what_others_use_is_what_the_cgroups_of_the_lab_do_not():
    """A busy loop on one of the API's three CPUs takes a third of them, whatever the API takes; so on each role's."""
    found = numbers(Happening(own=QUIET.own, others={1: 0.6, 7: 0.5}))
    assert found.others["api"] == pytest.approx(0.6 / 3, abs=0.001)
    assert found.others["generator"] == pytest.approx(0.5 / 2, abs=0.001)
    assert found.others["postgres"] == pytest.approx(0, abs=0.001)


def test_interrupts_and_stolen_time_are_nobodys():
    found = numbers(Happening(own=QUIET.own, interrupts={0: 0.3, 1: 0.3, 2: 0.3}, stolen={0: 0.09}))
    assert found.others["api"] == pytest.approx(0, abs=0.001)
    assert found.steal["api"] == pytest.approx(0.03, abs=0.001)
    assert found.steal["postgres"] == 0
    assert [found.busy[cpu] for cpu in (0, 1, 3)] == pytest.approx([0.6, 0.6, 0.15], abs=0.001)


def test_roles_that_share_cpus_are_taken_together():
    found = numbers(Happening(own=QUIET.own, others={1: 0.2}), TWO_CORES)
    for role in ("postgres", "redis", "generator", "system"):
        assert found.others[role] == pytest.approx(0.2, abs=0.001)
    assert found.others["api"] == pytest.approx(0, abs=0.001)
    assert found.busy == pytest.approx({0: 0.9, 1: 0.95}, abs=0.001)


def test_a_quota_is_reported_with_its_cgroup_and_the_seconds_that_it_took():
    found = numbers(Happening(own=QUIET.own, throttled={"/sys/fs/cgroup/cpu/lab": 0.2}))
    # Ten ticks lie in the window: the first at 120 ms, the last at 4,620.
    assert found.throttled == {"/sys/fs/cgroup/cpu/lab": pytest.approx(0.2 * 4.5)}


def test_what_workers_wait_is_shared_among_them_and_the_first_thread_is_none():
    assert numbers(Happening(own=QUIET.own, waited=0.35)).generator_waited == pytest.approx(0.35)


def test_threads_that_ended_before_the_window_did_hide_nothing_of_what_they_waited():
    ticks = ticks_of(EIGHT_CORES, WINDOW, Happening(own=QUIET.own, waited=0.35))
    last = max(index for index, tick in enumerate(ticks) if tick.time_ns <= WINDOW.end_ns)
    ended = Scheduled(ran_ns=1_000, waited_ns=0, threads=1)
    ticks[last] = ticks[last].model_copy(update={"generator": ended})
    assert numbers(QUIET, ticks=jsonl(ticks)).generator_waited == pytest.approx(0.35)


def test_a_connection_without_an_answer_since_the_load_began_is_stuck():
    assert numbers(Happening(own=QUIET.own, silent=4)).stuck == 4


def test_a_connection_that_was_silent_for_less_than_the_timeout_is_not_stuck():
    ticks = ticks_of(EIGHT_CORES, WINDOW, QUIET)
    slow = [tick.model_copy(update={"silent_ms": (1_999, 2_000)}) for tick in ticks]
    assert numbers(QUIET, ticks=jsonl(slow)).stuck == 1


def test_what_the_kernel_does_not_report_is_not_guessed():
    blind = [
        tick.model_copy(update={"silent_ms": None, "pressure": None, "generator": None})
        for tick in ticks_of(EIGHT_CORES, WINDOW, QUIET)
    ]
    found = numbers(QUIET, ticks=jsonl(blind))
    assert (found.stuck, found.pressure, found.generator_waited) == (None, None, None)


def test_a_window_too_short_to_judge_has_no_stuck_connection():
    window = Window(START_NS, START_NS + 1_000_000_000)
    ticks = jsonl(ticks_of(EIGHT_CORES, window, Happening(own=QUIET.own, silent=3)))
    found = watch_numbers(WatchFiles(SPINS, ticks, EIGHT_CORES), result=RESULT, window=window, folder="")
    assert found.stuck is None


def test_connections_are_the_most_that_were_open_at_once():
    ticks = ticks_of(EIGHT_CORES, WINDOW, Happening(own=QUIET.own, connections=6))
    ticks[5] = ticks[5].model_copy(update={"connections": 8})
    assert numbers(QUIET, ticks=jsonl(ticks)).connections == 8


@pytest.mark.parametrize(
    ("line", "change", "message"),
    [
        (3, {"time_ns": 1}, r"ticks\.jsonl:4: the time doesn't rise"),
        (2, {"cpus": {}}, r"ticks\.jsonl:3: the line has other CPUs"),
        (1, {"connections": -1}, r"ticks\.jsonl:2 is not a valid HostTick document: connections"),
        (0, {"surprise": 1}, r"ticks\.jsonl:1 is not a valid HostTick document: surprise: no such key"),
    ],
)
def test_a_tick_that_cannot_be_is_refused_with_its_line(line: int, change: dict[str, object], message: str):
    lines = jsonl(ticks_of(EIGHT_CORES, WINDOW, QUIET)).splitlines()
    lines[line] = json.dumps(json.loads(lines[line]) | change).encode()
    with pytest.raises(AnalysisError, match=message):
        read_ticks(b"\n".join(lines) + b"\n", name="ticks.jsonl")


def test_a_file_that_was_cut_off_is_refused():
    with pytest.raises(AnalysisError, match="the line has no end"):
        read_ticks(jsonl(ticks_of(EIGHT_CORES, WINDOW, QUIET))[:-5], name="ticks.jsonl")


def lasting(ticks: list[HostTick], *kept: int) -> bytes:
    return jsonl([ticks[index] for index in kept])


def test_ticks_that_do_not_cover_the_window_are_refused():
    ticks = ticks_of(EIGHT_CORES, WINDOW, QUIET)
    with pytest.raises(AnalysisError, match=r"cells/x/ticks\.jsonl has 1 ticks in the load window"):
        numbers(QUIET, ticks=lasting(ticks, 0, 4, -1))
    with pytest.raises(AnalysisError, match=r"none for 2\.5 s"):
        numbers(QUIET, ticks=lasting(ticks, *range(3, 6), *range(10, len(ticks))))


def test_ticks_without_one_of_the_labs_cpus_are_refused():
    with pytest.raises(AnalysisError, match=r"no times of the CPUs \[2, 3, 4, 5, 6, 7\]"):
        numbers(QUIET, ticks=jsonl(ticks_of(TWO_CORES, WINDOW, QUIET)))


GOOD = jsonl(ticks_of(TWO_CORES, WINDOW, QUIET))


@examples(200)
@given(data=st.one_of(damaged(GOOD), st.binary(max_size=60)))
def test_any_ticks_are_measured_or_refused(data: bytes):
    try:
        found = watch_numbers(WatchFiles(SPINS, data, TWO_CORES), result=RESULT, window=WINDOW, folder="")
    except FairgroundError as error:
        assert "ticks.jsonl" in str(error)  # noqa: PT017 - either outcome is right
        return
    assert all(0 <= share <= 1 for shares in (found.steal, found.busy, found.others) for share in shares.values())


@examples(100)
@given(data=st.one_of(damaged(SPINS), st.binary(max_size=60)))
def test_any_spins_are_measured_or_refused(data: bytes):
    try:
        found = numbers(QUIET, spins=data)
    except FairgroundError as error:
        assert "watch.json" in str(error)  # noqa: PT017 - either outcome is right
        return
    assert found.spin_seconds > 0
