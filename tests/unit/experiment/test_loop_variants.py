"""A run that varies APIs: each cell with what its variant has, and the lab as declared however the run ends."""

import re
import signal
from pathlib import Path

import pytest

from analysis.report import analyse
from documents.errors import HostError, HostUnreachableError, RunError
from documents.inventory import ApiService
from documents.plan import Plan
from documents.protocol import OpenLoop
from documents.run import Manifest
from documents.stack import Cores
from documents.variant import Variant
from experiment.gate import judge_run
from tests.unit.experiment.fake_bench import INVENTORY, LAYOUT, PROTOCOL, FakeBench
from tests.unit.experiment.killed_run import kill_run
from tests.unit.experiment.loop_runs import begin, only_run, records, resume

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

STEPS_BEFORE = 7
"""hold, clear, read_identity, make_variants, install, stop_apis, and the first cell's first."""

STEPS_OF_A_CELL = 12


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
    assert all(record.valid for record in records(run))
    assert bench.left_clean()


def test_the_pinning_of_a_cell_is_held_to_the_layout_of_its_variant(tmp_path: Path):
    bench = FakeBench(astray={"go-wide"})
    run = begin(bench, tmp_path, protocol=VARIED)
    reasons = {record.cell_id.split("-")[2]: {void.reason for void in record.voids} for record in records(run)}
    assert reasons == {"pool": set(), "large": set(), "wide": {"pinning"}}
    said = {void.message for record in records(run) for void in record.voids}
    assert said == {"The thread 100 (api) of the role api may run on the CPUs 0,1,2,4 instead of 0,1,2."}


def test_whether_the_generator_is_saturated_goes_by_the_cpus_that_it_has_in_the_variant(tmp_path: Path):
    def busy(samples: str) -> str:
        return re.sub(r"(\d+),generator,\d+", lambda row: f"{row[1]},generator,{int(row[1]) * 95 // 100}", samples)

    run = begin(FakeBench(damage=busy), tmp_path, protocol=VARIED)
    void = {record.cell_id.split("-")[2] for record in records(run) if not record.valid}
    assert void == {"wide"}, "95% of one CPU is the limit where it has one, and not where it has two"
    assert {void.reason for record in records(run) for void in record.voids} == {"generator-saturated"}


def test_a_cell_whose_postgresql_is_not_at_work_with_its_settings_is_void_and_has_no_load(tmp_path: Path):
    bench = FakeBench(wrong_settings={"go-large": ["PostgreSQL's work_mem is 8MB instead of 64MB."]})
    run = begin(bench, tmp_path, protocol=VARIED)
    assert not any(played.startswith("go-large") for played in bench.played)
    of_large = [record for record in records(run) if "-large-" in record.cell_id]
    assert {(void.reason, void.message) for record in of_large for void in record.voids} == {
        ("postgres-settings", "PostgreSQL's work_mem is 8MB instead of 64MB.")
    }
    assert all(record.valid for record in records(run) if record not in of_large)


def test_a_postgresql_that_does_not_start_for_a_cell_voids_it(tmp_path: Path):
    class Bench(FakeBench):
        def arrange(self, api: ApiService) -> list[str]:
            if super().arrange(api) == [] and api.name == "go-large":
                raise HostError("PostgreSQL ended with the status 1.")
            return []

    run = begin(Bench(), tmp_path, protocol=VARIED)
    assert {void.reason for record in records(run) for void in record.voids} == {"postgres-settings"}


def test_a_layout_that_does_not_fit_is_refused_before_the_run_begins(tmp_path: Path):
    beyond = Variant(name="beyond", cores=Cores(api="9", postgres="3", system="5", generator="4"))
    bench = FakeBench()
    with pytest.raises(RunError, match=r"doesn't fit the host: cores\.api: the host has no CPU 9"):
        begin(bench, tmp_path / "runs", protocol=PROTOCOL.model_copy(update={"vary": (beyond,)}))
    assert bench.steps == []
    assert not (tmp_path / "runs").exists()


