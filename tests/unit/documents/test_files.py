"""A file that is replaced is whole at every moment, and its owner's alone where that is asked for."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from documents.files import remove_lines, replace_file, replacing


def test_a_file_is_written_and_replaced(tmp_path: Path):
    path = tmp_path / "host.json"
    replace_file(path, "é")
    assert path.read_bytes() == "é".encode()
    replace_file(path, b"after")
    assert path.read_bytes() == b"after"
    assert [*tmp_path.iterdir()] == [path]


def test_a_file_has_its_mode_from_the_first_byte_less_the_umask(tmp_path: Path):
    before = os.umask(0o027)
    try:
        with replacing(tmp_path / "key", mode=0o600):
            assert (tmp_path / ".key.partial").stat().st_mode & 0o777 == 0o600
        replace_file(tmp_path / "page", "")
        replace_file(tmp_path / "tool", "", mode=0o777)
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert modes == {"key": 0o600, "page": 0o640, "tool": 0o750}


def test_a_full_disk_is_an_error_that_names_the_file_and_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "host.json"
    path.write_text("before")

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left on device") as failure:
        replace_file(path, "after")
    assert (failure.value.errno, failure.value.filename) == (errno.ENOSPC, str(path))
    assert path.read_text() == "before"
    assert [*tmp_path.iterdir()] == [path]


def test_a_killed_writer_leaves_what_was_there_and_the_next_one_goes_on(tmp_path: Path):
    path = tmp_path / "host.json"
    path.write_text("before")
    program = (
        "import sys, time; from pathlib import Path; from documents.files import replacing\n"
        "with replacing(Path(sys.argv[1])) as file:\n"
        "    file.write(b'half'); file.flush(); print('begun', flush=True); time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program, path], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "begun\n"
        process.send_signal(signal.SIGKILL)
    assert path.read_text() == "before"
    replace_file(path, "after")
    assert path.read_text() == "after"
    assert [*tmp_path.iterdir()] == [path]


def test_lines_are_removed_by_their_beginning_and_a_file_without_others_with_them(tmp_path: Path):
    path = tmp_path / "Pulumi.local.yaml"
    remove_lines(path, "encryptionsalt:")
    path.write_text("encryptionsalt: v1:x\nconfig:\n  a: b\n")
    remove_lines(path, "encryptionsalt:")
    assert path.read_text() == "config:\n  a: b\n"
    path.write_text("encryptionsalt: v1:x\n\n")
    remove_lines(path, "encryptionsalt:")
    assert not path.exists()
