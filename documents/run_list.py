"""The runs of a checkout, as `lab runs` lists and prunes them."""

from datetime import datetime
from typing import Literal

from documents.base import Document, Name
from documents.report import Grade

RunStanding = Literal["finished", "unfinished", "running", "damaged"]
"""`finished`: it came to its end. `unfinished`: it broke off, and `lab run --resume` may go on with it. `running`: a
process on this machine measures it. `damaged`: its documents can't be read."""


class ListedRun(Document):
    """A run's folder. Of a damaged one nothing is known but its name, its size and what is wrong with it.

    `cells` are those that are due by now, of which `valid_cells` count, and of the `void_cells` no attempt does; the
    others are still to be measured. `bytes` is what the folder takes on its disk. `kept` is whether it has a mark that
    no prune removes.
    """

    run_id: str
    standing: RunStanding
    kept: bool
    bytes: int
    started_at: datetime | None = None
    protocol: Name | None = None
    stack: Name | None = None
    cells: int | None = None
    valid_cells: int | None = None
    void_cells: int | None = None
    grade: Grade | None = None
    git_commit: str | None = None
    fault: str | None = None


class SparedRun(Document):
    """A run that is old enough to go, and why it doesn't, in a clause."""

    run_id: str
    why: str


class PrunedRuns(Document):
    """What `lab runs prune` removed, or with ``removed`` false would remove; `bytes` is what that takes together."""

    version: Literal[1] = 1
    removed: bool
    runs: tuple[ListedRun, ...]
    spared: tuple[SparedRun, ...]
    bytes: int
