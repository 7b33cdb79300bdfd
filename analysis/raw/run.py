"""Read and check a run's folder, ``runs/<id>/``: its documents agree, and its raw files have their checksums.

Only this module reads cells and raw files; `experiment/record/` writes them.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain
from pathlib import Path

from analysis.raw.load_hosts import CLOCKS_NAME, LoadFiles, LoadHostFiles, load_host_file
from analysis.raw.recordings import WatchFiles
from documents.errors import AnalysisError
from documents.lab import ApiService, Inventory
from documents.report import ShortBlock, VoidAttempt, VoidCell
from documents.run import (
    Cell,
    CellRecord,
    HostRecord,
    LoadHostRecord,
    Manifest,
    OpenLoopCell,
    OpenLoopPlan,
    Plan,
    WindowResult,
    attempt_id,
    read_result,
    result_file,
)

OPEN_LOOP_PLAN = "open-loop-plan.json"

_RAW_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


@dataclass(frozen=True)
class CellFiles:
    """The raw files of one attempt at a cell, and the facts needed to read them.

    Attributes:
        result_json: the bytes of its `wrk.json` or `open-loop.json`.
        samples_csv: the bytes of its `samples.csv`.
        generator_cpus: how many CPUs the load generator may run on.
        folder: the attempt's folder with a final slash, for messages.
        watched: the watch's files; None if there are none.
        load_files: the files of load hosts; None if the load came from the lab's own host.
        attempt: the attempt's number.
    """

    result_json: bytes
    samples_csv: bytes
    generator_cpus: int
    folder: str
    watched: WatchFiles | None = None
    load_files: LoadFiles | None = None
    attempt: int = 1


def files_of_cell(
    read: Callable[[str], bytes],
    cell: Cell,
    inventory: Inventory,
    load_hosts: Sequence[LoadHostRecord],
    *,
    watched: bool,
    folder: str,
    attempt: int = 1,
) -> CellFiles:
    """The raw files of one attempt at a cell, each read by its name.

    Args:
        read: returns the bytes of a file; raises if there is none.
        cell: the cell.
        inventory: the run's lab.
        load_hosts: those of the run's host record.
        watched: whether the watch left its files.
        folder: the attempt's folder with a final slash, for messages.
        attempt: the attempt's number.
    """
    result_name, cores = result_file(cell), inventory.cores_of(inventory.api(cell.api))
    files = CellFiles(
        result_json=read(result_name),
        samples_csv=read("samples.csv"),
        generator_cpus=len(cores.generator),
        folder=folder,
        attempt=attempt,
    )
    if watched:
        watch = WatchFiles(watch_json=read("watch.json"), ticks_jsonl=read("ticks.jsonl"), cores=cores)
        files = replace(files, watched=watch)
    if inventory.load_hosts:
        of_load_hosts = LoadFiles(
            clocks_json=read(CLOCKS_NAME),
            hosts=tuple(
                LoadHostFiles(
                    result_json=read(load_host_file(number, result_name)),
                    samples_csv=read(load_host_file(number, "samples.csv")),
                    ticks_jsonl=read(load_host_file(number, "ticks.jsonl")),
                    cpus=host.generator,
                )
                for number, host in enumerate(inventory.load_hosts, start=1)
            ),
            records=tuple(load_hosts),
        )
        files = replace(files, load_files=of_load_hosts)
    return files


@dataclass(frozen=True)
class Run:
    """One run, finished or not.

    `attempts` has the finished attempts at each planned cell in order, by the cell's id. `open_loop_plan` is None if
    the protocol has no open loop, or its rates aren't known yet.
    """

    directory: Path
    manifest: Manifest
    host: HostRecord
    plan: Plan
    open_loop_plan: OpenLoopPlan | None
    attempts: Mapping[str, tuple[CellRecord, ...]]
    _verified: set[Path] = field(default_factory=set[Path], repr=False, compare=False)
    """Raw files whose checksum this process has verified; later states of the run share the set."""

    @cached_property
    def records(self) -> dict[str, CellRecord]:
        """The attempt that counts for each finished cell: the valid one, or the last if no further one is allowed."""
        cells = (*self.plan.cells, *self._open_loop_cells)
        return {cell.id: self.attempts[cell.id][-1] for cell in cells if self.next_attempt(cell) is None}

    @property
    def closed_cells(self) -> tuple[Cell, ...]:
        """The cells of the closed loop that are due, in order.

        They are those of the plan, without the blocks that the run's budget left out. These aren't measured later,
        because somebody who has seen the results would then decide whether to continue, and because the rates of the
        open loop follow from the earlier blocks.
        """
        over = self.host.after is not None or self.open_loop_plan is not None
        if self.manifest.budget_seconds is None or not over:
            return self.plan.cells
        last = max((cell.block for cell in self.plan.cells if cell.id in self.records), default=0)
        return tuple(cell for cell in self.plan.cells if cell.block <= last)

    @property
    def cells(self) -> tuple[Cell, ...]:
        """All due cells that are planned so far, those of the open loop last."""
        return (*self.closed_cells, *self._open_loop_cells)

    @property
    def lacks_open_loop_plan(self) -> bool:
        """Whether the run will have an open loop whose rates aren't known yet."""
        return self.manifest.protocol.open_loop is not None and self.open_loop_plan is None

    @property
    def is_finished(self) -> bool:
        """Whether every cell is finished, and the host's identity was read afterwards."""
        if self.host.after is None or self.lacks_open_loop_plan:
            return False
        return all(cell.id in self.records for cell in self.cells)

    @property
    def subjects(self) -> tuple[ApiService, ...]:
        """The APIs and variants that the run measures, in the order of its inventory."""
        planned = {cell.api for cell in self.plan.cells}
        return tuple(api for api in self.manifest.inventory.apis if api.name in planned)

    def next_attempt(self, cell: Cell) -> int | None:
        """The number of the next attempt at a cell, from 1; None if it needs none."""
        made = self.attempts[cell.id]
        if len(made) >= self.manifest.protocol.attempts or any(record.valid for record in made):
            return None
        return len(made) + 1

    def with_attempt(self, record: CellRecord) -> "Run":
        """The run with one more finished attempt."""
        made = (*self.attempts[record.cell_id], record)
        return replace(self, attempts={**self.attempts, record.cell_id: made})

    def with_open_loop(self, plan: OpenLoopPlan) -> "Run":
        """The run with its open loop planned."""
        return replace(self, open_loop_plan=plan, attempts={**{cell.id: () for cell in plan.cells}, **self.attempts})

    def void_attempts(self) -> tuple[VoidAttempt, ...]:
        """Every void attempt, in the order of the plan."""
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
            for cell in self.cells
            for record in self.attempts[cell.id]
            if not record.valid
        )

    def void_cells(self) -> tuple[VoidCell, ...]:
        """The cells without a valid attempt and with none left, in the order of the plan."""
        return tuple(
            VoidCell(
                cell_id=cell.id,
                attempts=len(self.attempts[cell.id]),
                block=cell.block,
                api=cell.api,
                scenario=cell.scenario.name,
                rate=_rate(cell),
                voids=self.records[cell.id].voids,
            )
            for cell in self.cells
            if self._is_void(cell)
        )

    def short_blocks(self) -> tuple[ShortBlock, ...]:
        """The blocks with a void cell, in order; those of the open loop last."""
        return (*self._short(self.closed_cells, open_loop=False), *self._short(self._open_loop_cells, open_loop=True))

    def raw_file(self, record: CellRecord, file_name: str) -> bytes:
        """The bytes of one raw file of an attempt at a cell, verified by its checksum.

        Raises:
            AnalysisError: the attempt has no such file, or its checksum differs.
        """
        if file_name not in record.files:
            raise AnalysisError(
                f"{self.name_of(record, 'cell.json')} lists no {file_name}, which a cell that counts must have. "
                "Measure the cell again."
            )
        path = self.directory / "cells" / record.attempt_id / file_name
        data = _read(path)
        if path not in self._verified and hashlib.sha256(data).hexdigest() != record.files[file_name]:
            raise AnalysisError(
                f"{self.name_of(record, file_name)} isn't the file that was measured: its SHA-256 differs from the "
                "one in cell.json. Restore it, or remove the cell's folder and measure the cell again with "
                "`lab run --resume`."
            )
        self._verified.add(path)
        return data

    def result(self, cell: Cell, record: CellRecord) -> WindowResult:
        """The result of an attempt at a cell.

        Raises:
            AnalysisError: the attempt has none, or its checksum differs.
            DocumentError: it is invalid.
        """
        name = result_file(cell)
        return read_result(self.raw_file(record, name), name=self.name_of(record, name))

    def verify(self) -> None:
        """Verify each raw file of each finished attempt that this process hasn't read yet.

        Raises:
            AnalysisError: one is missing, or its checksum differs.
        """
        for record in chain.from_iterable(self.attempts.values()):
            for file_name in record.files:
                if self.directory / "cells" / record.attempt_id / file_name not in self._verified:
                    self.raw_file(record, file_name)

    def cell_files(self, cell: Cell, record: CellRecord) -> CellFiles:
        """The raw files of an attempt at a cell; raises what `raw_file` raises."""
        return files_of_cell(
            lambda name: self.raw_file(record, name),
            cell,
            self.manifest.inventory,
            self.host.load_hosts,
            watched=not record.files.keys().isdisjoint({"watch.json", "ticks.jsonl"}),
            folder=self.name_of(record, ""),
            attempt=record.attempt,
        )

    def name_of(self, record: CellRecord, file_name: str) -> str:
        """The path of an attempt's file inside the run's folder, for messages."""
        return f"cells/{record.attempt_id}/{file_name}"

    @property
    def _open_loop_cells(self) -> tuple[OpenLoopCell, ...]:
        return self.open_loop_plan.cells if self.open_loop_plan else ()

    def _is_void(self, cell: Cell) -> bool:
        return cell.id in self.records and not self.records[cell.id].valid

    def _short(self, cells: Iterable[Cell], *, open_loop: bool) -> Iterable[ShortBlock]:
        lacking: defaultdict[int, list[str]] = defaultdict(list)
        for cell in filter(self._is_void, cells):
            lacking[cell.block].append(cell.id)
        for block, names in sorted(lacking.items()):
            yield ShortBlock(block=block, open_loop=open_loop, lacking=tuple(names))


