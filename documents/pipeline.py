"""Which run a pipeline began, so that the same pipeline, started again, can go on with it."""

from typing import Literal

from documents.base import Document, Name
from documents.protocol import Protocol


class PipelineRun(Document):
    """What a pipeline asked of `lab run --ci`, and the run that came of it.

    `pipeline` names the pipeline and its job, the same each time that it is started again. All else is what was asked:
    of which commit, of which lab, and how. `apis`, `order_seed` and `budget_seconds` are empty or None where they
    weren't given.
    """

    version: Literal[1] = 1
    pipeline: str
    git_commit: str
    stack: Name
    protocol: Protocol
    apis: tuple[str, ...]
    order_seed: int | None
    budget_seconds: int | None
    run_id: str = ""
