"""Every command of the docs is run by a test: here as a reader would, page after page, or where this file says.

The reader's lab is the tests' own, and its protocols are short (`tests/e2e/docs_lab.py`); all else is as it is written.
"""

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from cli.gate import EXIT_STATUSES
from tests.conftest import ROOT
from tests.e2e.go_lab import BASE, GO_LAB, SAME, GoLab
from tests.unit.test_docs import PAGES, fences

PROTOCOL = f"""
version: 1
name: {{subcommand}}
blocks: {{blocks}}
warm_up_seconds: 1
attempts: 5
timeout_seconds: 20
twin: false
apis: [{BASE}, {SAME}]
scenarios:
  - {{{{name: light, workload: mixed, connections: 10, duration_seconds: 1}}}}
"""

BLOCKS = {"run": 1, "gate": 2}
"""As few as a subcommand can do with."""

FIRST = ("quick-start.md", "README.md")
"""The pages that are followed before the others, as a newcomer would."""

THE_SUITE = ".ci/run"
BY_HAND = "by hand"

ELSEWHERE = {
    "make lab": BY_HAND,
    "make setup": THE_SUITE,
    "make check": THE_SUITE,
    "make test": THE_SUITE,
    "make lock": BY_HAND,
    "make evidence": BY_HAND,
    "make audit": "tests/unit/toolchain/test_audit.py",
    "lab facts": "tests/e2e/test_facts.py",
    "lab facts --stack mine": "tests/e2e/test_facts.py",
    "lab run --protocol ten-blocks --budget 1h30m": "tests/e2e/test_budget.py",
    "lab run --protocol ten-blocks --budget 2h": "tests/e2e/test_budget.py",
    "lab run --protocol pool-sizes": "tests/e2e/test_variants.py",
    "lab down": "tests/e2e/test_lifecycle.py",
    "lab down --stack mine": "tests/e2e/test_lifecycle.py",
    "lab down --expired": "tests/unit/lab/test_expiry.py",
    "lab api check fifth --stack mine": "tests/e2e/test_fifth_api.py",
    "lab logs fifth --stack mine": "tests/e2e/test_fifth_api.py",
    "lab verify fifth --stack mine --only posts": "tests/e2e/test_fifth_api.py",
}
"""What isn't run here, and the test that does so. By hand is what takes hours, or makes the checkout another one."""

ELSEWHERE_BY_PAGE = {
    "benchmarks.md": BY_HAND,
    "ci.md": "tests/e2e/test_compare.py",
    "contributing.md": BY_HAND,
    "scale.md": "tests/unit/benchmarks/test_fleet.py",
    "statistics.md": "tests/unit/benchmarks/test_simulation.py",
}
"""Pages for who works on the lab, or has a job of continuous integration: the test that runs what is behind them."""

CANNOT_TELL = {0, EXIT_STATUSES["cannot-tell"]}
"""What a gate of two equal builds ends with, in a single block."""


@dataclass(frozen=True)
class Step:
    """A command of a page."""

    page: str
    command: str


def steps() -> Iterator[Step]:
    """All commands in blocks of the docs, each at its first place, the first pages first."""
    told: set[str] = set()
    for page in sorted(
        PAGES, key=lambda page: (page.name not in FIRST, FIRST.index(page.name) if page.name in FIRST else 0)
    ):
        for block in fences(page, "sh"):
            for command in block.strip().splitlines():
                if command not in told and page.name not in ELSEWHERE_BY_PAGE:
                    told.add(command)
                    yield Step(page.name, command)


def walked() -> list[Step]:
    """The commands that are run here."""
    return [step for step in steps() if step.command not in ELSEWHERE and "pytest" not in step.command]


@dataclass(frozen=True)
class Walk:
    """What each command ended with, and what it printed."""

    statuses: dict[str, int]
    output: dict[str, str]


@pytest.fixture(scope="module")
def walk(go_lab: GoLab, tmp_path_factory: pytest.TempPathFactory) -> Walk:
    del go_lab
    folder = tmp_path_factory.mktemp("walk")
    home, runs, protocols = folder / "home", folder / "runs", folder / "protocols"
    for made in (home, runs, protocols):
        made.mkdir()
    for subcommand, blocks in BLOCKS.items():
        (protocols / f"{subcommand}.yaml").write_text(PROTOCOL.format(subcommand=subcommand, blocks=blocks))
    lab = shlex.join([sys.executable, "-m", "tests.e2e.docs_lab", GO_LAB, str(protocols), str(runs)])
    script = [f'lab() {{ {lab} "$@"; }}']
    for number, step in enumerate(walked()):
        place = shlex.quote(str(folder / f"{number}"))
        # In this shell: what a command sets, as `. ./env` does, is there for the next one.
        script.append(f"{step.command} >{place}.out 2>&1 </dev/null; echo $? >{place}.status")
    shell = subprocess.run(
        ["bash", "-c", "\n".join(script)],
        cwd=ROOT,
        env=os.environ | {"HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=540,
        check=False,
    )
    assert shell.stderr == ""
    return Walk(
        {step.command: int((folder / f"{number}.status").read_text()) for number, step in enumerate(walked())},
        {step.command: (folder / f"{number}.out").read_text() for number, step in enumerate(walked())},
    )


@pytest.mark.parametrize("step", walked(), ids=lambda step: f"{step.page}: {step.command}")
def test_a_command_of_the_docs_does_what_it_is_there_for(walk: Walk, step: Step):
    right = CANNOT_TELL if " gate " in step.command else {0}
    assert walk.statuses[step.command] in right, walk.output[step.command]
    assert "Traceback" not in walk.output[step.command]


def test_a_newcomer_comes_to_a_report_and_a_comparison(walk: Walk):
    assert "Throughput" in walk.output["lab report"]
    assert walk.output["lab run --resume"].strip()


def test_what_is_not_run_here_is_run_by_the_test_that_is_named():
    named = {*ELSEWHERE.values(), *ELSEWHERE_BY_PAGE.values()} - {BY_HAND}
    assert [name for name in named if not (ROOT / name).exists()] == []
    commands = {step.command for step in steps()}
    assert ELSEWHERE.keys() - commands <= {"make check", "make lock", "make setup", "make evidence"}
    assert {page.name for page in PAGES} >= ELSEWHERE_BY_PAGE.keys()
