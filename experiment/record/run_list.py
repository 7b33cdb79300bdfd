"""The runs of a checkout: list them, mark those to keep, and remove old ones.

Nothing here reads raw files or verifies their checksums; `lab report` does.
"""

import os
import shutil
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from analysis.raw import read_run
from analysis.report import grade_of
from documents.errors import AnalysisError, DocumentError, RunError
from documents.files import sync_folder
from documents.report import ListedRun, RunStanding, SparedRun
from experiment.record.writer import unless_in_use

KEPT = "kept"
"""The empty file in a run's folder that protects it from pruning."""

_CREATED_SECONDS = 3600
"""How old the folder of a run under creation must be to be one whose process was killed."""


def list_runs(runs_directory: Path) -> tuple[ListedRun, ...]:
    """All runs, the oldest first; what can't be read is listed as damaged.

    Raises:
        OSError: the folder can't be read.
    """
    if not runs_directory.is_dir():
        return ()
    folders = sorted(path for path in runs_directory.iterdir() if path.is_dir() and not path.name.startswith("."))
    return tuple(_look(folder) for folder in folders)


def keep(run_directory: Path, *, kept: bool) -> None:
    """Mark a run to keep, or remove the mark."""
    mark = run_directory / KEPT
    if kept:
        mark.touch()
    else:
        mark.unlink(missing_ok=True)
    sync_folder(run_directory)


@dataclass(frozen=True)
class Pruning:
    """Which runs to remove: those that began before a time and aren't among the newest. None is no bound.

    `unfinished` includes runs that `lab run --resume` could continue.
    """

    before: datetime | None = None
    keep_newest: int | None = None
    unfinished: bool = False


def choose(runs: Sequence[ListedRun], pruning: Pruning) -> tuple[tuple[ListedRun, ...], tuple[SparedRun, ...]]:
    """The runs to remove, and those within the bounds that are spared."""
    newest = {run.run_id for run in runs[-pruning.keep_newest :]} if pruning.keep_newest else set[str]()
    old = [
        run
        for run in runs
        if run.run_id not in newest
        and (pruning.before is None or (run.started_at is not None and run.started_at < pruning.before))
    ]
    why = {run.run_id: _why_spared(run, pruning) for run in old}
    spared = tuple(SparedRun(run_id=name, why=reason) for name, reason in why.items() if reason is not None)
    return tuple(run for run in old if why[run.run_id] is None), spared


def _why_spared(run: ListedRun, pruning: Pruning) -> str | None:
    if run.kept:
        return "kept"
    if run.standing == "running":
        return "it is being measured"
    if run.standing == "damaged":
        return f"it can't be read: {run.fault}"
    if run.standing == "unfinished" and not pruning.unfinished:
        return "unfinished, `lab run --resume` can continue it"
    return None


def remove_run(runs_directory: Path, run_id: str) -> None:
    """Remove a run. Its name disappears in one step, even if the removal of its files is interrupted.

    Raises:
        RunError: it is being measured, marked to keep, or a symbolic link; nothing is removed.
        OSError: it can't be removed.
    """
    folder, doomed = runs_directory / run_id, runs_directory / f".{run_id}.removed"
    if folder.is_symlink():
        raise RunError(f"{folder} is a symbolic link, so it wasn't removed. Remove it and its target by hand.")
    with unless_in_use(folder) as free:
        if not free:
            raise RunError(f"The run {run_id} is being measured, so it wasn't removed. Wait for its end, or end it.")
        if (folder / KEPT).exists():
            raise RunError(
                f"The run {run_id} is marked to keep, so it wasn't removed. `lab runs keep --undo` removes the mark."
            )
        folder.rename(doomed)
        sync_folder(runs_directory)
    shutil.rmtree(doomed)


def remove_remains(runs_directory: Path) -> None:
    """Remove what an interrupted removal, or the interrupted creation of a run, left.

    Raises:
        OSError: it can't be removed.
    """
    for path in runs_directory.glob(".?*.removed"):
        shutil.rmtree(path)
    for path in runs_directory.glob(".?*.unfinished"):
        # One that is being created has its name only for an instant.
        with suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > _CREATED_SECONDS:
                shutil.rmtree(path)


def _look(folder: Path) -> ListedRun:
    size, kept = _bytes_in(folder), (folder / KEPT).exists()
    try:
        run = read_run(folder)
        with unless_in_use(folder) as free:
            state: RunStanding = "running" if not free else "finished" if run.is_finished else "unfinished"
    except (OSError, DocumentError, AnalysisError) as error:
        return ListedRun(run_id=folder.name, standing="damaged", kept=kept, bytes=size, fault=str(error))
    done = [run.records[cell.id] for cell in run.cells if cell.id in run.records]
    valid = sum(record.valid for record in done)
    manifest = run.manifest
    return ListedRun(
        run_id=folder.name,
        standing=state,
        kept=kept,
        bytes=size,
        started_at=manifest.started_at,
        protocol=manifest.protocol.name,
        stack=manifest.inventory.stack,
        cells=len(run.cells),
        valid_cells=valid,
        void_cells=len(done) - valid,
        grade=grade_of(manifest.inventory, run.host.knobs, run.subjects),
        git_commit=manifest.git_commit,
    )


def _bytes_in(folder: Path) -> int:
    """The disk space of a folder's files, in bytes. Source: a block of st_blocks has 512 bytes, stat(3type)."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            # A run that is being measured replaces files and removes the folder of an interrupted attempt.
            with suppress(FileNotFoundError):
                total += os.lstat(Path(place, name)).st_blocks * 512
    return total
