"""The docs' commands that call pytest, on the lab of the tests: their options, variables and folders are as written.

What they would run is the suite, which runs it already. So each is narrowed to a few tests, and asks for fewer
programs of a generated stream.
"""

import re

import pytest

from tests.conftest import LiveLab
from tests.docs_steps import OF_PYTEST, Step, run_pytest, steps

COMMANDS = [step for step in steps() if step.test == OF_PYTEST]

NARROWED = {
    "tests/unit": "test_manifests",
    "tests/contract": "test_image and go",
    "tests/differential": "test_differential",
    "tests/apis": "breakages",
}
"""What of each folder is run, as pytest's `-k` takes it."""


@pytest.mark.parametrize("step", COMMANDS, ids=lambda step: f"{step.page}: {step.command}")
def test_a_command_of_the_docs_runs_its_tests_and_leaves_the_lab_up(live_lab: LiveLab, step: Step):
    (folder,) = re.findall(r"-m pytest (\S+)", step.command)
    command = re.sub(r"(PROGRAMS)=\d+", r"\1=100", step.command).replace("--stack local", "")
    # One that doesn't keep the lab would take it down.
    keep = "" if "--keep-lab" in command else "--keep-lab"
    printed = run_pytest(f"{command} {keep} --stack {live_lab.stack} -k '{NARROWED[folder]}'")
    assert re.search(rf"^{folder}/\S+\.py \.+", printed, re.MULTILINE)
    assert live_lab.run("verify", "go", "--only", "errors.health_is_ok").returncode == 0
