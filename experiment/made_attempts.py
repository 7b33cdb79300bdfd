"""The attempts that were finished before a run goes on, as they are told to whoever watches it."""

from collections.abc import Mapping, Sequence
from itertools import chain

from documents.load import WrkResult
from documents.open_loop import OpenLoopResult
from documents.run import CellRecord
from experiment.bench import Measured
from experiment.events import AttemptMade
from experiment.run_folder import RunFolder


def attempts_made(folder: RunFolder, attempts: Mapping[str, Sequence[CellRecord]]) -> tuple[AttemptMade, ...]:
    """The finished attempts of a run in the order in which they were made.

    Args:
        folder: the run's.
        attempts: the finished attempts at each planned cell, by the cell's id.

    Raises:
        RunError: a result can't be read.
        DocumentError: the result of a valid attempt isn't of its shape.
    """
    made = sorted(chain.from_iterable(attempts.values()), key=lambda record: record.started_at)
    return tuple(
        AttemptMade(
            cell_id=record.cell_id,
            attempt=record.attempt,
            voids=tuple(void.reason for void in record.voids),
            seconds=sum(record.phases_seconds.values()),
            throughput=_throughput(folder, record) if record.valid else None,
            never_steady=record.never_steady,
        )
        for record in made
    )


def _throughput(folder: RunFolder, record: CellRecord) -> float | None:
    if "open-loop.json" in record.files:
        found = OpenLoopResult.from_json(folder.read_raw(record, "open-loop.json"), name="open-loop.json")
        return Measured(open_loop=found).throughput
    return Measured(result=WrkResult.from_json(folder.read_raw(record, "wrk.json"), name="wrk.json")).throughput
