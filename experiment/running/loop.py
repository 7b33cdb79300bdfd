"""The loop over the unfinished cells of a run."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain

from analysis.raw import Run
from documents.run import Cell, CellRecord, KnobRecord
from experiment.bench import Bench
from experiment.clock import Clock
from experiment.planning import BudgetClock, count_cells, plan_open_loop
from experiment.progress import (
    AttemptMade,
    BudgetSpent,
    CellFinished,
    CellStarted,
    Event,
    OpenLoopPlanned,
    RunFinished,
    RunStarted,
)
from experiment.record import RunWriter
from experiment.running.cell import READY_SECONDS, RunContext, measure_cell
from experiment.workloads import RequestFile


def knobs_after(
    records: Sequence[KnobRecord], held: Sequence[KnobRecord], after: Sequence[KnobRecord]
) -> tuple[KnobRecord, ...]:
    """Add the values at the end of a run to its records: immediately before the knobs were restored, and after.

    A knob that was as wanted at first and isn't at the end was changed by something else: it is `lost`.
    """
    at_end, afterwards = ({record.name: record for record in some} for some in (held, after))
    found: list[KnobRecord] = []
    for record in records:
        changes: dict[str, object] = {}
        # A knob that only an earlier version of the lab knew keeps its record.
        if record.name in afterwards:
            changes["after"] = afterwards[record.name].before
        if record.controlled and record.name in at_end and not at_end[record.name].controlled:
            value = at_end[record.name].before
            changes |= {
                "state": "lost",
                "message": f"something else set it to {value} during the run",
            }
        found.append(record.model_copy(update=changes))
    return tuple(found)


def merge_knobs(earlier: Sequence[KnobRecord], later: Sequence[KnobRecord]) -> tuple[KnobRecord, ...]:
    """The records of a resumed run: a knob's value before the first part, and the worse of its states."""
    first = {record.name: record for record in earlier}
    merged: list[KnobRecord] = []
    for record in later:
        known = first.get(record.name)
        if known is None:
            merged.append(record)
        elif known.controlled:
            merged.append(record.model_copy(update={"before": known.before}))
        else:
            merged.append(known.model_copy(update={"after": record.after}))
    return tuple(merged)


def attempts_made(run: Run) -> tuple[AttemptMade, ...]:
    """The finished attempts of a run in the order in which they were made.

    Raises:
        AnalysisError: a result can't be read.
        DocumentError: the result of a valid attempt is invalid.
    """
    made = [(cell, record) for cell in run.cells for record in run.attempts[cell.id]]
    return tuple(
        AttemptMade(
            cell_id=record.cell_id,
            attempt=record.attempt,
            voids=tuple(void.reason for void in record.voids),
            seconds=record.seconds,
            throughput=run.result(cell, record).throughput if record.valid else None,
            never_steady=record.never_steady,
        )
        for cell, record in sorted(made, key=lambda one: one[1].started_at)
    )


Progress = Callable[[Event], None]

BEGINNING_SECONDS = 300
"""The longest time from the tuning of the host to the first cell, in which the request files are copied."""