def read_run(directory: Path) -> Run:
    """Read a run's documents; a raw file is verified when it is read, and all others by `Run.verify`.

    Raises:
        AnalysisError: a document is missing, or two of them contradict each other.
        DocumentError: a document is invalid.
    """
    manifest = Manifest.from_json(_read(directory / "manifest.json"), name="manifest.json")
    host = HostRecord.from_json(_read(directory / "host.json"), name="host.json")
    plan = Plan.from_json(_read(directory / "plan.json"), name="plan.json")
    _check_plan(plan, manifest)
    if len(host.load_hosts) != len(manifest.inventory.load_hosts):
        raise AnalysisError(
            f"host.json has {len(host.load_hosts)} load hosts, and manifest.json of "
            f"{len(manifest.inventory.load_hosts)}. The two files are of different runs; restore the right one."
        )
    open_loop_plan = _read_open_loop_plan(directory, plan, manifest)
    planned = (*plan.cells, *(open_loop_plan.cells if open_loop_plan else ()))
    attempts = {cell.id: _read_attempts(directory, cell, manifest.protocol.attempts) for cell in planned}
    _refuse_unplanned_cells(directory, planned, manifest.protocol.attempts)
    return Run(directory, manifest, host, plan, open_loop_plan, attempts)


def _check_plan(plan: Plan, manifest: Manifest) -> None:
    apis = {api.name for api in manifest.inventory.apis}
    scenarios = {scenario.name: scenario for scenario in manifest.protocol.scenarios}
    _refuse_equal_ids(plan.cells, "plan.json")
    for cell in plan.cells:
        if cell.api not in apis or scenarios.get(cell.scenario.name) != cell.scenario:
            raise AnalysisError(
                f"plan.json has the cell {cell.id}, but manifest.json has no such API and scenario. The two files are "
                "of different runs; restore the right one."
            )


