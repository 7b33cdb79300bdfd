"""What the docs say of standing a lab up, measuring on it and taking it down, from `make lab` to the benchmarks.

The commands are run in their order on a lab of their own, by `make` and all. `tests/e2e/docs_python.py` says what is
shorter than the docs have it.
"""

import json
from typing import Any

import pytest

from benchmarks.known_difference import AGAIN, PLAIN
from tests.docs_steps import FROM_UP_TO_DOWN, Step, steps
from tests.e2e.docs_reader import Reader, Walk
from tests.e2e.scratch import Scratch, left_on_engine
from tests.e2e.walked_lab import WALKED_LAB

pytestmark = [pytest.mark.nightly, pytest.mark.builds]

WALKED = [step for step in steps() if step.test == FROM_UP_TO_DOWN]

JUDGED = {0, 1}
"""What ends with a judgement: a benchmark whose windows are too short here for its figures to hold, and a gate."""

JUDGES = ("benchmarks.harness", "benchmarks.known_difference", "lab gate")

PARTS = ("run", "benchmark", "fleet")
"""Of `make evidence`. That of a known difference is a command by itself."""


@pytest.fixture(scope="module")
def reader(walked_lab: Scratch, tmp_path_factory: pytest.TempPathFactory) -> Reader:
    return Reader(tmp_path_factory.mktemp("walk"), walked_lab.name, base=PLAIN, candidate=AGAIN)


@pytest.fixture(scope="module")
def walk(reader: Reader) -> Walk:
    flags = " ".join(f"--part {part}" for part in PARTS)
    return reader.follow(WALKED, make=f'EVIDENCE_FLAGS="{flags}"', seconds=2400)


def step_of(words: str) -> Step:
    (found,) = (step for step in WALKED if words in step.command)
    return found


@pytest.mark.parametrize("step", WALKED, ids=lambda step: f"{step.page}: {step.command.splitlines()[-1]}")
def test_a_command_of_the_docs_does_what_it_is_there_for(walk: Walk, step: Step):
    judged = any(name in step.command for name in JUDGES)
    assert walk.statuses[step] in (JUDGED if judged else {0}), walk.output[step]
    assert "Traceback" not in walk.output[step]


def test_make_lab_comes_to_a_report(walk: Walk):
    assert "Throughput" in walk.output[step_of("make lab")]


def test_a_job_of_one_s_own_has_a_gate_between_up_and_down(walk: Walk):
    said = walk.output[step_of("lab gate")]
    assert said.splitlines()[-1] != "no answer"
    assert said.index("gate: ") < said.index(f"Receipt for the lab {WALKED_LAB}:")


def test_the_benchmarks_give_their_figures(walk: Walk):
    harness = _json_of(walk.output[step_of("benchmarks.harness")])
    assert len(harness["throughput_ratios"]) == 2
    assert 0 < harness["sampler_cores"] < 1
    difference = _json_of(walk.output[step_of("benchmarks.known_difference")])
    calibration = difference["calibration"]
    assert calibration["rounds"] == 1000
    # A hash takes some hundred nanoseconds.
    assert calibration["slowed_us"] - calibration["plain_us"] > 20
    assert difference["rounds"] > 0
    summaries = _json_of(walk.output[step_of("benchmarks.apis")])["summaries"]
    floors = {summary["api"]: summary["of_floor"] for summary in summaries if summary["workload"] == "read-post"}
    assert floors["plain-floor"] is None
    assert min(floors["plain"]) > 0


def test_the_evidence_is_written_part_by_part(walk: Walk, reader: Reader):
    assert walk.statuses[step_of("make evidence")] == 0
    pages = {page.stem: page.read_text() for page in (reader.folder / "evidence").iterdir()}
    assert pages.keys() == {*PARTS}
    assert all(page.startswith("# ") for page in pages.values())
    assert "plain-floor" in pages["benchmark"]


def test_nothing_but_the_cache_is_left(walk: Walk):
    assert walk.statuses
    assert [thing.partition(" ")[0] for thing in left_on_engine(WALKED_LAB)] == ["image", "image", "volume"]


def _json_of(output: str) -> Any:  # noqa: ANN401 - whatever it is
    """The document that a benchmark prints, behind what it says on its way."""
    return json.loads(output[output.index("\n{\n") :])