class Loop:
    """The loop over the unfinished cells of a run. `run` has the finished ones."""

    def __init__(self, bench: Bench, run: Run, writer: RunWriter, context: RunContext, progress: Progress) -> None:
        self.bench = bench
        self.run = run
        self.writer = writer
        self.context = context
        self.progress = progress

    def measure(self, requests: Sequence[RequestFile]) -> None:
        """Measure all unfinished cells, and read the host's state afterwards."""
        self.progress(started_event(self.run))
        self._complete_journal()
        waiting = self.run.lacks_open_loop_plan or any(
            self.run.next_attempt(cell) is not None for cell in self.run.cells
        )
        if waiting:
            # The budget includes the time before the first cell.
            budget = _budget(self.run, self.context.clock)
            self._set_up(requests)
            for cell in self._cells_in_turn(budget):
                while (number := self.run.next_attempt(cell)) is not None:
                    self._attempt(cell, number)
        self._look_afterwards(tuned=waiting)
        self.writer.journal.append("run-finished")
        self.progress(finished_event(self.run))

    def _set_up(self, requests: Sequence[RequestFile]) -> None:
        if self.context.protocol.open_loop is not None:
            # First, so that a failed build shows before hours of cells. The host isn't tuned yet, because a slow
            # build would outlast the lease.
            self.bench.install_open_loop()
        subjects = self.run.subjects
        if any(api.varied is not None for api in subjects):
            self.bench.make_variants(subjects)
        knobs = merge_knobs(self.run.host.knobs, self.bench.tune(seconds=BEGINNING_SECONDS))
        self._write_host({"knobs": knobs})
        self.bench.install(requests)
        self.bench.stop_apis()

    def _cells_in_turn(self, budget: BudgetClock) -> Iterator[Cell]:
        """The cells that need an attempt, in the order in which they are measured.

        The open loop is planned after the closed one: when all of its cells are finished, or its budget is spent. So
        the caller must measure a cell before it asks for the next one.
        """
        for cell in self.run.closed_cells:
            if self.run.next_attempt(cell) is None:
                continue
            if not budget.begin(cell):
                self.writer.journal.append("budget-spent", message=f"before block {cell.block}")
                self.progress(BudgetSpent(before_block=cell.block))
                break
            yield cell
        asked = self.run.manifest.protocol.open_loop
        if asked is not None and self.run.open_loop_plan is None:
            plan = plan_open_loop(self.run, asked)
            self.writer.write_open_loop_plan(plan)
            self.run = self.run.with_open_loop(plan)
            self.progress(OpenLoopPlanned(cells=plan.cells))
        if self.run.open_loop_plan is not None:
            yield from (cell for cell in self.run.open_loop_plan.cells if self.run.next_attempt(cell) is not None)

    def _attempt(self, cell: Cell, number: int) -> None:
        expected_seconds = self.context.protocol.warm_up_seconds + cell.scenario.duration_seconds
        self.progress(CellStarted(cell=cell, attempt=number, expected_seconds=expected_seconds))
        self.bench.renew(seconds=expected_seconds + READY_SECONDS)
        self.writer.journal.append("cell-started", cell_id=cell.id, attempt=number)
        folder = self.writer.new_attempt_folder(cell, number)
        record, measured = measure_cell(self.bench, cell, self.context, folder, self.progress, attempt_number=number)
        self.run = self.run.with_attempt(record)
        self._record(record)
        self.progress(CellFinished(cell=cell, record=record, throughput=measured.throughput))

    def _look_afterwards(self, *, tuned: bool) -> None:
        """Record the last values of the knobs, restore them, and record the host's identity."""
        record = self.run.host
        held = self.bench.read_knobs() if tuned else record.knobs
        self.bench.untune()
        changes: dict[str, object] = {
            "after": self.bench.read_identity(),
            "load_hosts": tuple(
                load_host.model_copy(update={"after": look})
                for load_host, look in zip(record.load_hosts, self.bench.look_at_load_hosts(), strict=True)
            ),
        }
        if record.knobs:
            changes["knobs"] = knobs_after(record.knobs, held, self.bench.read_knobs())
        self._write_host(changes)

    def _write_host(self, changes: Mapping[str, object]) -> None:
        host = self.run.host.model_copy(update=dict(changes))
        self.writer.write_host(host)
        self.run = replace(self.run, host=host)

    def _complete_journal(self) -> None:
        """Add attempts to the journal that finished immediately before the run was interrupted."""
        written = {
            (entry.cell_id, entry.attempt or 1)
            for entry in self.writer.journal.entries()
            if entry.event in {"cell-finished", "cell-void"}
        }
        for record in chain.from_iterable(self.run.attempts.values()):
            if (record.cell_id, record.attempt) not in written:
                self._record(record)

    def _record(self, record: CellRecord) -> None:
        if record.valid:
            self.writer.journal.append("cell-finished", cell_id=record.cell_id, attempt=record.attempt)
        else:
            message = " ".join(f"{void.reason}: {void.message}" for void in record.voids)
            self.writer.journal.append("cell-void", cell_id=record.cell_id, attempt=record.attempt, message=message)


def _budget(run: Run, clock: Clock) -> BudgetClock:
    seconds: dict[int, float] = {}
    for cell in run.plan.cells:
        for record in run.attempts[cell.id]:
            seconds[cell.block] = seconds.get(cell.block, 0.0) + record.seconds
    given, kept = run.manifest.budget_seconds, run.manifest.open_loop_seconds
    return BudgetClock(None if given is None else given - kept, seconds, clock)


def started_event(run: Run) -> RunStarted:
    """The event that a run begins or resumes."""
    cells, protocol = count_cells(run), run.manifest.protocol
    return RunStarted(
        run_id=run.directory.name,
        directory=str(run.directory),
        cells=cells,
        finished=len(run.records),
        attempts=protocol.attempts,
        protocol=protocol,
        planned=run.cells,
        unplanned=cells - len(run.cells),
        made=attempts_made(run),
        budget_seconds=run.manifest.budget_seconds,
    )


def finished_event(run: Run) -> RunFinished:
    """The event that a run is finished."""
    short = run.short_blocks()
    return RunFinished(
        run_id=run.directory.name,
        directory=str(run.directory),
        cells=len(run.cells),
        void_cells=sum(len(block.lacking) for block in short),
        void_attempts=len(run.void_attempts()),
        short_blocks=tuple(block.block for block in short if not block.open_loop),
        short_open_loop_blocks=tuple(block.block for block in short if block.open_loop),
    )