def _refuse_equal_ids(cells: Sequence[Cell], name: str) -> None:
    if len({cell.id for cell in cells}) < len(cells):
        raise AnalysisError(f"{name} has two cells of one id. The plan was damaged; start a new run.")


def _read_open_loop_plan(directory: Path, plan: Plan, manifest: Manifest) -> OpenLoopPlan | None:
    path = directory / OPEN_LOOP_PLAN
    if not path.exists():
        return None
    open_loop_plan = OpenLoopPlan.from_json(_read(path), name=path.name)
    asked = manifest.protocol.open_loop
    if asked is None:
        raise AnalysisError(
            f"There is a {path.name}, but the protocol in manifest.json has no open loop. The two files are of "
            "different runs; restore the right one."
        )
    scenario = manifest.protocol.window_of(asked)
    apis = {cell.api for cell in plan.cells}
    rates = {rate.rate for rate in open_loop_plan.rates}
    _refuse_equal_ids(open_loop_plan.cells, path.name)
    for cell in open_loop_plan.cells:
        if cell.api not in apis or cell.rate not in rates or cell.scenario != scenario:
            raise AnalysisError(
                f"{path.name} has the cell {cell.id}, but the run has no such API, rate and scenario. Its files are of "
                "different runs; restore the right ones."
            )
    return open_loop_plan


