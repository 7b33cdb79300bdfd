from dataclasses import replace

import pytest

from documents.run.protocol import Scenario, Workload
from documents.run.window import OpenLoopHistogram, OpenLoopResult
from experiment.bench.bench import Load
from experiment.voids import window_voids
from experiment.workloads.requests import EXPECTED_STATUS
from tests.unit.experiment.fake_bench import INVENTORY, open_loop_result_of

LOAD = Load(
    api=INVENTORY.apis[0],
    scenario=Scenario(name="heavy", workload="mixed", connections=50, duration_seconds=10),
    seconds=10,
    timeout_seconds=2,
    wrk_version="4.1.0",
    rate=1_000,
)


def result(**changes: object) -> OpenLoopResult:
    return open_loop_result_of(LOAD, **changes)


def test_a_window_at_its_rate_with_right_answers_counts():
    statuses = {"GET": {"200": 9_100}, "POST": {"201": 500}, "PUT": {"200": 400}}
    assert window_voids(result(statuses=statuses), "mixed") == []


@pytest.mark.parametrize(("in_window", "missed"), [(10_000, False), (9_900, False), (9_899, True), (0, True)])
def test_a_rate_is_missed_below_99_percent(in_window: int, missed: bool):
    """What was sent after the window is in the latencies, and doesn't make up for its rate."""
    reasons = [void.reason for void in window_voids(result(sent_in_window=in_window), "mixed")]
    assert reasons == (["rate-missed"] if missed else [])


def test_a_window_without_an_answer_is_void():
    nothing = OpenLoopHistogram(count=0, minimum_us=0, maximum_us=0, histogram=())
    [void] = window_voids(result(latency=nothing, statuses={}), "mixed")
    assert (void.reason, void.message) == ("no-requests", "No request was answered in 10 s.")


@pytest.mark.parametrize(
    ("method", "right", "wrong"), [("GET", "200", "304"), ("POST", "201", "200"), ("PUT", "200", "201")]
)
def test_each_method_of_mixed_has_one_right_status(method: str, right: str, wrong: str):
    assert window_voids(result(statuses={method: {right: 10_000}}), "mixed") == []
    [void] = window_voids(result(statuses={method: {right: 9_999, wrong: 1}}), "mixed")
    assert void.reason == "wrong-status"
    assert void.message == f"mixed was answered wrongly: {method} with {wrong} instead of {right} 1 times."


@pytest.mark.parametrize("workload", EXPECTED_STATUS)
def test_a_workload_of_one_route_has_its_own(workload: Workload):
    of = replace(LOAD, scenario=LOAD.scenario.model_copy(update={"workload": workload}))
    right = {"POST": {str(EXPECTED_STATUS[workload]): 10_000}}
    assert window_voids(open_loop_result_of(of, statuses=right), workload) == []
    assert window_voids(open_loop_result_of(of, statuses={"POST": {"500": 10_000}}), workload) != []
