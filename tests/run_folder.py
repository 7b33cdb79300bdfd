"""What a run left in its folder."""

from pathlib import Path

from documents.run.records import CellRecord, JournalEntry
from experiment.record.writer import RunJournal


def read_attempts(folder: Path) -> list[CellRecord]:
    """The records of a run's finished attempts, cell by cell in the plan's order, and first attempts first."""
    paths = sorted(folder.glob("cells/*/cell.json"))
    return [CellRecord.from_json(path.read_bytes(), name=str(path)) for path in paths]


def read_journal(folder: Path) -> list[JournalEntry]:
    """What a run's journal says."""
    return RunJournal(folder / "journal.jsonl").entries()
