"""`lab api check`: how far an implementation is on the way from its folder to the contract."""

from typing import Literal

from documents.base import Document, Name


class ApiCheckStep(Document):
    """One step of the way.

    `details` says what is so, where it passed, what is at fault, one thing each, where it failed, and else why it
    wasn't looked at. `section` is the heading of docs/adding-an-api.md that tells of it.
    """

    name: str
    outcome: Literal["passed", "failed", "not looked at"]
    details: tuple[str, ...]
    section: str


class ApiCheck(Document):
    """`lab api check --json`: all steps in their order."""

    version: Literal[1] = 1
    stack: Name
    api: str
    steps: tuple[ApiCheckStep, ...]

    @property
    def first_failure(self) -> ApiCheckStep | None:
        """The step to be mended first; None where all passed."""
        return next((step for step in self.steps if step.outcome != "passed"), None)
