"""The commands of the docs are run by tests: here, page after page, or by the one that `tests/docs_steps.py` names.

The reader's lab is the tests' own, and its protocols are short (`tests/e2e/docs_lab.py`); all else is as it is written.
"""

import pytest

from benchmarks.known_difference import AGAIN, PLAIN
from cli.gate import EXIT_STATUSES
from tests.conftest import ROOT
from tests.docs_steps import ELSEWHERE, ELSEWHERE_BY_PAGE, Step, steps
from tests.e2e.docs_reader import Reader, Walk
from tests.e2e.scratch import Scratch
from tests.unit.test_docs import PAGES

WALKED = [step for step in steps() if step.test is None]

VERDICTS = {status for outcome, status in EXIT_STATUSES.items() if outcome != "no-answer"}
"""What a gate of two equal builds ends with: in two blocks one of forty is called a regression."""


@pytest.fixture(scope="module")
def walk(walked_lab: Scratch, tmp_path_factory: pytest.TempPathFactory) -> Walk:
    home = tmp_path_factory.mktemp("home")
    reader = Reader(tmp_path_factory.mktemp("walk"), walked_lab.name, base=PLAIN, candidate=AGAIN)
    return reader.follow(WALKED, environment={"HOME": str(home)}, seconds=1200)


@pytest.mark.parametrize("step", WALKED, ids=lambda step: f"{step.page}: {step.command}")
def test_a_command_of_the_docs_does_what_it_is_there_for(walk: Walk, step: Step):
    right = VERDICTS if " gate " in step.command else {0}
    assert walk.statuses[step] in right, walk.output[step]
    assert "Traceback" not in walk.output[step]


def test_a_newcomer_comes_to_a_report_and_a_comparison(walk: Walk):
    said = {step.command: output for step, output in walk.output.items()}
    assert "Throughput" in said["lab report"]
    assert said["lab run --resume"].strip()


def test_what_is_not_run_here_is_run_by_the_test_that_is_named():
    named = {step.test for step in steps()} - {None}
    assert [name for name in named if not (ROOT / str(name)).exists()] == []
    assert ELSEWHERE.keys() <= {step.command for step in steps()}
    assert {page.name for page in PAGES} >= ELSEWHERE_BY_PAGE.keys()
