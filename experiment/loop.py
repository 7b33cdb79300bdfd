"""The loop over the cells of a run: begin, go on after a break, and leave the host as it was found.

A cell is finished when its `cell.json` is there, which is written last and in one step. So whatever ends the loop, at
any moment, costs at most the cell under way.
"""

import logging
import secrets as random_secrets
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

from documents.errors import RunError
from documents.inventory import Inventory, Secrets
from documents.plan import Cell
from documents.protocol import Protocol, Workload
from documents.run import CellRecord, HostIdentity, HostRecord, Manifest
from experiment.bench import Bench
from experiment.cell import Conditions, measure_cell
from experiment.events import CellFinished, CellStarted, Event, RunFinished, RunStarted
from experiment.holding import host_held
from experiment.open_loop import cells_in_turn, count_cells
from experiment.plan import make_plan
from experiment.run_folder import RunFolder, new_run_id
from experiment.workloads.requests import RequestFile, build_requests

_logger = logging.getLogger(__name__)

Progress = Callable[[Event], None]


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
    git_commit: str,
    progress: Progress,
) -> Path:
    """Plan a new run and measure all of its cells; see `experiment.run.start_run`."""
    measured = _choose(inventory, apis)
    requests = _build_all(protocol)
    started_at = datetime.now(UTC)
    run_id = new_run_id(protocol.name, started_at)
    seed = random_secrets.randbelow(2**32) if order_seed is None else order_seed
    plan = make_plan(protocol, measured, seed)
    with host_held(bench, f"run {run_id}"):
        manifest = Manifest(
            run_id=run_id,
            started_at=started_at,
            git_commit=git_commit,
            protocol=protocol,
            protocol_file=protocol_file,
            inventory=inventory,
            order_seed=seed,
            requests_sha256={file.workload: file.sha256 for file in requests},
            tool_versions=bench.read_tool_versions(),
        )
        host = HostRecord(before=bench.read_identity())
        folder = RunFolder.create(runs_directory, manifest, host, plan)
        folder.journal.append("run-started")
        _measure_all(bench, folder, _conditions(manifest, inventory, secrets, requests), requests, progress)
    return folder.path


def resume(
    bench: Bench,
    run_directory: Path,
    inventory: Inventory,
    secrets: Secrets,
    *,
    git_commit: str,
    progress: Progress,
) -> Path:
    """Measure the cells that a run still lacks; see `experiment.run.resume_run`."""
    folder = RunFolder.open(run_directory)
    manifest = folder.read_manifest()
    requests = _build_all(manifest.protocol)
    _require_same_lab(manifest, inventory, requests)
    if folder.is_finished():
        records = _read_records(folder)
        progress(_started(folder, records))
        progress(_finished(folder, records))
        return folder.path
    with host_held(bench, f"run {manifest.run_id}"):
        _require_same_host(manifest, folder.read_host().before, bench)
        folder.journal.append("run-resumed", message=f"by the commit {git_commit}")
        _measure_all(bench, folder, _conditions(manifest, inventory, secrets, requests), requests, progress)
    return folder.path


def _choose(inventory: Inventory, apis: Collection[str]) -> list[str]:
    """The names of the APIs to measure, in the lab's order; all where none is named."""
    known = [api.name for api in inventory.apis]
    if unknown := sorted(set(apis) - set(known)):
        raise RunError(f"The lab {inventory.stack} has no API {', '.join(unknown)}; it has {', '.join(known)}.")
    return [name for name in known if name in apis] if apis else known


def _conditions(
    manifest: Manifest, inventory: Inventory, secrets: Secrets, requests: Iterable[RequestFile]
) -> Conditions:
    return Conditions(
        inventory=inventory,
        secrets=secrets,
        protocol=manifest.protocol,
        token_users={file.workload: file.users for file in requests},
        wrk_version=manifest.tool_versions["wrk"],
    )


