import os
import subprocess
import sys
from pathlib import Path

import pytest

from documents.errors import ToolchainError
from toolchain import apt
from toolchain.console import Step


def test_package_is_missing_where_what_it_provides_is(tmp_path: Path):
    there = apt.Package("there", "sh", "")
    gone = apt.Package("gone", "no-such-command", "")
    file_there = apt.Package("file", str(tmp_path), "")
    file_gone = apt.Package("no-file", str(tmp_path / "none"), "")
    assert apt.missing([there, gone, file_there, file_gone]) == (gone, file_gone)


def test_command_in_a_system_folder_is_found_by_a_user_without_it_on_the_path(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", "/nowhere")
    assert apt.Package("coreutils", "ls", "").found() is not None


def test_machine_without_apt_is_told_what_it_needs(step: Step, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ToolchainError, match=r"no apt-get, so the lab can't install one, two"):
        apt.install(step, ["one", "two"], start_services=False)


def test_user_who_may_not_install_is_told_the_command_for_an_administrator(tmp_path: Path):
    program = (
        "import os; from toolchain.privilege import as_root\n"
        "if os.geteuid() == 0: os.seteuid(65534)\n"
        "try: as_root(['apt-get', 'install', 'docker.io'], purpose='install docker.io')\n"
        "except Exception as error: print(error)\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert answer.stdout.startswith("This user may not install docker.io: it is neither root nor allowed to use sudo.")
    assert answer.stdout.rstrip().endswith("apt-get install docker.io")
