import signal
import subprocess
import sys
from pathlib import Path

import pytest

from toolchain.layout import fingerprint, lock, make_folder_whole, place


def test_folder_is_made_once(tmp_path: Path):
    calls: list[Path] = []

    def fill(partial: Path) -> None:
        calls.append(partial)
        (partial / "tool").write_text("whole")

    folder = make_folder_whole(tmp_path / "tool-1", fill)
    make_folder_whole(tmp_path / "tool-1", fill)
    assert len(calls) == 1
    assert (folder / "tool").read_text() == "whole"


def test_folder_whose_filling_failed_is_not_there_and_can_be_made_again(tmp_path: Path):
    def fail(partial: Path) -> None:
        (partial / "tool").write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        make_folder_whole(tmp_path / "tool-1", fail)
    assert list(tmp_path.iterdir()) == []
    make_folder_whole(tmp_path / "tool-1", lambda partial: (partial / "other").touch())
    assert [path.name for path in (tmp_path / "tool-1").iterdir()] == ["other"]


def test_folder_whose_filling_was_killed_is_made_from_the_start(tmp_path: Path):
    program = (
        "import sys, time; from pathlib import Path; from toolchain.layout import lock, make_folder_whole\n"
        "def fill(partial):\n"
        "    (partial / 'half').touch(); print('begun', flush=True); time.sleep(60)\n"
        "make_folder_whole(Path(sys.argv[1]), fill)\n"
    )
    folder = tmp_path / "tool-1"
    with subprocess.Popen([sys.executable, "-c", program, folder], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "begun\n"
        process.send_signal(signal.SIGKILL)
    assert not folder.exists()
    make_folder_whole(folder, lambda partial: (partial / "whole").touch())
    assert [path.name for path in folder.iterdir()] == ["whole"]
    assert list(tmp_path.iterdir()) == [folder]


def test_placed_file_replaces_another_and_stays_executable(tmp_path: Path):
    source, target = tmp_path / "cache" / "tool", tmp_path / "bin" / "tool"
    source.parent.mkdir()
    source.write_text("new")
    source.chmod(0o755)
    target.parent.mkdir()
    target.write_text("old")
    for _ in range(2):
        place(source, target)
        assert target.read_text() == "new"
        assert target.stat().st_mode & 0o111
        assert [path.name for path in target.parent.iterdir()] == ["tool"]


def test_fingerprint_depends_on_the_ends_of_its_parts():
    assert fingerprint(["ab", "c"]) != fingerprint(["a", "bc"])
    assert fingerprint(["ab", "c"]) == fingerprint(["ab", "c"])


def test_lock_makes_a_second_process_wait_and_say_so(tmp_path: Path):
    program = (
        "import sys; from pathlib import Path; from toolchain.layout import lock, make_folder_whole\n"
        "with lock(Path(sys.argv[1]), lambda: print('waiting', flush=True)): print('held', flush=True)\n"
    )
    with lock(tmp_path, lambda: pytest.fail("nobody else holds the lock")):
        process = subprocess.Popen([sys.executable, "-c", program, tmp_path], stdout=subprocess.PIPE, text=True)
        assert process.stdout
        assert process.stdout.readline() == "waiting\n"
        assert process.poll() is None
    assert process.communicate(timeout=10)[0] == "held\n"
