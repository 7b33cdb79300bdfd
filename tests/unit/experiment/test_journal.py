import errno
from pathlib import Path

import pytest

from documents.errors import DocumentError
from experiment.record.writer import RunJournal


@pytest.fixture
def journal(tmp_path: Path) -> RunJournal:
    return RunJournal(tmp_path / "journal.jsonl")


def events(journal: RunJournal) -> list[tuple[str, str | None]]:
    return [(entry.event, entry.cell_id) for entry in journal.entries()]


def test_entries_are_read_as_they_were_written(journal: RunJournal):
    journal.append("run-started")
    journal.append("cell-void", cell_id="001-go-light", message='a "quoted"\nmessage in {braces}')
    assert events(journal) == [("run-started", None), ("cell-void", "001-go-light")]
    assert journal.entries()[1].message == 'a "quoted"\nmessage in {braces}'


@pytest.mark.parametrize("kept", [1, 12, 40, -2, -1])
def test_a_torn_last_line_is_left_out_and_what_follows_is_read(tmp_path: Path, journal: RunJournal, kept: int):
    journal.append("run-started")
    first = (tmp_path / "journal.jsonl").stat().st_size
    journal.append("cell-void", cell_id="001-go-light", message="{}")
    data = (tmp_path / "journal.jsonl").read_bytes()
    (tmp_path / "journal.jsonl").write_bytes(data[: first + kept] if kept > 0 else data[:kept])
    whole = [("cell-void", "001-go-light")] if kept == -1 else []
    assert events(journal) == [("run-started", None), *whole]
    journal.append("run-resumed")
    assert events(journal) == [("run-started", None), *whole, ("run-resumed", None)]


def test_a_line_that_is_json_but_not_an_entry_is_reported_by_its_number(tmp_path: Path, journal: RunJournal):
    journal.append("run-started")
    with (tmp_path / "journal.jsonl").open("a") as file:
        file.write('{"at":"2026-01-31T12:00:00Z","event":"cell-lost"}\n')
    with pytest.raises(DocumentError, match=r"journal\.jsonl:2"):
        journal.entries()


def test_entry_that_finds_the_disk_full_is_an_error_that_names_the_journal():
    with pytest.raises(OSError, match="No space left on device") as failure:
        RunJournal(Path("/dev/full")).append("run-started")
    assert (failure.value.errno, failure.value.filename) == (errno.ENOSPC, "/dev/full")
