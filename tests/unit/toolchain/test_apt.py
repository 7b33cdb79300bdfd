import os
import subprocess
import sys
import threading
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


def test_machine_without_apt_gets_a_list_of_what_it_needs(step: Step, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ToolchainError, match=r"no apt-get, so the lab can't install one, two"):
        apt.install(step, ["one", "two"], start_services=False)


def test_user_who_may_not_install_gets_the_command_for_an_administrator(tmp_path: Path):
    program = (
        "import os; from toolchain.console import as_root\n"
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


def write_command(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose commands come first, and whose `calls` has what was called; nothing of the machine changes."""
    write_command(tmp_path, "apt-get", f'echo "apt-get $*" >>{tmp_path}/calls')
    write_command(tmp_path, "dpkg", f'[ "$1" = --audit ] || echo "dpkg $*" >>{tmp_path}/calls')
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(apt, "_POLICY", tmp_path / "policy-rc.d")
    monkeypatch.setattr(apt, "_LOCK_PAUSE_SECONDS", 0.01)
    return tmp_path


def test_machine_on_which_nothing_was_interrupted_is_left_alone(machine: Path):
    assert not apt.is_interrupted()
    (machine / "policy-rc.d").write_text("#!/bin/sh\n# an administrator's own\nexit 101\n")
    assert not apt.is_interrupted()


def test_killed_installation_is_finished_and_services_may_start_again(step: Step, machine: Path):
    with apt._no_service_starts(step, []):  # pyright: ignore[reportPrivateUsage]
        left = (machine / "policy-rc.d").read_text()
    (machine / "policy-rc.d").write_text(left)
    assert apt.is_interrupted()
    apt.finish_interrupted(step)
    assert (machine / "calls").read_text() == "dpkg --configure -a\n"
    assert not (machine / "policy-rc.d").exists()
    assert not apt.is_interrupted()


def test_packages_that_are_not_configured_are_an_interrupted_installation(machine: Path):
    write_command(machine, "dpkg", "echo The following packages are only half configured")
    assert apt.is_interrupted()


@pytest.mark.parametrize(
    "said",
    [
        "E: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), is another process using it?",
        "E: Unable to lock directory /var/lib/apt/lists/",
        "and the entire system. See <https://wiki.debian.org/Teams/Dpkg/FAQ#db-lock>.",
    ],
)
def test_another_installation_is_waited_for(step: Step, machine: Path, said: str):
    write_command(
        machine,
        "apt-get",
        f'echo "apt-get $*" >>{machine}/calls; [ -e {machine}/free ] || {{ echo "{said}"; exit 100; }}',
    )
    timer = threading.Timer(0.5, (machine / "free").touch)
    timer.start()
    apt.install(step, ["wrk"], start_services=False)
    calls = (machine / "calls").read_text().splitlines()
    assert calls.count("apt-get -q -y update") > 1
    assert calls[-1] == "apt-get -q -y install --no-install-recommends wrk"


def test_installation_that_fails_otherwise_is_not_repeated(step: Step, machine: Path):
    write_command(machine, "apt-get", f'echo "apt-get $*" >>{machine}/calls; echo "E: no space left"; exit 100')
    with pytest.raises(ToolchainError, match="no space left"):
        apt.install(step, ["wrk"], start_services=False)
    assert (machine / "calls").read_text().count("\n") == 1
