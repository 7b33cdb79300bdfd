"""A run's folder, read and checked: its documents agree, and its raw files are those that were measured."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from analysis.cells.cells import WatchFiles
from analysis.raw import CLOCKS_NAME, LoadFiles, LoadHostFiles, load_host_file
from documents.errors import AnalysisError
from documents.lab import ApiService, CoreLayout
from documents.report import ShortBlock, VoidAttempt, VoidCell
from documents.run import Cell, CellRecord, HostRecord, Manifest, OpenLoopCell, OpenLoopPlan, Plan, attempt_id


def standing(made: Sequence[CellRecord], allowed: int) -> CellRecord | None:
    """The attempt that stands for a cell: the valid one, or where all were void, the last.

    Args:
        made: the finished attempts at one cell, in their order.
        allowed: how many attempts the protocol allows.

    Returns:
        The attempt's record; None where another attempt is to be made.
    """
    if next_attempt(made, allowed) is not None:
        return None
    return made[-1]


def next_attempt(made: Sequence[CellRecord], allowed: int) -> int | None:
    """The number of the attempt that is to be made next, counted from 1; None where none is."""
    if len(made) >= allowed or any(record.valid for record in made):
        return None
    return len(made) + 1


def in_order(cell_id: str, found: Mapping[int, CellRecord]) -> tuple[CellRecord, ...]:
    """The attempts at a cell in their order.

    Args:
        cell_id: the cell.
        found: the records of its finished attempts, by the number that their folder's name gives them.

    Raises:
        AnalysisError: an attempt is missing before one that was made, or one was made though the cell counted already.
    """
    for number in sorted(found):
        if number == 1:
            continue
        before, name = found.get(number - 1), attempt_id(cell_id, number)
        if before is None:
            raise AnalysisError(
                f"cells/{name} was measured after an attempt that isn't there: {attempt_id(cell_id, number - 1)}. "
                "Nothing is dropped in silence: restore that folder, or remove the later attempts too to have the cell "
                "measured anew with `lab run --resume`."
            )
        if before.valid:
            raise AnalysisError(
                f"cells/{name} was measured though {before.attempt_id} is valid, and a cell is run again only where it "
                "is void. Move the folder away, or restore the one before it."
            )
    return tuple(found[number] for number in sorted(found))


def cells_without(
    cells: Iterable[Cell], attempts: Mapping[str, Sequence[CellRecord]], allowed: int
) -> dict[int, tuple[Cell, ...]]:
    """The cells of which no attempt is valid and none is left to be made, by block: these blocks stay short.

    Args:
        cells: the planned cells, in their order.
        attempts: the finished attempts at each of them, by its id.
        allowed: how many attempts the protocol allows.
    """
    short: defaultdict[int, list[Cell]] = defaultdict(list)
    for cell in cells:
        record = standing(attempts[cell.id], allowed)
        if record is not None and not record.valid:
            short[cell.block].append(cell)
    return {block: tuple(lacking) for block, lacking in sorted(short.items())}


def without_last_blocks(plan: Plan, finished: Collection[str]) -> tuple[Cell, ...]:
    """The cells of a plan up to the last block of which any is finished.

    Args:
        plan: the run's plan.
        finished: the ids of its finished cells.
    """
    last = max((cell.block for cell in plan.cells if cell.id in finished), default=0)
    return tuple(cell for cell in plan.cells if cell.block <= last)


_RAW_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


@dataclass(frozen=True)
class RunFolder:
    """The documents of one run.

    `attempts` has the finished attempts at each planned cell, by the cell's id. `records` has of each finished cell the
    one that stands for it: the valid one, or the last where all that the protocol allows were void. Of a run that came
    to its end with its budget, or began its open loop, `plan` has the blocks that it measured: no others were due.
    `open_loop_plan` is None where the protocol has no open loop, or its rates aren't known yet.
    """

    directory: Path
    manifest: Manifest
    host: HostRecord
    plan: Plan
    attempts: dict[str, tuple[CellRecord, ...]]
    records: dict[str, CellRecord]
    open_loop_plan: OpenLoopPlan | None = None

    @property
    def cells(self) -> tuple[Cell, ...]:
        """All cells that are planned by now and due, those of the open loop last."""
        return (*self.plan.cells, *(self.open_loop_plan.cells if self.open_loop_plan else ()))

    @property
    def subjects(self) -> tuple[ApiService, ...]:
        """The APIs that the run is to measure, a variant of one by itself, in the order of its inventory."""
        planned = {cell.api for cell in self.plan.cells}
        return tuple(api for api in self.manifest.inventory.apis if api.name in planned)

    def cores_of(self, record: CellRecord) -> CoreLayout:
        """The core layout that a cell was measured with."""
        inventory = self.manifest.inventory
        [api] = {cell.api for cell in self.cells if cell.id == record.cell_id}
        return inventory.cores_of(inventory.api(api))

    def raw_file(self, record: CellRecord, file_name: str) -> bytes:
        """The bytes of one raw file of an attempt at a cell, verified against its checksum.

        Raises:
            AnalysisError: the attempt has no such file, or it isn't the one that was measured.
        """
        if file_name not in record.files:
            raise AnalysisError(
                f"{self.name_of(record, 'cell.json')} lists no {file_name}, which a cell that counts must have. "
                "Measure the cell again."
            )
        data = _read(self.directory / "cells" / record.attempt_id / file_name)
        if hashlib.sha256(data).hexdigest() != record.files[file_name]:
            raise AnalysisError(
                f"{self.name_of(record, file_name)} isn't the file that was measured: its SHA-256 differs from the "
                "one in cell.json. Restore it, or remove the cell's folder and measure the cell again with "
                "`lab run --resume`."
            )
        return data

    def watch_files(self, record: CellRecord) -> WatchFiles | None:
        """What the watch left of an attempt; None where the run is older than the watch and there is neither file.

        Raises:
            AnalysisError: as `raw_file`.
        """
        if record.files.keys().isdisjoint({"watch.json", "ticks.jsonl"}):
            return None
        return WatchFiles(
            watch_json=self.raw_file(record, "watch.json"),
            ticks_jsonl=self.raw_file(record, "ticks.jsonl"),
            cores=self.cores_of(record),
        )

    def load_files(self, record: CellRecord, result_name: str) -> LoadFiles | None:
        """What load hosts left of an attempt; None where the load came from the lab's own host.

        Args:
            record: the attempt's.
            result_name: of the file that its generator wrote.

        Raises:
            AnalysisError: as `raw_file`.
        """
        load_hosts = self.manifest.inventory.load_hosts
        if not load_hosts:
            return None
        return LoadFiles(
            clocks_json=self.raw_file(record, CLOCKS_NAME),
            hosts=tuple(
                LoadHostFiles(
                    result_json=self.raw_file(record, load_host_file(number, result_name)),
                    samples_csv=self.raw_file(record, load_host_file(number, "samples.csv")),
                    ticks_jsonl=self.raw_file(record, load_host_file(number, "ticks.jsonl")),
                    cpus=host.generator,
                )
                for number, host in enumerate(load_hosts, start=1)
            ),
            records=self.host.load_hosts,
        )

    def name_of(self, record: CellRecord, file_name: str) -> str:
        """The path of an attempt's file inside the run's folder, for messages."""
        return f"cells/{record.attempt_id}/{file_name}"


def read_run(directory: Path) -> RunFolder:
    """Read a run's documents and verify the checksum of every raw file of every finished attempt at a cell.

    Raises:
        AnalysisError: a file is missing or changed, or two documents contradict each other.
        DocumentError: a document isn't of its shape.
    """
    manifest = Manifest.from_json(_read(directory / "manifest.json"), name="manifest.json")
    host = HostRecord.from_json(_read(directory / "host.json"), name="host.json")
    plan = Plan.from_json(_read(directory / "plan.json"), name="plan.json")
    _check_plan(plan, manifest)
    if len(host.load_hosts) != len(manifest.inventory.load_hosts):
        raise AnalysisError(
            f"host.json tells of {len(host.load_hosts)} load hosts, and manifest.json of "
            f"{len(manifest.inventory.load_hosts)}. The two files are of different runs; restore the right one."
        )
    allowed = manifest.protocol.attempts
    open_loop_plan = _read_open_loop_plan(directory, plan, manifest)
    run = RunFolder(directory, manifest, host, plan, {}, {}, open_loop_plan)
    attempts = {cell.id: _read_attempts(directory, cell, allowed) for cell in run.cells}
    records = {name: record for name, made in attempts.items() if (record := standing(made, allowed)) is not None}
    run = replace(run, attempts=attempts, records=records)
    _refuse_unplanned_cells(run)
    if manifest.budget_seconds is not None and (host.after is not None or open_loop_plan is not None):
        run = replace(run, plan=plan.model_copy(update={"cells": without_last_blocks(plan, records)}))
    for record in chain.from_iterable(attempts.values()):
        for file_name in record.files:
            run.raw_file(record, file_name)
    return run


def _check_plan(plan: Plan, manifest: Manifest) -> None:
    apis = {api.name for api in manifest.inventory.apis}
    scenarios = {scenario.name: scenario for scenario in manifest.protocol.scenarios}
    if len({cell.id for cell in plan.cells}) < len(plan.cells):
        raise AnalysisError("plan.json has two cells of one id. The plan was damaged; start a new run.")
    for cell in plan.cells:
        if cell.api not in apis or scenarios.get(cell.scenario.name) != cell.scenario:
            raise AnalysisError(
                f"plan.json has the cell {cell.id}, but manifest.json has no such API and scenario. The two files are "
                "of different runs; restore the right one."
            )


def _read_open_loop_plan(directory: Path, plan: Plan, manifest: Manifest) -> OpenLoopPlan | None:
    path = directory / "open-loop-plan.json"
    if not path.exists():
        return None
    open_loop_plan = OpenLoopPlan.from_json(_read(path), name=path.name)
    asked = manifest.protocol.open_loop
    if asked is None:
        raise AnalysisError(
            f"There is a {path.name}, but the protocol in manifest.json has no open loop. The two files are of "
            "different runs; restore the right one."
        )
    scenario = manifest.protocol.scenario(asked.scenario).model_copy(update={"duration_seconds": asked.seconds})
    apis = {cell.api for cell in plan.cells}
    rates = {rate.rate for rate in open_loop_plan.rates}
    if len({cell.id for cell in open_loop_plan.cells}) < len(open_loop_plan.cells):
        raise AnalysisError(f"{path.name} has two cells of one id. The plan was damaged; start a new run.")
    for cell in open_loop_plan.cells:
        if cell.api not in apis or cell.rate not in rates or cell.scenario != scenario:
            raise AnalysisError(
                f"{path.name} has the cell {cell.id}, but the run has no such API, rate and scenario. Its files are of "
                "different runs; restore the right ones."
            )
    return open_loop_plan


def _read_attempts(directory: Path, cell: Cell, allowed: int) -> tuple[CellRecord, ...]:
    numbers = range(1, allowed + 1)
    return in_order(
        cell.id,
        {number: record for number in numbers if (record := _read_record(directory, cell, number)) is not None},
    )


def _read_record(directory: Path, cell: Cell, attempt: int) -> CellRecord | None:
    folder_name = attempt_id(cell.id, attempt)
    path = directory / "cells" / folder_name / "cell.json"
    if not path.exists():
        return None
    name = f"cells/{folder_name}/cell.json"
    record = CellRecord.from_json(_read(path), name=name)
    if (record.cell_id, record.attempt) != (cell.id, attempt):
        raise AnalysisError(
            f"{name} is the record of {record.attempt_id[:80]!r}: the folder was renamed or the file copied. Restore "
            "it, or remove the folder and measure the cell again with `lab run --resume`."
        )
    for file_name in record.files:
        if not _RAW_FILE_NAME.fullmatch(file_name):
            raise AnalysisError(f"{name} lists a file named {file_name[:80]!r}, which is no name of a raw file.")
    return record


def _refuse_unplanned_cells(run: RunFolder) -> None:
    numbers = range(1, run.manifest.protocol.attempts + 1)
    planned = {attempt_id(cell.id, number) for cell in run.cells for number in numbers}
    for path in sorted(run.directory.glob("cells/*/cell.json")):
        if path.parent.name not in planned:
            raise AnalysisError(
                f"cells/{path.parent.name} was measured but isn't in plan.json or open-loop-plan.json, or is an "
                "attempt more than the protocol allows. Nothing is dropped in silence: restore the plans of this run, "
                "or move the folder away."
            )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise AnalysisError(
            f"{path} can't be read: {error.strerror}. "
            "Name the folder of a run, such as runs/<id>, and check that it is whole."
        ) from error


def void_attempts(run: RunFolder) -> tuple[VoidAttempt, ...]:
    """Every finished attempt that doesn't count, in the order of the plan."""
    return tuple(
        VoidAttempt(
            cell_id=cell.id,
            attempt=record.attempt,
            block=cell.block,
            api=cell.api,
            scenario=cell.scenario.name,
            rate=_rate(cell),
            voids=record.voids,
        )
        for cell in run.cells
        for record in run.attempts[cell.id]
        if not record.valid
    )


