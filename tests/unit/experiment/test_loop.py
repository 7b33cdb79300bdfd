"""A run of the loop from its first cell to its last, and what it leaves."""

import json
import re
from pathlib import Path

import pytest

from analysis.raw.run import read_run
from analysis.report.report import analyse
from documents.errors import AnalysisError, RunError
from documents.run.protocol import Plan
from documents.run.records import HostRecord, Manifest
from experiment.progress.events import CellFinished, Event
from tests.run_folder import read_attempts, read_journal
from tests.unit.experiment.fake_bench import IDENTITY, INVENTORY, PROTOCOL, SECRETS, FakeBench
from tests.unit.experiment.loop_runs import CELLS, begin, resume


def test_a_run_measures_every_cell_in_the_planned_order_and_leaves_its_documents(tmp_path: Path):
    bench, seen = FakeBench(), list[Event]()
    run = begin(bench, tmp_path / "runs", seen.append)
    plan = Plan.from_json((run / "plan.json").read_bytes(), name="plan.json")
    assert bench.played == [f"{cell.api} {cell.scenario.name}" for cell in plan.cells]
    assert [record.cell_id for record in read_attempts(run)] == [cell.id for cell in plan.cells]
    assert all(record.valid for record in read_attempts(run))
    manifest = Manifest.from_json((run / "manifest.json").read_bytes(), name="manifest.json")
    assert manifest.run_id == run.name
    assert manifest.order_seed == plan.order_seed == 7
    assert manifest.git_commit == "abc"
    assert set(manifest.requests_sha256) == {"list-posts", "read-user"}
    host = HostRecord.from_json((run / "host.json").read_bytes(), name="host.json")
    assert (host.before, host.after) == (IDENTITY, IDENTITY)
    entries = [(entry.event, entry.cell_id, entry.attempt) for entry in read_journal(run)]
    between = [pair for cell in plan.cells for pair in (("cell-started", cell.id, 1), ("cell-finished", cell.id, 1))]
    assert entries == [("run-started", None, None), *between, ("run-finished", None, None)]
    assert [event.cell.number for event in seen if isinstance(event, CellFinished)] == list(range(1, CELLS + 1))
    throughputs = [event.throughput for event in seen if isinstance(event, CellFinished)]
    assert throughputs == [1_000 / cell.scenario.duration_seconds for cell in plan.cells]
    assert bench.left_clean()


def test_each_run_draws_an_order_of_its_own(tmp_path: Path):
    runs = [begin(FakeBench(), tmp_path / name, order_seed=None) for name in ("first", "second")]
    seeds = {Manifest.from_json((run / "manifest.json").read_bytes(), name="manifest.json").order_seed for run in runs}
    assert len(seeds) == 2


def test_the_phases_of_a_cell_come_in_their_order(tmp_path: Path):
    bench = FakeBench()
    run = begin(bench, tmp_path)
    steps = bench.steps[5:16]
    assert steps[:2] == ["reset", "start_api"]
    assert set(steps[2:5]) == {"wait_until_ready", "probe", "pin"}, "the pinning goes on beside the others"
    assert set(steps[5:7]) == {"warm_up", "start_sampling"}, "and the sampler is started beside the warm-up"
    assert steps[7:] == ["read_pinning", "measure", "collect", "stop_api"]
    phases = ["reset", "restart", "ready", "probe", "warm_up", "pinning", "load", "pull"]
    assert list(read_attempts(run)[0].phases_seconds) == phases


def test_a_run_of_some_apis_measures_and_reports_these_alone_and_stops_all(tmp_path: Path):
    bench = FakeBench()
    [first, second] = [api.name for api in INVENTORY.apis]
    run = begin(bench, tmp_path, apis=[second])
    assert len(read_attempts(run)) == 8, "alone it is always the twin"
    assert "stop_apis" in bench.steps
    report = analyse(read_run(run))
    assert [api.name for api in report.apis] == [second]
    assert {summary.api for summary in report.summaries} == {second}
    # What the article says is shown whole, whatever ran.
    assert {number.api for number in report.article if number.measured is not None} <= {second}
    assert first not in report.model_dump_json(exclude={"article", "claims"})


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path):
    with pytest.raises(AnalysisError, match=r"manifest\.json can't be read: .* Name the folder of a run"):
        resume(FakeBench(), tmp_path)


def test_a_second_run_at_once_is_refused_and_leaves_no_folder(tmp_path: Path):
    bench = FakeBench(holder="run 20260131-120000-quick of ada@laptop, process 7")
    with pytest.raises(RunError, match="ada@laptop, process 7"):
        begin(bench, tmp_path / "runs")
    assert not (tmp_path / "runs").exists()
    assert "clear" not in bench.steps, "it must not touch the other run's load"


def test_no_secret_and_no_token_comes_into_the_run(tmp_path: Path):
    tokens: list[str] = []
    bench = FakeBench()

    def leak(step: str, _count: int) -> None:
        if step == "probe" and bench.tokens:
            tokens[:] = [line.split()[1] for line in bench.tokens.decode().splitlines()]
            answer = f"probe.login: saw {tokens[0]} and {SECRETS.postgres_password}"
            bench.wrong_answers = {api.name: [answer] for api in INVENTORY.apis}

    bench.before = leak
    [light, heavy] = PROTOCOL.scenarios
    authenticated = light.model_copy(update={"workload": "read-me"})
    protocol = PROTOCOL.model_copy(update={"scenarios": (authenticated, heavy)})
    run = begin(bench, tmp_path, protocol=protocol)
    assert len(tokens) == 1_000
    text = "\n".join(path.read_text() for path in run.rglob("*") if path.is_file())
    assert "probe.login: saw <token> and <secret>" in text
    for secret in (*tokens, SECRETS.jwt_secret, SECRETS.postgres_password, SECRETS.redis_password):
        assert secret not in text
    assert not re.search(r"eyJ[\w-]+\.", text)
    assert json.loads((run / "manifest.json").read_text())["inventory"]["stack"] == "test"
