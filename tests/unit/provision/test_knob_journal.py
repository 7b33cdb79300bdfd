"""The journal of changed settings, whatever a crash or a bad disk made of it."""

import json
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.payload.kernel import (
    Lease,
    SettingChange,
    SettingsJournal,
    boot_id,
    is_same,
    put_back,
    read_value,
    target_of,
)
from tests.unit.damage import examples


def change(path: Path, old: str = "60", new: str = "1") -> SettingChange:
    return SettingChange(boot=boot_id(), path=str(path), kind="text", old=old, new=new)


def line_of(one: SettingChange) -> bytes:
    return json.dumps(asdict(one)).encode()


def test_changes_come_back_in_their_order(tmp_path: Path):
    journal, changes = SettingsJournal(str(tmp_path)), [change(tmp_path / str(number)) for number in range(3)]
    for one in changes:
        journal.append(one)
    assert journal.read() == (changes, False)
    journal.remove()
    assert journal.read() == ([], False)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("cut", [1, 5, 60])
def test_a_torn_last_line_is_of_a_change_that_was_never_made(tmp_path: Path, cut: int):
    journal, first = SettingsJournal(str(tmp_path)), change(tmp_path / "first")
    journal.append(first)
    journal.append(change(tmp_path / "second"))
    path = Path(journal.path)
    path.write_bytes(path.read_bytes()[:-cut])
    assert journal.read() == ([first], False)
    third = change(tmp_path / "third")
    journal.append(third)
    found, _ = journal.read()
    assert found[0] == first
    assert found[-1] == third


def test_what_was_changed_twice_goes_back_to_what_it_was_at_first(tmp_path: Path):
    setting = tmp_path / "setting"
    setting.write_text("1\n")
    journal = SettingsJournal(str(tmp_path))
    journal.append(change(setting, old="60", new="10"))
    journal.append(change(setting, old="10", new="1"))
    put_back(str(tmp_path), str(tmp_path))
    assert setting.read_text() == "60\n"


@given(before=st.binary(max_size=80), between=st.binary(max_size=80), after=st.binary(max_size=80))
@examples(150)
def test_whatever_else_is_in_the_journal_its_whole_lines_are_put_back(before: bytes, between: bytes, after: bytes):
    with TemporaryDirectory() as folder:
        first, second = Path(folder, "first"), Path(folder, "second")
        for path in (first, second):
            path.write_text("1\n")
        state = Path(folder, "state")
        state.mkdir()
        lines = [before, line_of(change(first)), between, line_of(change(second, old="32768 60999")), after]
        Path(SettingsJournal(str(state)).path).write_bytes(b"\n".join(lines))
        answer = put_back(str(state), folder)
        assert (first.read_text(), second.read_text()) == ("60\n", "32768 60999\n")
        assert answer["failed"] == []
        assert not (state / "journal.jsonl").exists()
        assert (state / "journal.jsonl.damaged").exists() == answer["damaged"]


@given(garbage=st.binary(max_size=200))
@examples(150)
def test_a_lease_of_garbage_has_lapsed(garbage: bytes):
    with TemporaryDirectory() as folder:
        lease = Lease(folder)
        assert lease.remaining_seconds() is None
        Path(lease.path).write_bytes(garbage)
        remaining = lease.remaining_seconds()
        assert remaining is not None
        assert remaining < 0


def test_a_lease_holds_for_its_seconds_and_in_its_boot(tmp_path: Path):
    lease = Lease(str(tmp_path))
    Path(lease.path).write_text(lease.text(100))
    remaining = lease.remaining_seconds()
    assert remaining is not None
    assert 90 < remaining <= 100
    Path(lease.path).write_text(lease.text(100).replace(boot_id(), "another"))
    assert lease.remaining_seconds() == -1


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("60\n", "text", "60"),
        ("32768\t60999\n", "text", "32768 60999"),
        ("always [madvise] never\n", "choice", "madvise"),
        ("madvise\n", "choice", "madvise"),
        ("\n", "text", None),
    ],
)
def test_values_are_read(tmp_path: Path, text: str, kind: str, value: str | None):
    path = tmp_path / "setting"
    path.write_text(text)
    assert read_value(str(path), kind) == value
    assert read_value(str(tmp_path / "absent"), kind) is None


@pytest.mark.parametrize(
    ("now", "target"),
    [("0-3", "2,3"), ("0", "2,3"), ("3", "3"), ("2-3", "2-3"), ("1,3", "3"), ("garbage", "2,3")],
)
def test_an_interrupt_is_kept_off_the_cpus_of_the_api(now: str, target: str):
    setting = {"kind": "interrupt", "wanted": "0-1"}
    assert target_of(setting, now, {0, 1, 2, 3}) == target


def test_an_interrupt_stays_where_there_is_no_other_cpu():
    assert target_of({"kind": "interrupt", "wanted": "0"}, "0", {0}) == "0"


def test_a_cpu_list_is_the_same_however_it_is_written():
    assert is_same("interrupt", "0-2,5", "5,0,1,2")
    assert not is_same("interrupt", "0-2", "0-3")
    assert not is_same("text", "0-2", "0,1,2")
    assert not is_same("interrupt", "0-2", None)
