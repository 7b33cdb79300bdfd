"""A run's folder, ``runs/<id>/``: made whole with its first documents, and only added to from then on."""

import shutil
from datetime import datetime
from pathlib import Path

from documents.errors import RunError
from documents.open_loop import OpenLoopPlan
from documents.plan import Cell, Plan
from documents.run import CellRecord, HostRecord, Manifest
from experiment.cell import RAW_FILES
from experiment.journal import Journal
from experiment.storage import sha256_of, sync_folder, write_whole

_OPEN_LOOP_PLAN = "open-loop-plan.json"


def new_run_id(protocol_name: str, started_at: datetime) -> str:
    """The id of a run, which sorts by time: ``20260131-120000-quick``, in UTC."""
    return f"{started_at:%Y%m%d-%H%M%S}-{protocol_name}"


class RunFolder:
    """The folder of one run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.journal = Journal(path / "journal.jsonl")

    @classmethod
    def create(cls, runs_directory: Path, manifest: Manifest, host: HostRecord, plan: Plan) -> "RunFolder":
        """Make the folder of a new run; it appears with its documents or not at all.

        Raises:
            RunError: there is a run of that name, or the folder can't be written.
        """
        path = runs_directory / manifest.run_id
        unfinished = runs_directory / f".{manifest.run_id}.unfinished"
        try:
            (unfinished / "cells").mkdir(parents=True)
            for name, document in (("manifest.json", manifest), ("host.json", host), ("plan.json", plan)):
                write_whole(unfinished / name, document.to_json())
            (unfinished / "journal.jsonl").touch()
            sync_folder(unfinished)
            unfinished.rename(path)
            sync_folder(runs_directory)
        except OSError as error:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise RunError(
                f"The run's folder {path} can't be made: {error}. See that its disk has room and is yours to write to, "
                "then run again."
            ) from error
        return cls(path)

    @classmethod
    def open(cls, path: Path) -> "RunFolder":
        """Open the folder of a run.

        Raises:
            RunError: it isn't one.
        """
        if not (path / "manifest.json").is_file():
            raise RunError(
                f"{path} is no run: it has no manifest.json. Name a folder such as runs/20260131-120000-quick."
            )
        return cls(path)

    def read_manifest(self) -> Manifest:
        """What the run is."""
        return Manifest.from_json(self._read("manifest.json"), name=str(self.path / "manifest.json"))

    def read_plan(self) -> Plan:
        """The run's cells in their order."""
        return Plan.from_json(self._read("plan.json"), name=str(self.path / "plan.json"))

    def read_open_loop_plan(self) -> OpenLoopPlan | None:
        """The rates of the open loop and its cells in their order; None where they aren't planned yet."""
        if not (self.path / _OPEN_LOOP_PLAN).exists():
            return None
        return OpenLoopPlan.from_json(self._read(_OPEN_LOOP_PLAN), name=str(self.path / _OPEN_LOOP_PLAN))

    def write_open_loop_plan(self, plan: OpenLoopPlan) -> None:
        """Lay down the open loop, before its first cell."""
        write_whole(self.path / _OPEN_LOOP_PLAN, plan.to_json())

    def planned_cells(self) -> tuple[Cell, ...]:
        """All cells that are planned by now, those of the open loop last."""
        open_loop = self.read_open_loop_plan()
        return (*self.read_plan().cells, *(open_loop.cells if open_loop else ()))

    def read_host(self) -> HostRecord:
        """The host's identity before the run, and after it if the run is finished."""
        return HostRecord.from_json(self._read("host.json"), name=str(self.path / "host.json"))

    def write_host(self, host: HostRecord) -> None:
        """Add the host's identity after the run."""
        write_whole(self.path / "host.json", host.to_json())

    def is_finished(self) -> bool:
        """Whether the run has come to its end: every cell is finished, and the host was looked at afterwards."""
        if self.read_host().after is None:
            return False
        if self.read_manifest().protocol.open_loop is not None and self.read_open_loop_plan() is None:
            return False
        return all(map(self.read_cell, self.planned_cells()))

    def read_raw(self, record: CellRecord, name: str) -> bytes:
        """A raw file of a cell whose record says that it has it."""
        return self._read(f"cells/{record.cell_id}/{name}")

    def new_cell_folder(self, cell: Cell) -> Path:
        """An empty folder for a cell that isn't finished; what an attempt that broke off left in it is removed."""
        folder = self._cell_folder(cell)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    def read_cell(self, cell: Cell) -> CellRecord | None:
        """The record of a finished cell, its raw files checked; None for one that isn't finished.

        Raises:
            RunError: a raw file is missing or isn't the one that was pulled.
            DocumentError: the record isn't valid.
        """
        folder = self._cell_folder(cell)
        try:
            text = (folder / "cell.json").read_bytes()
        except FileNotFoundError:
            return None
        record = CellRecord.from_json(text, name=str(folder / "cell.json"))
        found = {name: sha256_of(folder / name) for name in RAW_FILES if (folder / name).exists()}
        if found != record.files:
            changed = sorted(name for name in RAW_FILES if found.get(name) != record.files.get(name))
            raise RunError(
                f"Raw files of a finished cell were changed since: {', '.join(changed)} in {folder}. Restore them, or "
                "remove the cell's folder to have it measured again."
            )
        return record

    def _cell_folder(self, cell: Cell) -> Path:
        return self.path / "cells" / cell.id

    def _read(self, name: str) -> bytes:
        try:
            return (self.path / name).read_bytes()
        except OSError as error:
            raise RunError(f"{self.path / name} can't be read: {error}.") from error
