"""Any content of a run's files gives a right value or a FairgroundError, never another exception."""

import hashlib
import math
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from analysis.cells.cells import measure
from analysis.pages.html import render_html
from analysis.pages.markdown import render_markdown
from analysis.raw.recordings import Window, read_samples, usage
from analysis.raw.run import CellFiles, read_run
from analysis.report.report import analyse
from documents.errors import FairgroundError
from documents.report.numbers import CellNumbers
from documents.run.protocol import Cell
from tests.unit.analysis.run_builder import GOLDEN_RAW, GOLDEN_SCENARIOS, golden_run, wrk_result
from tests.unit.analysis.test_samples import a_file
from tests.unit.damage import altered, damaged, examples

CELL = Cell(number=1, block=1, api="go", scenario=GOLDEN_SCENARIOS[0])
WRK_JSON = wrk_result(CELL, GOLDEN_RAW, 2_000_000).to_json().encode()
SAMPLES_CSV = a_file()


def check_sane(cell: CellNumbers) -> None:
    """What holds of every cell's numbers."""
    for latency in (cell.raw, cell.corrected):
        assert 0 <= latency.p50_us <= latency.p90_us <= latency.p99_us <= latency.p999_us
        assert latency.mean_us >= 0
    for number in (cell.throughput, cell.littles_law, cell.generator_saturation):
        assert math.isfinite(number)
        assert number >= 0


def measured_or_refused(wrk_json: bytes, samples_csv: bytes) -> None:
    try:
        found = measure(CELL, CellFiles(wrk_json, samples_csv, generator_cpus=1, folder=""))
    except FairgroundError as error:
        refusal = str(error)
    else:
        refusal = "not refused, so neither wrk.json nor samples.csv was at fault"
        check_sane(found.numbers)
    assert "wrk.json" in refusal or "samples.csv" in refusal


@examples(300)
@given(wrk_json=st.one_of(damaged(WRK_JSON), altered(WRK_JSON), st.binary(max_size=60)))
def test_any_wrk_json_is_measured_or_refused(wrk_json: bytes):
    measured_or_refused(wrk_json, SAMPLES_CSV)


@examples(300)
@given(samples_csv=st.one_of(damaged(SAMPLES_CSV), st.binary(max_size=60)))
def test_any_samples_csv_is_measured_or_refused(samples_csv: bytes):
    measured_or_refused(WRK_JSON, samples_csv)


@given(start=st.integers(), length=st.integers())
def test_any_window_is_measured_or_refused(start: int, length: int):
    samples = read_samples(SAMPLES_CSV, name="samples.csv")
    try:
        found = usage(samples, Window(start, start + length), name="samples.csv")
    except FairgroundError:
        return
    assert all(math.isfinite(role.cpu_cores) for role in found.values())


@examples(150)
@given(data=st.data())
def test_any_document_of_a_run_is_reported_or_refused(data: st.DataObject):
    with tempfile.TemporaryDirectory() as folder:
        directory = golden_run(Path(folder))
        name = data.draw(st.sampled_from(["manifest.json", "host.json", "plan.json", "cell.json", "wrk.json"]))
        folder_of_cell = directory / "cells" / "001-go-light"
        path = (folder_of_cell if name in {"cell.json", "wrk.json"} else directory) / name
        before = path.read_bytes()
        after = data.draw(st.one_of(damaged(before), altered(before)))
        path.write_bytes(after)
        if name == "wrk.json":
            record = (folder_of_cell / "cell.json").read_text()
            old, new = (hashlib.sha256(found).hexdigest() for found in (before, after))
            (folder_of_cell / "cell.json").write_text(record.replace(old, new))
        try:
            report = analyse(read_run(directory))
        except FairgroundError:
            return
        assert render_markdown(report)
        if data.draw(st.integers(min_value=0, max_value=9)) == 0:
            assert render_html(report)
        for cell in report.cells:
            check_sane(cell)
