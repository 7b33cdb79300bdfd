"""A run that varies APIs: each cell with what its variant has, and the lab as declared however the run ends."""

from pathlib import Path

import pytest

from analysis.compare.gate import judge_gate
from analysis.raw.run import read_run
from analysis.report.report import analyse
from documents.errors import HostError, RunError
from documents.lab.inventory import ApiService
from documents.run.protocol import Plan, Variant
from documents.run.records import Manifest
from documents.stack.stack import Cores
from tests.run_folder import read_attempts
from tests.unit.experiment.fake_bench import PROTOCOL, FakeBench
from tests.unit.experiment.loop_runs import begin

VARIED = PROTOCOL.model_copy(
    update={
        "apis": ("go",),
        "vary": (
            Variant(name="pool-16", environment={"DB_POOL_SIZE": "16"}),
            Variant(name="large", postgres={"work_mem": "64MB"}),
            Variant(name="wide", cores=Cores(api="0-2", postgres="3", system="5", generator="4")),
        ),
    }
)
CELLS = 2 * 2 * 4
"""Two blocks of two scenarios and three subjects, one of them twice."""


def test_each_cell_is_measured_with_what_its_variant_has(tmp_path: Path):
    bench = FakeBench()
    run = begin(bench, tmp_path, protocol=VARIED)
    assert {name for name, _, _ in bench.arranged} == {"go-pool-16", "go-large", "go-wide"}
    assert len(bench.arranged) == CELLS
    inventory = Manifest.from_json((run / "manifest.json").read_bytes(), name="manifest").inventory
    for name, server, cores in bench.arranged:
        assert server == ("fairground-postgres-large" if name == "go-large" else "fairground-postgres")
        assert cores == inventory.cores_of(inventory.api(name))
    plan = Plan.from_json((run / "plan.json").read_bytes(), name="plan")
    assert [cell.api for cell in plan.cells] == [name for name, _, _ in bench.arranged]
    assert all(record.valid for record in read_attempts(run))
    assert bench.left_clean()


def test_the_pinning_of_a_cell_is_held_to_the_layout_of_its_variant(tmp_path: Path):
    bench = FakeBench(astray={"go-wide"})
    run = begin(bench, tmp_path, protocol=VARIED)
    reasons = {record.cell_id.split("-")[2]: {void.reason for void in record.voids} for record in read_attempts(run)}
    assert reasons == {"pool": set(), "large": set(), "wide": {"pinning"}}
    said = {void.message for record in read_attempts(run) for void in record.voids}
    assert said == {"The thread 100 (api) of the role api may run on the CPUs 0,1,2,4 instead of 0,1,2."}


def test_a_cell_whose_postgresql_is_not_at_work_with_its_settings_is_void_and_has_no_load(tmp_path: Path):
    bench = FakeBench(wrong_settings={"go-large": ["PostgreSQL's work_mem is 8MB instead of 64MB."]})
    run = begin(bench, tmp_path, protocol=VARIED)
    assert not any(played.startswith("go-large") for played in bench.played)
    of_large = [record for record in read_attempts(run) if "-large-" in record.cell_id]
    assert {(void.reason, void.message) for record in of_large for void in record.voids} == {
        ("postgres-settings", "PostgreSQL's work_mem is 8MB instead of 64MB.")
    }
    assert all(record.valid for record in read_attempts(run) if record not in of_large)


def test_a_postgresql_that_does_not_start_for_a_cell_voids_it(tmp_path: Path):
    class Bench(FakeBench):
        def arrange(self, api: ApiService) -> list[str]:
            if super().arrange(api) == [] and api.name == "go-large":
                raise HostError("PostgreSQL ended with the status 1.")
            return []

    run = begin(Bench(), tmp_path, protocol=VARIED)
    assert {void.reason for record in read_attempts(run) for void in record.voids} == {"postgres-settings"}


def test_a_layout_that_does_not_fit_is_refused_before_the_run_begins(tmp_path: Path):
    beyond = Variant(name="beyond", cores=Cores(api="9", postgres="3", system="5", generator="4"))
    bench = FakeBench()
    with pytest.raises(RunError, match=r"doesn't fit the host: cores\.api: the host has no CPU 9"):
        begin(bench, tmp_path / "runs", protocol=PROTOCOL.model_copy(update={"vary": (beyond,)}))
    assert bench.steps == []
    assert not (tmp_path / "runs").exists()


def test_a_variant_alone_can_be_measured_and_two_of_them_judged(tmp_path: Path):
    five_blocks = VARIED.model_copy(update={"blocks": 5})
    run = begin(FakeBench(), tmp_path, protocol=five_blocks, apis=("go-pool-16", "go-wide"))
    report = analyse(read_run(run))
    assert [subject.name for subject in report.apis] == ["go-pool-16", "go-wide"]
    assert judge_gate(report, base="go-pool-16", candidate="go-wide").outcome == "passed"
