"""The commands of the docs are run by tests: here, page after page, or by the one that `tests/docs_steps.py` names.

The reader's lab is the tests' own, and its protocols but `quick` are short (`tests/e2e/docs_lab.py`); all else is as it
is written.
"""

import pytest

from benchmarks.known_difference import AGAIN, PLAIN
from documents.report.report import GATE_STATUSES
from tests.docs_steps import Step, steps
from tests.e2e.docs_reader import Reader, Walk
from tests.e2e.scratch import Scratch

pytestmark = [pytest.mark.nightly, pytest.mark.builds]

WALKED = [step for step in steps() if step.test is None]

VERDICTS = {status for outcome, status in GATE_STATUSES.items() if outcome != "no-answer"}
"""What a gate of two equal builds ends with: in two blocks one of forty is called a regression."""


@pytest.fixture(scope="module")
def walk(walked_lab: Scratch, tmp_path_factory: pytest.TempPathFactory) -> Walk:
    home = tmp_path_factory.mktemp("home")
    reader = Reader(tmp_path_factory.mktemp("walk"), walked_lab.name, base=PLAIN, candidate=AGAIN)
    return reader.follow(WALKED, environment={"HOME": str(home)}, seconds=1500)


@pytest.mark.parametrize("step", WALKED, ids=lambda step: f"{step.page}: {step.command}")
def test_a_command_of_the_docs_does_what_it_is_there_for(walk: Walk, step: Step):
    right = VERDICTS if " gate " in step.command else {0}
    assert walk.statuses[step] in right, walk.output[step]
    assert "Traceback" not in walk.output[step]


def test_a_newcomer_comes_to_a_report_and_a_comparison(walk: Walk):
    said = {step.command: output for step, output in walk.output.items()}
    assert "Throughput" in said["lab report"]
    assert said["lab run --resume"].strip()