def void_cells(run: RunFolder) -> tuple[VoidCell, ...]:
    """The cells of which no attempt counts and none is left, in the order of the plan."""
    return tuple(
        VoidCell(
            cell_id=cell.id,
            attempts=len(run.attempts[cell.id]),
            block=cell.block,
            api=cell.api,
            scenario=cell.scenario.name,
            rate=_rate(cell),
            voids=run.records[cell.id].voids,
        )
        for cell in run.cells
        if cell.id in run.records and not run.records[cell.id].valid
    )


def short_blocks(run: RunFolder) -> tuple[ShortBlock, ...]:
    """The blocks that lack a cell for good, in their order; those of the open loop last."""
    open_loop = () if run.open_loop_plan is None else run.open_loop_plan.cells
    return (*_short(run, run.plan.cells, open_loop=False), *_short(run, open_loop, open_loop=True))


def _short(run: RunFolder, cells: tuple[Cell, ...], *, open_loop: bool) -> Iterator[ShortBlock]:
    without = cells_without(cells, run.attempts, run.manifest.protocol.attempts)
    for block, lacking in without.items():
        yield ShortBlock(block=block, open_loop=open_loop, lacking=tuple(cell.id for cell in lacking))


def _rate(cell: Cell) -> int | None:
    return cell.rate if isinstance(cell, OpenLoopCell) else None
