"""The loop over the cells of a run: begin, go on after a break, and leave the host as it was found."""

import logging
import secrets as random_secrets
import subprocess
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

from analysis.raw.run import Run, read_run
from documents.errors import RunError
from documents.lab import Inventory, Secrets
from documents.run import (
    OPEN_LOOP_FILE,
    UNKNOWN_COMMIT,
    WRK_FILE,
    Cell,
    CellRecord,
    HostRecord,
    KnobRecord,
    LoadHostRecord,
    Manifest,
    Plan,
    Protocol,
    WindowResult,
    Workload,
    read_result,
)
from experiment.bench import Bench, open_bench, require_identical
from experiment.clock import SYSTEM_CLOCK, Clock
from experiment.planning import (
    BudgetClock,
    count_cells,
    fit,
    make_plan,
    open_loop_seconds,
    plan_open_loop,
    read_earlier,
    subjects_of,
    with_subjects,
    without_subjects,
)
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
from experiment.record import RunWriter, in_use, new_run_id
from experiment.running.cell import READY_SECONDS, Conditions, measure_cell
from experiment.running.holding import hold_host
from experiment.workloads import RequestFile, build_requests
from experiment.workloads.command import share_of_connections


def with_after(
    records: Sequence[KnobRecord], held: Sequence[KnobRecord], after: Sequence[KnobRecord]
) -> tuple[KnobRecord, ...]:
    """Add to a run's records what the knobs were at its end: just before they were put back, and after that.

    A knob that was as wanted at first and isn't at the end was changed by something else: it was lost.
    """
    at_end, afterwards = ({record.name: record for record in some} for some in (held, after))
    found: list[KnobRecord] = []
    for record in records:
        changes: dict[str, object] = {}
        # One that an earlier version of the lab knew stays as that left it.
        if record.name in afterwards:
            changes["after"] = afterwards[record.name].before
        if record.controlled and record.name in at_end and not at_end[record.name].controlled:
            value = at_end[record.name].before
            changes |= {
                "state": "lost",
                "message": f"something else made it {value} while the run went on",
            }
        found.append(record.model_copy(update=changes))
    return tuple(found)