def test_a_variant_alone_can_be_measured_and_two_of_them_judged(tmp_path: Path):
    run = begin(FakeBench(), tmp_path, protocol=VARIED, apis=("go-pool-16", "go-wide"))
    assert [subject.name for subject in analyse(run).apis] == ["go-pool-16", "go-wide"]
    assert judge_run(run, base="go-pool-16", candidate="go-wide").outcome == "passed"


def test_variants_are_measured_in_the_open_loop_too(tmp_path: Path):
    open_loop = OpenLoop(scenario="heavy", shares=(0.5,), seconds=2, blocks=1)
    bench = FakeBench()
    begin(bench, tmp_path, protocol=VARIED.model_copy(update={"open_loop": open_loop}))
    at_rates = [played.split()[0] for played in bench.played if " at " in played]
    assert sorted(at_rates) == ["go-large", "go-pool-16", "go-wide"]
    assert len(bench.arranged) == CELLS + 3


ENDS = [3, 4, 5, 6, *range(STEPS_BEFORE, STEPS_BEFORE + STEPS_OF_A_CELL), STEPS_BEFORE + 5 * STEPS_OF_A_CELL + 4]
"""In each phase of the beginning and of the first cell, and in the midst of a later one."""


@pytest.mark.parametrize("error", [KeyboardInterrupt, HostUnreachableError])
@pytest.mark.parametrize("number", ENDS)
def test_whatever_ends_the_run_the_lab_is_as_declared_and_the_run_goes_on(
    tmp_path: Path, error: type[BaseException], number: int
):
    def interrupt(_step: str, count: int) -> None:
        if count == number:
            raise error("interrupted")

    bench = FakeBench(before=interrupt)
    with pytest.raises(error):
        begin(bench, tmp_path, protocol=VARIED)
    assert bench.left_clean()
    for run in tmp_path.iterdir():
        finished = len(records(run))
        again = FakeBench()
        resume(again, run)
        assert len(again.played) == CELLS - finished
        assert len(records(run)) == CELLS
        assert again.left_clean()


@pytest.mark.parametrize("number", ENDS[1:])
def test_what_a_killed_run_left_of_its_variants_is_undone_by_the_next(tmp_path: Path, number: int):
    assert kill_run(tmp_path / "runs", "step", number, protocol=VARIED) == -signal.SIGKILL
    run = only_run(tmp_path / "runs")
    # As a killed controller leaves the host: variants are there, and one of them is in the place of the declared.
    bench = FakeBench(
        made={"fairground-api-go-large", "fairground-postgres-large"},
        server="fairground-postgres-large",
        cores=LAYOUT.model_copy(update={"api": (5,)}),
        running={"go-large"},
    )
    finished = len(records(run))
    resume(bench, run)
    assert bench.steps[:2] == ["hold", "clear"]
    assert len(bench.played) == CELLS - finished
    assert bench.left_clean()


def test_a_run_of_variants_goes_on_in_the_same_lab_alone(tmp_path: Path):
    run = begin(FakeBench(), tmp_path, protocol=VARIED)
    (run / "cells" / records(run)[-1].cell_id / "cell.json").unlink()
    built_anew = INVENTORY.apis[0].model_copy(update={"image_id": "sha256:another"})
    with pytest.raises(RunError, match="changed: apis"):
        resume(FakeBench(), run, INVENTORY.model_copy(update={"apis": (built_anew, INVENTORY.apis[1])}))
    bench = FakeBench()
    moved = INVENTORY.model_copy(update={"host": INVENTORY.host.model_copy(update={"port": 22023})})
    resume(bench, run, moved)
    assert len(bench.played) == 1


def test_nothing_is_made_or_arranged_in_a_run_that_varies_nothing(tmp_path: Path):
    bench = FakeBench()
    begin(bench, tmp_path)
    assert not {"make_variants", "arrange"} & set(bench.steps)
