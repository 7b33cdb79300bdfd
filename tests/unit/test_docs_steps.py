"""Every command in the docs is run by a test that exists."""

from tests.conftest import ROOT
from tests.docs_steps import ELSEWHERE, ELSEWHERE_BY_PAGE, steps
from tests.unit.test_docs import PAGES


def test_what_the_walk_does_not_run_is_run_by_a_test_that_exists():
    named = {step.test for step in steps()} - {None}
    assert [name for name in named if not (ROOT / str(name)).exists()] == []
    assert ELSEWHERE.keys() <= {step.command for step in steps()}
    assert {page.name for page in PAGES} >= ELSEWHERE_BY_PAGE.keys()
