"""The commands in the docs' blocks, and which test runs each.

At night two tests walk through the docs as a reader would, on one lab: `tests/e2e/test_docs_from_up_to_down.py` has the
commands that stand it up and take it down, and the benchmarks; `tests/e2e/test_docs_walk.py` has the others, page after
page. Commands that call pytest on an API that was started by hand are run on one; all others of pytest are the suite.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.unit.test_docs import PAGES, fences

FIRST = ("quick-start.md", "README.md")
"""The pages that are followed before the others, as a newcomer would."""

SCRIPT = "set -e\n"

THE_SUITE = ".ci/run"
FROM_UP_TO_DOWN = "tests/e2e/test_docs_from_up_to_down.py"
BY_HAND = "tests/e2e/test_docs_by_hand.py"

ELSEWHERE = {
    "make lab": FROM_UP_TO_DOWN,
    "make setup": THE_SUITE,
    "make check": THE_SUITE,
    "make test": THE_SUITE,
    "make nightly": "tests/__main__.py",
    "make lock": "tests/unit/toolchain/test_lock.py",
    "make evidence": FROM_UP_TO_DOWN,
    "make audit": "tests/unit/toolchain/test_audit_command.py",
    "lab facts": "tests/e2e/test_facts.py",
    "lab facts --stack mine": "tests/e2e/test_facts.py",
    "lab run --protocol ten-blocks --budget 1h30m": "tests/e2e/small/nightly/test_budget.py",
    "lab run --protocol ten-blocks --budget 2h": "tests/e2e/small/nightly/test_budget.py",
    "lab run --protocol pool-sizes": "tests/e2e/small/nightly/test_variants.py",
    "lab run --ci --stack local --protocol article": "tests/e2e/test_continuous_integration.py",
    "lab down": "tests/e2e/small/test_1_up_and_down.py",
    "lab down --stack mine": "tests/e2e/small/test_1_up_and_down.py",
    "lab down --expired": "tests/unit/lab/test_expiry.py",
    "lab api check fifth --stack mine": "tests/e2e/small/nightly/test_another_api.py",
    "lab logs fifth --stack mine": "tests/e2e/small/nightly/test_another_api.py",
    "lab verify fifth --stack mine --only posts": "tests/e2e/small/nightly/test_another_api.py",
    "python -m ci.gate origin/main": "tests/unit/ci/test_gate.py",
    "lab down --stack ci-gate": "tests/e2e/small/test_1_up_and_down.py",
    ".venv/bin/python -m benchmarks.simulation": "tests/unit/benchmarks/test_simulation.py",
}
"""What isn't a step of the walk page after page, and the test that runs it."""

ELSEWHERE_BY_PAGE = {"benchmarks.md": FROM_UP_TO_DOWN}
"""Pages all of whose commands are run by that test, also those that another page has as well."""


@dataclass(frozen=True)
class Step:
    """A command of a page; or a whole block that begins with `set -e`, which is a script."""

    page: str
    command: str

    @property
    def is_script(self) -> bool:
        """Whether it is such a block."""
        return self.command.startswith(SCRIPT)

    @property
    def test(self) -> str | None:
        """The test that runs it; None where that is the walk page after page."""
        if "-m pytest" in self.command:
            return BY_HAND if ".json " in self.command else THE_SUITE
        if self.is_script:
            return FROM_UP_TO_DOWN
        return ELSEWHERE_BY_PAGE.get(self.page, ELSEWHERE.get(self.command))


def steps() -> list[Step]:
    """All commands in blocks of the docs, each at its first place, the first pages first."""
    told: set[str] = set()
    found: list[Step] = []
    for page in sorted(
        PAGES, key=lambda page: (page.name not in FIRST, FIRST.index(page.name) if page.name in FIRST else 0)
    ):
        for command in _commands(page):
            if command not in told or page.name in ELSEWHERE_BY_PAGE:
                found.append(Step(page.name, command))
            told.add(command)
    return found


def _commands(page: Path) -> Iterator[str]:
    for block in fences(page, "sh"):
        yield from [block.strip()] if block.startswith(SCRIPT) else block.strip().splitlines()
