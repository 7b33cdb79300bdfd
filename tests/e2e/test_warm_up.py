"""A warm-up that ends when throughput is steady, on a real lab."""

import statistics
from pathlib import Path

import pytest

from documents.run.window import WrkResult
from provision.ssh.connection import Connection
from tests.e2e.conftest import StartRun
from tests.e2e.host_view import left_on_host
from tests.e2e.lab_run import read_records, write_protocol

pytestmark = [pytest.mark.alone, pytest.mark.nightly]

MOST_SECONDS = 60


def test_a_warm_up_is_watched_second_by_second_and_ends_when_it_is_steady(
    start_run: StartRun, host: Connection, tmp_path: Path
):
    protocol = write_protocol(tmp_path, ("light", "mixed", 10, 5), warm_up_seconds=MOST_SECONDS)
    run = start_run("--protocol", str(protocol))
    assert run.finish() == 0, run.stderr
    record = read_records(run.folder)["light"]
    warm_up = record.warm_up
    assert warm_up is not None
    if warm_up.outcome == "steady":
        assert 12 <= len(warm_up.series) <= MOST_SECONDS
        assert warm_up.seconds < len(warm_up.series) + 5, "it was ended soon after the second that showed it"
    else:
        # A machine that others use as well may not come to rest within a minute.
        assert warm_up.outcome == "never-steady"
        assert len(warm_up.series) >= MOST_SECONDS - 1
    assert all(count > 0 for count in warm_up.series)
    folder = run.folder / "cells" / record.cell_id
    result = WrkResult.from_json((folder / "wrk.json").read_bytes(), name="wrk.json")
    throughput = result.requests / result.elapsed_us * 1e6
    assert 0.5 * throughput < statistics.median(warm_up.series[-12:]) < 2 * throughput
    assert left_on_host(host) == []