def _read_attempts(directory: Path, cell: Cell, allowed: int) -> tuple[CellRecord, ...]:
    """The finished attempts at a cell in order.

    Raises:
        AnalysisError: an earlier attempt is missing, or there is one after a valid attempt.
    """
    found = [record for number in range(1, allowed + 1) if (record := _read_record(directory, cell, number))]
    for place, record in enumerate(found, start=1):
        name = f"cells/{record.attempt_id}"
        if record.attempt != place:
            raise AnalysisError(
                f"{name} was measured after an attempt that isn't there: {attempt_id(cell.id, record.attempt - 1)}. "
                "No file is ignored: restore that folder, or remove the later attempts too to have the cell "
                "measured again with `lab run --resume`."
            )
        if place > 1 and found[place - 2].valid:
            raise AnalysisError(
                f"{name} was measured although {found[place - 2].attempt_id} is valid, and only void cells are run "
                "again. Move the folder away, or restore the one before it."
            )
    return tuple(found)


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
            raise AnalysisError(f"{name} lists a file named {file_name[:80]!r}, which isn't the name of a raw file.")
    return record


def _refuse_unplanned_cells(directory: Path, planned: Sequence[Cell], allowed: int) -> None:
    names = {attempt_id(cell.id, number) for cell in planned for number in range(1, allowed + 1)}
    for path in sorted(directory.glob("cells/*/cell.json")):
        if path.parent.name not in names:
            raise AnalysisError(
                f"cells/{path.parent.name} was measured but isn't in plan.json or {OPEN_LOOP_PLAN}, or is an "
                "attempt more than the protocol allows. No file is ignored: restore the plans of this run, "
                "or move the folder away."
            )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise AnalysisError(
            f"{path} can't be read: {error.strerror}. "
            "Name the folder of a run, such as runs/<id>, and check that it is complete."
        ) from error


def _rate(cell: Cell) -> int | None:
    return cell.rate if isinstance(cell, OpenLoopCell) else None
