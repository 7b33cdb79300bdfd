"""The result of `lab api check`."""

from typing import Literal

from documents.base import Document, Name


class ApiCheckStep(Document):
    """One step of `lab api check`.

    Attributes:
        details: what holds if it passed, each fault if it failed, else why it wasn't checked
        section: the heading of docs/adding-an-api.md that explains it
    """

    name: str
    outcome: Literal["passed", "failed", "not checked"]
    details: tuple[str, ...]
    section: str


class ApiCheck(Document):
    """What `lab api check --json` prints: all steps in their order."""

    version: Literal[1] = 1
    stack: Name
    api: str
    steps: tuple[ApiCheckStep, ...]

    @property
    def first_failure(self) -> ApiCheckStep | None:
        """The step to fix first; None where all passed."""
        return next((step for step in self.steps if step.outcome != "passed"), None)
