"""`make evidence` for its part `fuzzing`, on the lab of the tests: longer fuzzing, here with a few examples.

It calls pytest as docs/contributing.md shows, with a lab's name, with more programs, and so that the lab stays up.
"""

import re
from pathlib import Path

import pytest

from tests.conftest import LiveLab
from tests.docs_steps import Step
from tests.e2e.docs_reader import Reader
from tests.e2e.lab_run import API

pytestmark = pytest.mark.nightly

FUZZED = {
    "tests/differential/test_differential.py": "FAIRGROUND_DIFFERENTIAL_PROGRAMS=20",
    "tests/contract/test_schemathesis.py": "FAIRGROUND_SCHEMATHESIS_EXAMPLES=15",
    "tests/unit/provision/test_fuzz.py": "FAIRGROUND_FUZZ_EXAMPLES=1",
    "tests/unit/analysis/test_fuzz.py": "FAIRGROUND_FUZZ_EXAMPLES=1",
    "tests/unit/analysis/test_fuzz_open_loop.py": "FAIRGROUND_FUZZ_EXAMPLES=1",
}


def test_longer_fuzzing_has_a_page_of_its_own(live_lab: LiveLab, tmp_path: Path):
    reader = Reader(tmp_path, live_lab.stack, base=API, candidate=API)
    step = Step("contributing.md", 'make evidence EVIDENCE_FLAGS="--part fuzzing"')
    walk = reader.follow([step], seconds=540)
    assert walk.statuses[step] == 0, walk.output[step]
    page = (reader.folder / "evidence" / "fuzzing.md").read_text()
    assert re.match(r"# Longer fuzzing\n\n\d{4}-\d\d-\d\d, commit [0-9a-f]{40}", page)
    rows = re.findall(r"\| `(.+?)` \| `(.+?)` \| (\d+) \| (\d+) \| [\d.]+ \|", page)
    assert {name: asked for name, asked, _, _ in rows} == FUZZED
    assert all(int(tests) > 0 and int(failed) == 0 for _, _, tests, failed in rows)
    # The lab was there before, and those that are there stay.
    assert live_lab.run("verify", API, "--only", "errors.health_is_ok").returncode == 0
