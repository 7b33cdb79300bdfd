"""A run's folder, ``runs/<id>/``: made whole with its first documents, and only added to from then on."""

import shutil
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from analysis.cells import in_order, standing, without_last_blocks
from documents.errors import RunError
from documents.run import Cell, CellRecord, HostRecord, Manifest, OpenLoopPlan, Plan, attempt_id
from experiment.clock import SYSTEM_CLOCK, Clock
from experiment.record.journal import Journal
from experiment.record.storage import raw_files, sha256_of, sync_folder, write_whole

_OPEN_LOOP_PLAN = "open-loop-plan.json"


def new_run_id(protocol_name: str, started_at: datetime) -> str:
    """The id of a run, which sorts by time: ``20260131-120000-quick``, in UTC."""
    return f"{started_at:%Y%m%d-%H%M%S}-{protocol_name}"


class RunFolder:
    """The folder of one run; the entries of its journal have the times of `clock`."""

    def __init__(self, path: Path, clock: Clock = SYSTEM_CLOCK) -> None:
        self.path = path
        self.journal = Journal(path / "journal.jsonl", clock)

    @classmethod
    def create(
        cls, runs_directory: Path, manifest: Manifest, host: HostRecord, plan: Plan, clock: Clock = SYSTEM_CLOCK
    ) -> "RunFolder":
        """Create the folder of a new run; it appears with its documents or not at all.

        If another run has the manifest's id, this one gets the first free id of `ID-2`, `ID-3` and so on.

        Raises:
            RunError: the folder can't be written.
        """
        path = runs_directory / manifest.run_id
        unfinished: Path | None = None
        try:
            path, unfinished = _claim(path)
            manifest = manifest.model_copy(update={"run_id": path.name})
            (unfinished / "cells").mkdir()
            for name, document in (("manifest.json", manifest), ("host.json", host), ("plan.json", plan)):
                write_whole(unfinished / name, document.to_json())
            (unfinished / "journal.jsonl").touch()
            sync_folder(unfinished)
            unfinished.rename(path)
            sync_folder(runs_directory)
        except OSError as error:
            if unfinished is not None:
                shutil.rmtree(unfinished, ignore_errors=True)
            raise RunError(
                f"The run's folder {path} can't be made: {error}. See that its disk has room and is yours to write to, "
                "then run again."
            ) from error
        return cls(path, clock)

    @classmethod
    def open(cls, path: Path, clock: Clock = SYSTEM_CLOCK) -> "RunFolder":
        """Open the folder of a run.

        Raises:
            RunError: it isn't one.
        """
        if not (path / "manifest.json").is_file():
            raise RunError(
                f"{path} is no run: it has no manifest.json. Name a folder such as runs/20260131-120000-quick."
            )
        return cls(path, clock)

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

    def closed_cells(self) -> tuple[Cell, ...]:
        """The cells of the closed loop that the run is to have, in their order.

        They are those of its plan, unless its budget ended them before the last blocks. These aren't measured later:
        whether to go on would then be decided by who has seen the results, and the rates of the open loop follow from
        the blocks before.
        """
        plan, manifest = self.read_plan(), self.read_manifest()
        goes_on = self.read_host().after is None and self.read_open_loop_plan() is None
        if manifest.budget_seconds is None or goes_on:
            return plan.cells
        allowed = manifest.protocol.attempts
        made = self.read_attempts(allowed)
        return without_last_blocks(plan, {name for name, attempts in made.items() if standing(attempts, allowed)})

    def due_cells(self) -> tuple[Cell, ...]:
        """The cells that the run is to have as far as they are planned by now, those of the open loop last."""
        open_loop = self.read_open_loop_plan()
        return (*self.closed_cells(), *(open_loop.cells if open_loop else ()))

    def lacks_open_loop_plan(self) -> bool:
        """Whether the run is to have an open loop whose rates aren't known yet."""
        return self.read_manifest().protocol.open_loop is not None and self.read_open_loop_plan() is None

    def is_finished(self) -> bool:
        """Whether the run has come to its end: every cell is finished, and the host was looked at afterwards.

        A cell is finished where an attempt at it is valid, or all that the protocol allows were made.
        """
        if self.read_host().after is None or self.lacks_open_loop_plan():
            return False
        allowed = self.read_manifest().protocol.attempts
        attempts = self.read_attempts(allowed)
        return all(standing(attempts[cell.id], allowed) for cell in self.due_cells())

    def read_raw(self, record: CellRecord, name: str) -> bytes:
        """A raw file of an attempt whose record says that it has it."""
        return self._read(f"cells/{record.attempt_id}/{name}")

    def new_attempt_folder(self, cell: Cell, attempt: int) -> Path:
        """An empty folder for an attempt that isn't finished; what one that broke off left in it is removed."""
        folder = self._attempt_folder(cell, attempt)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    def read_attempts(self, allowed: int) -> dict[str, tuple[CellRecord, ...]]:
        """The records of the finished attempts at each planned cell, by the cell's id, their raw files checked.

        Args:
            allowed: how many attempts the run's protocol allows a cell.

        Raises:
            RunError: a raw file is missing or isn't the one that was pulled.
            DocumentError: a record isn't valid.
            AnalysisError: the attempts at a cell aren't such as a run makes them.
        """
        return {cell.id: self._read_attempts(cell, allowed) for cell in self.planned_cells()}

    def _read_attempts(self, cell: Cell, allowed: int) -> tuple[CellRecord, ...]:
        numbers = range(1, allowed + 1)
        return in_order(
            cell.id, {number: record for number in numbers if (record := self._read_attempt(cell, number)) is not None}
        )

    def _read_attempt(self, cell: Cell, attempt: int) -> CellRecord | None:
        folder = self._attempt_folder(cell, attempt)
        try:
            text = (folder / "cell.json").read_bytes()
        except FileNotFoundError:
            return None
        record = CellRecord.from_json(text, name=str(folder / "cell.json"))
        found = {name: sha256_of(folder / name) for name in raw_files(folder)}
        if found != record.files:
            names = found.keys() | record.files.keys()
            changed = sorted(name for name in names if found.get(name) != record.files.get(name))
            raise RunError(
                f"Raw files of a finished cell were changed since: {', '.join(changed)} in {folder}. Restore them, or "
                "remove the cell's folder to have it measured again."
            )
        return record

    def _attempt_folder(self, cell: Cell, attempt: int) -> Path:
        return self.path / "cells" / attempt_id(cell.id, attempt)

    def _read(self, name: str) -> bytes:
        try:
            return (self.path / name).read_bytes()
        except OSError as error:
            raise RunError(f"{self.path / name} can't be read: {error}.") from error


def _claim(wanted: Path) -> tuple[Path, Path]:
    """The first free path of a run, and the folder to create it in, whose atomic `mkdir` keeps every other process out.

    Raises:
        OSError: the folder can't be created.
    """
    wanted.parent.mkdir(parents=True, exist_ok=True)
    path, number = wanted, 1
    while True:
        unfinished = path.with_name(f".{path.name}.unfinished")
        with suppress(FileExistsError):
            unfinished.mkdir()
            if not path.exists():
                return path, unfinished
            unfinished.rmdir()
        number += 1
        path = wanted.with_name(f"{wanted.name}-{number}")
