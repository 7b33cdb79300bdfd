"""The docs' commands that test an API which was started by hand: here the Go API, as a program on this machine.

The program is that of the lab of the docs, which needn't stand for it.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.docs_steps import BY_HAND, Step, steps
from tests.e2e.by_hand import ByHand
from tests.e2e.scratch import Scratch

pytestmark = pytest.mark.nightly

COMMANDS = [step for step in steps() if step.test == BY_HAND]

NAME = "mine"


@pytest.fixture(scope="module")
def folder(walked_lab: Scratch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the files that docs/contributing.md describes, of an API that runs."""
    files = tmp_path_factory.mktemp("files")
    program = files / "api"
    shutil.copy(walked_lab.sources / "api" / "api", program)
    program.chmod(0o755)
    by_hand = ByHand(NAME, program, tmp_path_factory.mktemp("by-hand"))
    target, stand = by_hand.target.model_dump(mode="json"), by_hand.stand().model_dump(mode="json")
    for name, content in {"targets": [target], "commands": {NAME: [str(program)]}, "stand": stand}.items():
        (files / f"{name}.json").write_text(json.dumps(content))
    with by_hand.services(), by_hand.api():
        yield files


@pytest.mark.parametrize("step", COMMANDS, ids=lambda step: f"{step.page}: {step.command}")
def test_a_command_of_the_docs_tests_that_api_and_no_other(folder: Path, step: Step):
    command = re.sub(r"=(\w+\.json)", rf"={folder}/\1", step.command)
    # As a reader calls it, with nothing of the pytest that runs this.
    done = subprocess.run(
        ["bash", "-c", f"{command} --verbose"],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
        capture_output=True,
        text=True,
        check=False,
    )
    printed = done.stdout
    assert done.returncode == 0, printed + done.stderr
    of_an_api = re.findall(r"::\w+\[(\w+).*? PASSED", printed)
    assert of_an_api.count(NAME) > 5
    assert not {"go", "rust", "zig", "kotlin"} & {*of_an_api}
    assert "\n0 tests ran against a lab on real containers.\n" in printed
