"""Writing a run's folder, ``runs/<id>/``: made whole with its first documents, and only added to from then on."""

import shutil
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from analysis.raw.run import OPEN_LOOP_PLAN
from documents.errors import RunError
from documents.files import replace_file, sync_folder
from documents.run import Cell, HostRecord, Manifest, OpenLoopPlan, Plan, attempt_id
from experiment.clock import SYSTEM_CLOCK, Clock
from experiment.record.journal import Journal


def new_run_id(protocol_name: str, started_at: datetime) -> str:
    """The id of a run, which sorts by time: ``20260131-120000-quick``, in UTC."""
    return f"{started_at:%Y%m%d-%H%M%S}-{protocol_name}"


class RunWriter:
    """Writes to the folder of one run; the entries of its journal have the times of `clock`."""

    def __init__(self, path: Path, clock: Clock = SYSTEM_CLOCK) -> None:
        self.path = path
        self.journal = Journal(path / "journal.jsonl", clock)

    @classmethod
    def create(
        cls, runs_directory: Path, manifest: Manifest, host: HostRecord, plan: Plan, clock: Clock = SYSTEM_CLOCK
    ) -> "RunWriter":
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
                replace_file(unfinished / name, document.to_json())
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

    def write_host(self, host: HostRecord) -> None:
        """Add what became known of the host."""
        replace_file(self.path / "host.json", host.to_json())

    def write_open_loop_plan(self, plan: OpenLoopPlan) -> None:
        """Lay down the open loop, before its first cell."""
        replace_file(self.path / OPEN_LOOP_PLAN, plan.to_json())

    def new_attempt_folder(self, cell: Cell, attempt: int) -> Path:
        """An empty folder for an attempt that isn't finished; what one that broke off left in it is removed."""
        folder = self.path / "cells" / attempt_id(cell.id, attempt)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder


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
