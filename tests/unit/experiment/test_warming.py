"""Warm-ups in a run: as long as it takes, at most as long as the protocol says."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from documents.run.protocol import Protocol
from documents.run.records import STEADY_SECONDS, WarmUp
from tests.run_folder import read_attempts
from tests.unit.experiment.fake_bench import PROTOCOL, FakeBench
from tests.unit.experiment.loop_runs import begin


def warm_ups(tmp_path: Path, bench: FakeBench) -> dict[str, WarmUp]:
    """The warm-up of an API's last cell."""
    measured = read_attempts(begin(bench, tmp_path, protocol=bench.protocol))
    assert all(record.valid for record in measured)
    return {record.cell_id.split("-")[1]: record.warm_up for record in measured if record.warm_up is not None}


def protocol(seconds: int, least: int = 0) -> Protocol:
    return PROTOCOL.model_copy(update={"warm_up_seconds": seconds, "warm_up_least_seconds": least})


def test_each_api_warms_up_as_long_as_it_takes(tmp_path: Path):
    def requests_of(api: str, second: int) -> int:
        return 2_000 if api == "rust" else 1_000 if second < 9 else 3_000

    found = warm_ups(tmp_path, FakeBench(protocol=protocol(60), requests_of=requests_of))
    assert found["rust"] == WarmUp(outcome="steady", seconds=STEADY_SECONDS + 0.25, series=(2_000,) * STEADY_SECONDS)
    assert found["go"].outcome == "steady"
    assert len(found["go"].series) == 9 + STEADY_SECONDS


def test_an_api_that_is_never_steady_is_measured_after_the_longest_warm_up_and_reported(tmp_path: Path):
    def requests_of(_api: str, second: int) -> int:
        return 1_000 * 2 ** (second // 8)

    found = warm_ups(tmp_path, FakeBench(protocol=protocol(40), requests_of=requests_of))
    assert {warm_up.outcome for warm_up in found.values()} == {"never-steady"}
    assert {len(warm_up.series) for warm_up in found.values()} == {40}


def test_a_warm_up_that_is_too_short_to_be_judged_is_not(tmp_path: Path):
    found = warm_ups(tmp_path, FakeBench(protocol=protocol(STEADY_SECONDS - 1)))
    assert {warm_up.outcome for warm_up in found.values()} == {"not-judged"}
    assert {len(warm_up.series) for warm_up in found.values()} == {STEADY_SECONDS - 1}


@pytest.mark.parametrize("least", [20, 40])
def test_it_lasts_for_its_least_seconds_however_steady_it_is(tmp_path: Path, least: int):
    found = warm_ups(tmp_path, FakeBench(protocol=protocol(40, least)))
    assert {warm_up.outcome for warm_up in found.values()} == {"steady"}
    assert {len(warm_up.series) for warm_up in found.values()} == {least}


def test_without_a_warm_up_no_load_is_put_on_before_the_window(tmp_path: Path):
    bench = FakeBench(protocol=protocol(0))
    found = warm_ups(tmp_path, bench)
    assert "warm_up" not in bench.steps
    assert list(found.values()) == [WarmUp(outcome="not-judged", seconds=0, series=())] * 2


def test_a_shortest_warm_up_above_the_longest_is_refused():
    with pytest.raises(ValidationError, match="the least is more than warm_up_seconds, which is the most: 10"):
        Protocol.model_validate_json(protocol(10, 11).model_dump_json())