def merge(earlier: Sequence[KnobRecord], later: Sequence[KnobRecord]) -> tuple[KnobRecord, ...]:
    """The records of a run that was resumed: what a knob was before it all, and the worse of how it stood with it."""
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
        DocumentError: the result of a valid attempt isn't of its shape.
    """
    made = sorted(chain.from_iterable(run.attempts.values()), key=lambda record: record.started_at)
    return tuple(
        AttemptMade(
            cell_id=record.cell_id,
            attempt=record.attempt,
            voids=tuple(void.reason for void in record.voids),
            seconds=sum(record.phases_seconds.values()),
            throughput=_result_of(run, record).throughput if record.valid else None,
            never_steady=record.never_steady,
        )
        for record in made
    )


def _result_of(run: Run, record: CellRecord) -> WindowResult:
    name = OPEN_LOOP_FILE if OPEN_LOOP_FILE in record.files else WRK_FILE
    return read_result(run.raw_file(record, name), name=name)


_logger = logging.getLogger(__name__)

Progress = Callable[[Event], None]

Planner = Callable[[Protocol, Sequence[str], int], Plan]
"""Makes the plan of a run from its protocol, the names of its APIs and the seed of its order."""

_BEGINNING_SECONDS = 300
"""How long it may take from the tuning of the host to the first cell: the request files are laid ready meanwhile."""


def begin(
    bench: Bench,
    inventory: Inventory,
    secrets: Secrets,
    protocol: Protocol,
    runs_directory: Path,
    *,
    protocol_file: str | None = None,
    apis: Collection[str] = (),
    order_seed: int | None,
    budget_seconds: int | None = None,
    git_commit: str,
    progress: Progress,
    planner: Planner = make_plan,
    clock: Clock = SYSTEM_CLOCK,
) -> Path:
    """Plan a new run and measure all of its cells; see `experiment.running.loop.start_run`.

    Another `planner` than the lab's own is for a run that is one of several, whose orders belong together.
    """
    subjects = subjects_of(inventory, protocol, apis, bench.read_physical_cores)
    inventory, measured = with_subjects(inventory, subjects), [api.name for api in subjects]
    if budget_seconds is not None:
        fitted = fit(protocol, measured, budget_seconds, read_earlier(runs_directory, inventory, protocol, measured))
        progress(fitted)
        protocol = protocol.model_copy(update={"blocks": fitted.blocks})
    for scenario in protocol.scenarios:
        share_of_connections(scenario.connections, max(len(inventory.load_hosts), 1))
    requests = _build_all(protocol)
    started_at = clock.now()
    run_id = new_run_id(protocol.name, started_at)
    seed = random_secrets.randbelow(2**32) if order_seed is None else order_seed
    plan = planner(protocol, measured, seed)

    def measure() -> Path:
        manifest = Manifest(
            run_id=run_id,
            started_at=started_at,
            git_commit=git_commit,
            protocol=protocol,
            protocol_file=protocol_file,
            budget_seconds=budget_seconds,
            inventory=inventory,
            order_seed=seed,
            requests_sha256={file.workload: file.sha256 for file in requests},
            tool_versions=bench.read_tool_versions(),
        )
        host = HostRecord(
            before=bench.read_identity(),
            load_hosts=tuple(LoadHostRecord(before=look) for look in bench.look_at_load_hosts()),
        )
        require_identical(host)
        writer = RunWriter.create(runs_directory, manifest, host, plan, clock)
        writer.journal.append("run-started")
        conditions = _conditions(manifest, host, inventory, secrets, requests, clock=clock)
        with in_use(writer.path):
            _Loop(bench, read_run(writer.path), writer, conditions, progress).measure(requests)
        return writer.path

    return hold_host(bench, f"run {run_id}", measure)


def resume(
    bench: Bench,
    run_directory: Path,
    inventory: Inventory,
    secrets: Secrets,
    *,
    git_commit: str,
    progress: Progress,
    clock: Clock = SYSTEM_CLOCK,
) -> Path:
    """Measure the cells that a run still lacks; see `experiment.running.loop.resume_run`."""
    run, writer = read_run(run_directory), RunWriter(run_directory, clock)
    manifest = run.manifest
    requests = _build_all(manifest.protocol)
    _require_same_lab(manifest, inventory, requests)
    inventory = with_subjects(inventory, manifest.inventory.apis)
    run.verify()
    if run.is_finished:
        progress(_started(run))
        progress(_finished(run))
        return run_directory

    def measure() -> Path:
        _require_same_host(manifest, run.host, bench)
        writer.journal.append("run-resumed", message=f"by the commit {git_commit}")
        conditions = _conditions(manifest, run.host, inventory, secrets, requests, clock=clock)
        with in_use(run_directory):
            _Loop(bench, run, writer, conditions, progress).measure(requests)
        return run_directory

    return hold_host(bench, f"run {manifest.run_id}", measure)


def _conditions(
    manifest: Manifest,
    host: HostRecord,
    inventory: Inventory,
    secrets: Secrets,
    requests: Iterable[RequestFile],
    *,
    clock: Clock,
) -> Conditions:
    return Conditions(
        inventory=inventory,
        secrets=secrets,
        protocol=manifest.protocol,
        token_users={file.workload: file.users for file in requests},
        wrk_version=manifest.tool_versions["wrk"],
        clock=clock,
        load_hosts=host.load_hosts,
    )


class _Loop:
    """The loop over the cells that a run still lacks. `run` is what is finished of it by now."""

    def __init__(self, bench: Bench, run: Run, writer: RunWriter, conditions: Conditions, progress: Progress) -> None:
        self.bench = bench
        self.run = run
        self.writer = writer
        self.conditions = conditions
        self.progress = progress

    def measure(self, requests: Sequence[RequestFile]) -> None:
        """Measure all that is missing, and look at the host afterwards."""
        self.progress(_started(self.run))
        self._tell_untold()
        waiting = self.run.lacks_open_loop_plan or any(
            self.run.next_attempt(cell) is not None for cell in self.run.cells
        )
        if waiting:
            # What goes before the first cell is part of the time that a budget gives.
            budget = _budget(self.run, self.conditions.clock)
            self._set_up(requests)
            for cell in self._cells_in_turn(budget):
                while (number := self.run.next_attempt(cell)) is not None:
                    self._attempt(cell, number)
        self._look_afterwards(tuned=waiting)
        self.writer.journal.append("run-finished")
        self.progress(_finished(self.run))

    def _set_up(self, requests: Sequence[RequestFile]) -> None:
        if self.conditions.protocol.open_loop is not None:
            # Before all else: it takes a minute to build, and what is wrong with it is told before hours of cells. The
            # host isn't tuned yet, for a slow build would outlast the lease.
            self.bench.install_open_loop()
        planned = {cell.api for cell in self.run.plan.cells}
        subjects = [api for api in self.conditions.inventory.apis if api.name in planned]
        if any(api.varied is not None for api in subjects):
            self.bench.make_variants(subjects)
        knobs = merge(self.run.host.knobs, self.bench.tune(seconds=_BEGINNING_SECONDS))
        self._write_host({"knobs": knobs})
        self.bench.install(requests)
        self.bench.stop_apis()

    def _cells_in_turn(self, budget: BudgetClock) -> Iterator[Cell]:
        """The cells at which an attempt is to be made, in the order in which they are measured.

        The open loop is planned when the closed one is over: when all of its cells are finished, or its budget is
        spent. So a cell must be measured before the next one is asked for.
        """
        for cell in self.run.closed_cells:
            if self.run.next_attempt(cell) is None:
                continue
            if budget.forbids(cell):
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
        expected_seconds = self.conditions.protocol.warm_up_seconds + cell.scenario.duration_seconds
        self.progress(CellStarted(cell=cell, attempt=number, expected_seconds=expected_seconds))
        self.bench.renew(seconds=expected_seconds + READY_SECONDS)
        self.writer.journal.append("cell-started", cell_id=cell.id, attempt=number)
        folder = self.writer.new_attempt_folder(cell, number)
        record, measured = measure_cell(self.bench, cell, self.conditions, folder, self.progress, attempt_number=number)
        self.run = self.run.with_attempt(record)
        self._tell(record)
        self.progress(CellFinished(cell=cell, record=record, throughput=measured.throughput))

    def _look_afterwards(self, *, tuned: bool) -> None:
        """Record what the knobs were to the last, put them back, and record what the host is then."""
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
            changes["knobs"] = with_after(record.knobs, held, self.bench.read_knobs())
        self._write_host(changes)

    def _write_host(self, changes: Mapping[str, object]) -> None:
        host = self.run.host.model_copy(update=dict(changes))
        self.writer.write_host(host)
        self.run = replace(self.run, host=host)

    def _tell_untold(self) -> None:
        """Tell the journal of attempts that were finished in the moment in which the run broke off."""
        told = {
            (entry.cell_id, entry.attempt or 1)
            for entry in self.writer.journal.entries()
            if entry.event in {"cell-finished", "cell-void"}
        }
        for record in chain.from_iterable(self.run.attempts.values()):
            if (record.cell_id, record.attempt) not in told:
                self._tell(record)

    def _tell(self, record: CellRecord) -> None:
        if record.valid:
            self.writer.journal.append("cell-finished", cell_id=record.cell_id, attempt=record.attempt)
        else:
            message = " ".join(f"{void.reason}: {void.message}" for void in record.voids)
            self.writer.journal.append("cell-void", cell_id=record.cell_id, attempt=record.attempt, message=message)


def _budget(run: Run, clock: Clock) -> BudgetClock:
    seconds: dict[int, float] = {}
    for cell in run.plan.cells:
        for record in run.attempts[cell.id]:
            seconds[cell.block] = seconds.get(cell.block, 0.0) + sum(record.phases_seconds.values())
    if run.manifest.budget_seconds is None:
        return BudgetClock(None, seconds, clock)
    kept_seconds = open_loop_seconds(run.manifest.protocol, len(run.subjects))
    return BudgetClock(run.manifest.budget_seconds - kept_seconds, seconds, clock)


def _started(run: Run) -> RunStarted:
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


def _finished(run: Run) -> RunFinished:
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


def _build_all(protocol: Protocol) -> list[RequestFile]:
    workloads: set[Workload] = {scenario.workload for scenario in protocol.scenarios}
    return [build_requests(workload, protocol.request_seed) for workload in sorted(workloads)]


def _require_same_lab(manifest: Manifest, inventory: Inventory, requests: Iterable[RequestFile]) -> None:
    """Cells of one run are compared with each other: they must be measured under one and the same conditions.

    What the run's variants are follows from the lab and from the protocol, which the manifest has. How the host is
    reached may have changed; whether it is the same is asked of itself.
    """
    then, now = (
        document.model_dump(exclude={"host": True, "load_hosts": {"__all__": {"host"}}})
        for document in (without_subjects(manifest.inventory), inventory)
    )
    changed = sorted(name for name in then.keys() | now.keys() if then.get(name) != now.get(name))
    if changed:
        raise RunError(
            f"The run {manifest.run_id} can't go on: the lab is another one than it began on; changed: "
            f"{', '.join(changed)}. Bring the lab back to that state, or start a new run."
        )
    if {file.workload: file.sha256 for file in requests} != manifest.requests_sha256:
        raise RunError(
            f"The run {manifest.run_id} can't go on: this version of the lab makes other requests than it began with. "
            f"Check out the commit {manifest.git_commit}, or start a new run."
        )


def _require_same_host(manifest: Manifest, host: HostRecord, bench: Bench) -> None:
    changed = [*host.before.changes(bench.read_identity())]
    looks = bench.look_at_load_hosts()
    for number, (load_host, look) in enumerate(zip(host.load_hosts, looks, strict=True), start=1):
        changed += [f"of load host {number} {text}" for text in load_host.before.identity.changes(look.identity)]
    versions = bench.read_tool_versions()
    for tool in sorted(manifest.tool_versions | versions):
        if manifest.tool_versions.get(tool) != versions.get(tool):
            changed.append(f"{tool} was {manifest.tool_versions.get(tool)} and is {versions.get(tool)}")
    if changed:
        raise RunError(
            f"The run {manifest.run_id} can't go on: the host isn't as it was: {'; '.join(changed)}. Start a new run."
        )


_PROJECT = Path(__file__).parents[2]


def start_run(
    inventory: Inventory,
    secrets: Secrets,
    protocol: Protocol,
    runs_directory: Path,
    *,
    protocol_file: str | None = None,
    apis: Collection[str] = (),
    order_seed: int | None = None,
    budget_seconds: int | None = None,
    progress: Progress,
) -> Path:
    """Measure the lab's APIs by a protocol.

    While it goes on, all APIs but the one under test are stopped. Whatever ends it, Ctrl-C included, the load on the
    host is ended, the APIs are started again, and every finished cell is kept for `resume_run`.

    Args:
        inventory: the lab as it stands.
        secrets: the lab's secrets; none of them comes into the run's folder.
        protocol: what to measure.
        runs_directory: where the run's folder is made.
        protocol_file: where the protocol was read from, for the record; None for one of the lab's own.
        apis: names of those to measure; all unless given.
        order_seed: what the order of the cells is drawn from; a random one unless given. The plan records it.
        budget_seconds: the wall time that the run may take. As many whole blocks are measured as fit, whatever the
            protocol's number.
        progress: is told of each step.

    Returns:
        The run's folder.

    Raises:
        RunError: the lab has no API of such a name, the budget is too small for two blocks, another run holds the host,
            or the folder can't be made.
        HostError: the host can't be reached or failed.
    """
    with open_bench(inventory, secrets) as bench:
        return begin(
            bench,
            inventory,
            secrets,
            protocol,
            runs_directory,
            protocol_file=protocol_file,
            apis=apis,
            order_seed=order_seed,
            budget_seconds=budget_seconds,
            git_commit=git_commit(),
            progress=progress,
        )


def resume_run(run_directory: Path, inventory: Inventory, secrets: Secrets, *, progress: Progress) -> Path:
    """Measure the cells that a run still lacks, in their planned order. Of a finished run, none is measured again.

    Args:
        run_directory: the run's folder.
        inventory: the lab as it stands; it must be the one that the run began on.
        secrets: the lab's secrets.
        progress: is told of each step.

    Returns:
        The run's folder.

    Raises:
        RunError: the folder is no run, its raw files were changed, the lab or its host isn't as it was, or another run
            holds the host.
        DocumentError: a document of the run isn't valid.
        HostError: the host can't be reached or failed.
    """
    with open_bench(inventory, secrets) as bench:
        return resume(bench, run_directory, inventory, secrets, git_commit=git_commit(), progress=progress)


def git_commit() -> str:
    """The project's commit, with ``-dirty`` behind it where the tree has changes; ``unknown`` without git's help."""
    try:
        commit = _git("rev-parse", "HEAD")
        return f"{commit}-dirty" if _git("status", "--porcelain") else commit
    except (OSError, subprocess.CalledProcessError):
        return UNKNOWN_COMMIT


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=_PROJECT, check=True, capture_output=True, text=True).stdout.strip()
