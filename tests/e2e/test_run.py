import csv
import json
import re
from collections import defaultdict

import pytest

from documents.run.window import WrkResult
from experiment.workloads.requests import EXPECTED_STATUS
from provision.services.database import run_sql
from provision.ssh.connection import Connection
from tests.conftest import LiveLab
from tests.e2e.host_view import count_uploads, left_on_host, running_containers
from tests.e2e.lab_run import OF_THE_MACHINE
from tests.e2e.measured_run import CONNECTIONS, WORKLOADS, MeasuredRun

pytestmark = pytest.mark.alone

COUNTED = ("create-post", "update-post", "upload", "read-post")
"""The workloads whose requests a service counts."""

PROBE_READS = 20
"""The probe asks twenty questions; some of them read from Redis."""


def wrk_result(measured: MeasuredRun, workload: str) -> WrkResult:
    path = measured.folder / "cells" / measured.records[workload].attempt_id / "wrk.json"
    return WrkResult.from_json(path.read_bytes(), name=str(path))


def test_nothing_but_the_machine_voids_a_cell(measured: MeasuredRun):
    reasons = {name: {void.reason for void in record.voids} for name, record in measured.records.items()}
    assert reasons.keys() == set(WORKLOADS)
    assert all(of_cell <= OF_THE_MACHINE for of_cell in reasons.values()), reasons
    assert measured.exit_code == (1 if all(reasons.values()) else 0), measured.stdout


@pytest.mark.parametrize("workload", WORKLOADS)
def test_a_cell_has_the_numbers_that_wrk_printed(measured: MeasuredRun, workload: str):
    result = wrk_result(measured, workload)
    text = (measured.folder / "cells" / measured.records[workload].attempt_id / "wrk.txt").read_text()
    printed = re.search(r"(\d+) requests in ([\d.]+)s", text)
    assert printed is not None, text
    assert int(printed[1]) == result.requests > 10
    assert float(printed[2]) == pytest.approx(result.elapsed_us / 1e6, abs=0.01)
    assert 1.9e6 < result.elapsed_us < 2.5e6
    if workload == "mixed":
        assert result.statuses is None
    else:
        [expected] = [status for name, status in EXPECTED_STATUS.items() if name == workload]
        assert result.statuses == {str(expected): result.requests}


def seen_by_services(measured: MeasuredRun, workload: str) -> tuple[int, int]:
    """What the services saw of a cell's requests, and what wrk counted in its warm-up and its load."""
    after, earlier = measured.after_load(workload), measured.before_load(workload)
    seen = {
        "create-post": after.posts - 10_000,
        "update-post": after.updates,
        "upload": after.uploads,
        "read-post": after.redis_reads - earlier.redis_reads,
    }[workload]
    return seen, after.warm_up_requests + wrk_result(measured, workload).requests


@pytest.mark.parametrize("workload", [name for name in WORKLOADS if name in COUNTED])
def test_what_wrk_counts_is_what_the_services_saw(measured: MeasuredRun, workload: str):
    seen, counted = seen_by_services(measured, workload)
    # Besides, each connection may have had a request under way at the end of the warm-up and of the load.
    besides = 2 * CONNECTIONS + (PROBE_READS if workload == "read-post" else 0)
    assert counted <= seen <= counted + besides


def test_mixed_creates_and_updates_its_share_of_posts(measured: MeasuredRun):
    after = measured.after_load("mixed")
    counted = after.warm_up_requests + wrk_result(measured, "mixed").requests
    # Of each hundred requests of a thread, 5 and 4; what is under way at the end isn't counted, and was seen.
    besides = 2 * CONNECTIONS
    assert after.posts - 10_000 == pytest.approx(0.05 * counted, abs=besides)
    assert after.updates == pytest.approx(0.04 * counted, abs=besides)


@pytest.mark.parametrize("workload", WORKLOADS)
def test_ten_samples_a_second_of_every_role_cover_the_window(measured: MeasuredRun, workload: str):
    record = measured.records[workload]
    start, end = record.load_started_ns, record.load_ended_ns
    assert start is not None
    assert end is not None
    times: defaultdict[str, list[int]] = defaultdict(list)
    used: defaultdict[str, list[int]] = defaultdict(list)
    with (measured.folder / "cells" / record.attempt_id / "samples.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            times[row["role"]].append(int(row["time_ns"]))
            used[row["role"]].append(int(row["cpu_ns"]))
            assert row["role"] == "generator" or int(row["anonymous_bytes"]) > 1e6
    assert set(times) == {"api", "postgres", "redis", "generator"}
    for role, moments in times.items():
        assert moments[0] <= start, role
        assert moments[-1] >= end - 0.1e9, role
        inside = [moment for moment in moments if start <= moment <= end]
        assert len(inside) == pytest.approx(10 * (end - start) / 1e9, rel=0.2), role
    assert used["generator"][-1] > used["generator"][0], "wrk runs in the cgroup that is sampled"
    assert used["api"][-1] > used["api"][0]


@pytest.mark.parametrize("beside", ["second", "verify"])
def test_a_second_run_or_a_verification_at_once_is_refused_and_names_the_first(measured: MeasuredRun, beside: str):
    refused = {"second": measured.second, "verify": measured.verify}[beside]
    assert refused.returncode == 1
    assert refused.stdout == ""
    assert "Another run holds root@127.0.0.1:" in refused.stderr
    assert f"run {measured.folder.name} of " in refused.stderr
    assert "Traceback" not in refused.stderr


def test_after_a_run_the_lab_is_as_it_was(measured: MeasuredRun, live_lab: LiveLab, host: Connection):
    assert left_on_host(host) == []
    inventory = live_lab.inventory
    assert {api.container for api in inventory.apis} <= running_containers(host)
    posts = run_sql(
        host, inventory.postgres, inventory.postgres.database, "SELECT count(*) FROM posts;", deadline_seconds=30
    )
    assert measured.order[-1] == measured.records["create-post"].attempt_id, "what that one left must be gone"
    assert posts.strip() == "10000"
    assert [count_uploads(host, api) for api in inventory.apis] == [0] * len(inventory.apis)
    verified = live_lab.run("verify", "--only", "users", "--json")
    assert verified.returncode == 0, verified.stdout + live_lab.run("logs").stdout
    results = json.loads(verified.stdout)
    assert {result["outcome"] for result in results} == {"passed"}
    assert {result["target"] for result in results} == {api.name for api in inventory.apis}
