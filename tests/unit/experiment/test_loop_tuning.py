"""A run sets its host's knobs, records each, and puts all back."""

from pathlib import Path

import pytest

from analysis.raw.run import read_run
from analysis.report.report import analyse
from documents.errors import HostError
from documents.run.records import HostRecord
from tests.unit.experiment.fake_bench import WANTED, FakeBench
from tests.unit.experiment.loop_runs import CELLS, begin, broken_off, only_run, resume


def host_record(run: Path) -> HostRecord:
    return HostRecord.from_json((run / "host.json").read_bytes(), name="host.json")


UNTOUCHED = {"turbo": "on", "vm.swappiness": "60"}


def test_a_run_tunes_its_host_before_the_first_cell_and_records_every_knob(tmp_path: Path):
    seen: list[dict[str, str]] = []

    def look(step: str, _count: int) -> None:
        if step in {"read_identity", "reset", "measure"}:
            seen.append(dict(bench.settings))

    bench = FakeBench(before=look)
    run = begin(bench, tmp_path)
    assert seen == [UNTOUCHED, *[WANTED] * 2 * CELLS, UNTOUCHED], "the identity is read while nothing is set"
    assert bench.renewals == CELLS
    assert bench.left_clean()
    assert [(knob.name, knob.before, knob.during, knob.after, knob.state) for knob in host_record(run).knobs] == [
        ("turbo", "on", "off", "on", "set"),
        ("vm.swappiness", "60", "1", "60", "set"),
    ]
    assert analyse(read_run(run)).control == "controlled"


def test_a_knob_that_the_kernel_refuses_does_not_end_the_run_and_is_reported(tmp_path: Path):
    report = analyse(read_run(begin(FakeBench(refused={"turbo"}), tmp_path)))
    assert report.control == "partly controlled: turbo"
    assert any("Not controlled: turbo: on instead of off" in c for c in report.caveats)


def test_a_knob_that_something_else_changes_during_the_run_is_reported(tmp_path: Path):
    def turn(step: str, count: int) -> None:
        if step == "measure" and count > 40:
            bench.settings["turbo"] = "automatic"

    bench = FakeBench(before=turn)
    run = begin(bench, tmp_path)
    assert host_record(run).knobs[0].state == "lost"
    assert bench.settings == UNTOUCHED


def test_a_lease_that_lapsed_ends_the_run_and_a_resume_tunes_again(tmp_path: Path):
    def lapse(step: str, count: int) -> None:
        bench.lapsed = bench.lapsed or (step == "measure" and count > 20)

    bench = FakeBench(before=lapse)
    with pytest.raises(HostError, match="lapsed"):
        begin(bench, tmp_path)
    assert bench.left_clean()
    run = only_run(tmp_path)
    again = FakeBench()
    resume(again, run)
    assert again.left_clean()
    assert again.renewals == CELLS - 2
    assert host_record(run).knobs[0].before == "on"


def test_a_run_that_was_killed_while_tuned_goes_on_from_the_untouched_settings(tmp_path: Path):
    run = broken_off(FakeBench(), tmp_path, 2)
    # The controller was killed, and the host's lease hasn't lapsed yet.
    killed = FakeBench(settings=dict(WANTED), untouched=dict(UNTOUCHED))
    resume(killed, run)
    assert killed.settings == UNTOUCHED
    assert [(knob.before, knob.after) for knob in host_record(run).knobs] == [("on",) * 2, ("60",) * 2]
