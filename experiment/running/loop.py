"""The loop over the cells of a run: begin, go on after a break, and leave the host as it was found."""

import logging
import secrets as random_secrets
import subprocess
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

from analysis.cells import cells_without, next_attempt, standing
from documents.errors import RunError
from documents.lab import ApiService, Inventory, Secrets
from documents.run import (
    UNKNOWN_COMMIT,
    Cell,
    CellRecord,
    HostRecord,
    KnobRecord,
    LoadHostRecord,
    Manifest,
    OpenLoopResult,
    Plan,
    Protocol,
    Workload,
    WrkResult,
)
from experiment.bench import Bench, Measured, open_bench, require_identical
from experiment.clock import SYSTEM_CLOCK, Clock
from experiment.planning import (
    BudgetClock,
    count_cells,
    fit,
    make_plan,
    open_loop_cells,
    open_loop_seconds,
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
from experiment.record import RunFolder, in_use, new_run_id
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


_logger = logging.getLogger(__name__)

Progress = Callable[[Event], None]

Planner = Callable[[Protocol, Sequence[str], int], Plan]
"""Makes the plan of a run from its protocol, the names of its APIs and the seed of its order."""

_BEGINNING_SECONDS = 300
"""How long it may take from the tuning of the host to the first cell: the request files are laid ready meanwhile."""

_Attempts = Mapping[str, Sequence[CellRecord]]
"""The finished attempts at each planned cell, by the cell's id."""


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
        folder = RunFolder.create(runs_directory, manifest, host, plan, clock)
        folder.journal.append("run-started")
        conditions = _conditions(manifest, host, inventory, secrets, requests, clock=clock)
        with in_use(folder.path):
            _measure_all(bench, folder, conditions, requests, progress)
        return folder.path

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
    folder = RunFolder.open(run_directory, clock)
    manifest = folder.read_manifest()
    requests = _build_all(manifest.protocol)
    _require_same_lab(manifest, inventory, requests)
    inventory = with_subjects(inventory, manifest.inventory.apis)
    if folder.is_finished():
        attempts = folder.read_attempts(manifest.protocol.attempts)
        progress(_started(folder, attempts, manifest.protocol))
        progress(_finished(folder, attempts, manifest.protocol))
        return folder.path

    def measure() -> Path:
        host = folder.read_host()
        _require_same_host(manifest, host, bench)
        folder.journal.append("run-resumed", message=f"by the commit {git_commit}")
        conditions = _conditions(manifest, host, inventory, secrets, requests, clock=clock)
        with in_use(folder.path):
            _measure_all(bench, folder, conditions, requests, progress)
        return folder.path

    return hold_host(bench, f"run {manifest.run_id}", measure)


def _subjects(folder: RunFolder, inventory: Inventory) -> list[ApiService]:
    """What a run measures, where a variant is among it; else nothing."""
    planned = {cell.api for cell in folder.read_plan().cells}
    subjects = [api for api in inventory.apis if api.name in planned]
    return subjects if any(api.varied is not None for api in subjects) else []


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


def _measure_all(
    bench: Bench, folder: RunFolder, conditions: Conditions, requests: Sequence[RequestFile], progress: Progress
) -> None:
    allowed = conditions.protocol.attempts
    attempts = folder.read_attempts(allowed)
    progress(_started(folder, attempts, conditions.protocol))
    _tell_untold(folder, attempts)
    waiting = folder.lacks_open_loop_plan() or any(
        next_attempt(attempts[cell.id], allowed) is not None for cell in folder.due_cells()
    )
    if waiting:
        # What goes before the first cell is part of the time that a budget gives.
        budget = _budget(folder, attempts, conditions.clock)
        if conditions.protocol.open_loop is not None:
            # Before all else: it takes a minute to build, and what is wrong with it is told before hours of cells. The
            # host isn't tuned yet, for a slow build would outlast the lease.
            bench.install_open_loop()
        if varied := _subjects(folder, conditions.inventory):
            bench.make_variants(varied)
        tuned = bench.tune(seconds=_BEGINNING_SECONDS)
        record = folder.read_host()
        folder.write_host(record.model_copy(update={"knobs": merge(record.knobs, tuned)}))
        bench.install(requests)
        bench.stop_apis()
        for cell in _cells_in_turn(folder, attempts, budget, progress):
            while (number := next_attempt(attempts[cell.id], allowed)) is not None:
                attempts[cell.id] += (_measure(bench, folder, cell, conditions, progress, number=number),)
    _look_afterwards(bench, folder, tuned=waiting)
    folder.journal.append("run-finished")
    progress(_finished(folder, attempts, conditions.protocol))


def _cells_in_turn(
    folder: RunFolder, attempts: dict[str, tuple[CellRecord, ...]], budget: BudgetClock, progress: Progress
) -> Iterator[Cell]:
    """The cells at which an attempt is to be made, in the order in which they are measured.

    The open loop is planned when the closed one is over: when all of its cells are finished, or its budget is spent. So
    a cell must be measured before the next one is asked for. Its cells are added to the attempts.
    """
    allowed = folder.read_manifest().protocol.attempts
    for cell in folder.closed_cells():
        if next_attempt(attempts[cell.id], allowed) is None:
            continue
        if budget.forbids(cell):
            folder.journal.append("budget-spent", message=f"before block {cell.block}")
            progress(BudgetSpent(before_block=cell.block))
            break
        yield cell
    unplanned = folder.lacks_open_loop_plan()
    cells = open_loop_cells(folder)
    if unplanned:
        progress(OpenLoopPlanned(cells=cells))
    for cell in cells:
        if next_attempt(attempts.setdefault(cell.id, ()), allowed) is not None:
            yield cell


def _look_afterwards(bench: Bench, folder: RunFolder, *, tuned: bool) -> None:
    """Record what the knobs were to the last, put them back, and record what the host is then."""
    record = folder.read_host()
    held = bench.read_knobs() if tuned else record.knobs
    bench.untune()
    changes: dict[str, object] = {
        "after": bench.read_identity(),
        "load_hosts": tuple(
            load_host.model_copy(update={"after": look})
            for load_host, look in zip(record.load_hosts, bench.look_at_load_hosts(), strict=True)
        ),
    }
    if record.knobs:
        changes["knobs"] = with_after(record.knobs, held, bench.read_knobs())
    folder.write_host(record.model_copy(update=changes))


def _budget(folder: RunFolder, attempts: _Attempts, clock: Clock) -> BudgetClock:
    manifest, cells = folder.read_manifest(), folder.read_plan().cells
    seconds: dict[int, float] = {}
    for cell in cells:
        for record in attempts[cell.id]:
            seconds[cell.block] = seconds.get(cell.block, 0.0) + sum(record.phases_seconds.values())
    if manifest.budget_seconds is None:
        return BudgetClock(None, seconds, clock)
    kept_seconds = open_loop_seconds(manifest.protocol, len({cell.api for cell in cells}))
    return BudgetClock(manifest.budget_seconds - kept_seconds, seconds, clock)


def _tell_untold(folder: RunFolder, attempts: _Attempts) -> None:
    """Tell the journal of attempts that were finished in the moment in which the run broke off."""
    told = {
        (entry.cell_id, entry.attempt or 1)
        for entry in folder.journal.entries()
        if entry.event in {"cell-finished", "cell-void"}
    }
    for record in chain.from_iterable(attempts.values()):
        if (record.cell_id, record.attempt) not in told:
            _tell(folder, record)


def _started(folder: RunFolder, attempts: _Attempts, protocol: Protocol) -> RunStarted:
    cells, planned = count_cells(folder), folder.due_cells()
    return RunStarted(
        run_id=folder.path.name,
        directory=str(folder.path),
        cells=cells,
        finished=sum(standing(made, protocol.attempts) is not None for made in attempts.values()),
        attempts=protocol.attempts,
        protocol=protocol,
        planned=planned,
        unplanned=cells - len(planned),
        made=attempts_made(folder, attempts),
        budget_seconds=folder.read_manifest().budget_seconds,
    )


def _finished(folder: RunFolder, attempts: _Attempts, protocol: Protocol) -> RunFinished:
    open_loop = folder.read_open_loop_plan()
    short = cells_without(folder.read_plan().cells, attempts, protocol.attempts)
    short_open_loop = cells_without(open_loop.cells if open_loop else (), attempts, protocol.attempts)
    return RunFinished(
        run_id=folder.path.name,
        directory=str(folder.path),
        cells=len(folder.due_cells()),
        void_cells=sum(map(len, chain(short.values(), short_open_loop.values()))),
        void_attempts=sum(not record.valid for record in chain.from_iterable(attempts.values())),
        short_blocks=tuple(short),
        short_open_loop_blocks=tuple(short_open_loop),
    )


def _measure(
    bench: Bench, folder: RunFolder, cell: Cell, conditions: Conditions, progress: Progress, *, number: int
) -> CellRecord:
    expected_seconds = conditions.protocol.warm_up_seconds + cell.scenario.duration_seconds
    progress(CellStarted(cell=cell, attempt=number, expected_seconds=expected_seconds))
    bench.renew(seconds=expected_seconds + READY_SECONDS)
    folder.journal.append("cell-started", cell_id=cell.id, attempt=number)
    own_folder = folder.new_attempt_folder(cell, number)
    record, measured = measure_cell(bench, cell, conditions, own_folder, progress, attempt_number=number)
    _tell(folder, record)
    progress(CellFinished(cell=cell, record=record, throughput=measured.throughput))
    return record


def _tell(folder: RunFolder, record: CellRecord) -> None:
    if record.valid:
        folder.journal.append("cell-finished", cell_id=record.cell_id, attempt=record.attempt)
    else:
        message = " ".join(f"{void.reason}: {void.message}" for void in record.voids)
        folder.journal.append("cell-void", cell_id=record.cell_id, attempt=record.attempt, message=message)


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
