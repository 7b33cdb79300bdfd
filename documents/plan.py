"""The plan: a run's cells in the order in which they are measured."""

from typing import Literal

from documents.base import Document, Name
from documents.protocol import Scenario


class Cell(Document):
    """One cell: one restart of one API, one warm-up, one load window. `number` counts from 1 in the run's order.

    `twin` marks the second cell of the API that its block measures twice under the scenario.
    """

    number: int
    block: int
    api: Name
    scenario: Scenario
    twin: bool = False

    @property
    def id(self) -> str:
        """The cell's folder in `cells/`: ``<number>-<api>-<scenario>``."""
        return f"{self.number:03d}-{self.api}-{self.scenario.name}"


class Plan(Document):
    """The cells of a run in their shuffled order, and the seed that the order was drawn from."""

    version: Literal[1] = 1
    order_seed: int
    cells: tuple[Cell, ...]
