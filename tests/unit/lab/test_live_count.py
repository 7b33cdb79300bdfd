"""How many tests ran against a lab, as the last line of a test run says it.

The tests that fail, miss their lab or are skipped are those of a file that only this test runs: that they aren't all
counted is what it shows.
"""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

TESTS = """
import pytest

@pytest.fixture
def live_lab(request):
    if request.node.name == "test_without_its_lab":
        raise AssertionError("The lab can't be stood up.")

def test_passing(live_lab):
    pass

def test_failing(live_lab):
    raise AssertionError

def test_without_its_lab(live_lab):
    pass

@pytest.mark.skip(reason="What is skipped doesn't count.")
def test_skipped(live_lab):
    pass

def test_needing_none():
    pass
"""


@pytest.mark.nightly
def test_only_tests_that_ran_on_a_lab_are_counted(tmp_path: Path):
    (tmp_path / "test_probe.py").write_text(TESTS)
    answer = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.conftest", "--rootdir", tmp_path, "-c", "/dev/null", tmp_path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "1 failed, 2 passed, 1 skipped, 1 error" in answer.stdout
    assert "\n2 tests ran against a lab on real containers.\n" in answer.stdout
