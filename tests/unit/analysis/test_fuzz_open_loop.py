"""Any result of an open loop and any clocks give right numbers or a FairgroundError."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.cells.open_loop import measure_open_loop
from analysis.raw.load_hosts import error_seconds, to_lab_ns
from analysis.raw.run import CellFiles
from documents.errors import FairgroundError
from documents.run.records import CellClocks, ClockReading, ClockReadings
from documents.run.window import OpenLoopCell
from tests.unit.analysis.test_open_loop import SAMPLES, WINDOW, result_of
from tests.unit.damage import altered, damaged, examples, numbers_in

CELL = OpenLoopCell(number=1, block=1, api="go", scenario=WINDOW, rate=125)
RESULT = result_of(CELL).to_json().encode()
CLOCKS = CellClocks(
    load_hosts=(
        ClockReadings(
            before=ClockReading(at_ns=1_000, offset_ns=-500, wall_offset_ns=7, delay_ns=100),
            after=ClockReading(at_ns=9_000, offset_ns=-400, wall_offset_ns=7, delay_ns=120),
        ),
    )
)
CLOCKS_JSON = CLOCKS.to_json().encode()


@examples(150)
@given(data=st.one_of(damaged(RESULT), altered(RESULT), st.binary(max_size=60)))
def test_any_open_loop_json_is_measured_or_refused(data: bytes):
    refusal, found = "open-loop.json", None
    try:
        found = measure_open_loop(CELL, CellFiles(data, SAMPLES, generator_cpus=1, folder=""))
    except FairgroundError as error:
        refusal = str(error)
    # A window that was moved has no samples any more.
    assert "open-loop.json" in refusal or "samples.csv" in refusal
    assert all(0 <= number < 2**63 for number in numbers_in(found))


@examples(150)
@given(data=st.one_of(damaged(CLOCKS_JSON), altered(CLOCKS_JSON), st.binary(max_size=60)))
def test_any_clocks_json_is_read_or_refused(data: bytes):
    refusal, error_s, moment = "clocks.json", 0.0, 0
    try:
        clocks = CellClocks.from_json(data, name="clocks.json")
        error_s = error_seconds(clocks)
        moment = to_lab_ns(clocks.load_hosts[0], 5_000)
    except FairgroundError as error:
        refusal = str(error)
    assert "clock" in refusal
    assert error_s >= 0
    assert isinstance(moment, int)


def test_sound_files_are_measured():
    found = measure_open_loop(CELL, CellFiles(RESULT, SAMPLES, generator_cpus=1, folder=""))
    assert found.latency.p50_us == 1_000
    assert to_lab_ns(CLOCKS.load_hosts[0], 5_000) == pytest.approx(4_550)