def _measure_all(
    bench: Bench, folder: RunFolder, conditions: Conditions, requests: Sequence[RequestFile], progress: Progress
) -> None:
    records = _read_records(folder)
    progress(_started(folder, records))
    told = {entry.cell_id for entry in folder.journal.entries() if entry.event in {"cell-finished", "cell-void"}}
    for record in records.values():
        if record.cell_id not in told:
            _tell(folder, record)
    cells = cells_in_turn(folder)
    waiting = (cell for cell in cells if cell.id not in records)
    first = next(waiting, None)
    if first is not None:
        bench.install(requests)
        if conditions.protocol.open_loop is not None:
            # Before all else: it takes a minute to build, and what is wrong with it is told before hours of cells.
            bench.install_open_loop()
        bench.stop_apis()
        for cell in chain([first], waiting):
            records[cell.id] = _measure(bench, folder, cell, conditions, progress)
    folder.write_host(folder.read_host().model_copy(update={"after": bench.read_identity()}))
    folder.journal.append("run-finished")
    progress(_finished(folder, records))


def _read_records(folder: RunFolder) -> dict[str, CellRecord]:
    """The records of the finished cells, by the cells' ids."""
    return {cell.id: record for cell in folder.planned_cells() if (record := folder.read_cell(cell))}


def _started(folder: RunFolder, records: Mapping[str, CellRecord]) -> RunStarted:
    return RunStarted(
        run_id=folder.path.name,
        directory=str(folder.path),
        cells=count_cells(folder),
        finished=len(records),
    )


def _finished(folder: RunFolder, records: Mapping[str, CellRecord]) -> RunFinished:
    return RunFinished(
        run_id=folder.path.name,
        directory=str(folder.path),
        cells=len(records),
        void_cells=sum(not record.valid for record in records.values()),
    )


def _measure(bench: Bench, folder: RunFolder, cell: Cell, conditions: Conditions, progress: Progress) -> CellRecord:
    expected_seconds = conditions.protocol.warm_up_seconds + cell.scenario.duration_seconds
    progress(CellStarted(cell=cell, expected_seconds=expected_seconds))
    folder.journal.append("cell-started", cell_id=cell.id)
    record, measured = measure_cell(bench, cell, conditions, folder.new_cell_folder(cell), progress)
    _tell(folder, record)
    progress(CellFinished(cell=cell, record=record, throughput=measured.throughput))
    return record


def _tell(folder: RunFolder, record: CellRecord) -> None:
    if record.valid:
        folder.journal.append("cell-finished", cell_id=record.cell_id)
    else:
        message = " ".join(f"{void.reason}: {void.message}" for void in record.voids)
        folder.journal.append("cell-void", cell_id=record.cell_id, message=message)


def _build_all(protocol: Protocol) -> list[RequestFile]:
    workloads: set[Workload] = {scenario.workload for scenario in protocol.scenarios}
    return [build_requests(workload, protocol.request_seed) for workload in sorted(workloads)]


def _require_same_lab(manifest: Manifest, inventory: Inventory, requests: Iterable[RequestFile]) -> None:
    """Cells of one run are compared with each other: they must be measured under one and the same conditions.

    How the host is reached may have changed; whether it is the same is asked of itself.
    """
    then, now = (document.model_dump(exclude={"host"}) for document in (manifest.inventory, inventory))
    changed = sorted(name for name in then if then[name] != now[name])
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


def _require_same_host(manifest: Manifest, before: HostIdentity, bench: Bench) -> None:
    then, now = before.model_dump(), bench.read_identity().model_dump()
    changed = [f"{name} was {then[name]} and is {now[name]}" for name in then if then[name] != now[name]]
    versions = bench.read_tool_versions()
    for tool in sorted(manifest.tool_versions | versions):
        if manifest.tool_versions.get(tool) != versions.get(tool):
            changed.append(f"{tool} was {manifest.tool_versions.get(tool)} and is {versions.get(tool)}")
    if changed:
        raise RunError(
            f"The run {manifest.run_id} can't go on: the host isn't as it was: {'; '.join(changed)}. Start a new run."
        )
