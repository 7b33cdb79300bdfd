import os
import re
import signal
import subprocess
import sys
import time
import venv
from contextlib import suppress
from pathlib import Path

import pytest

from documents.errors import ToolchainError
from toolchain import python_environment
from toolchain.console import Step
from toolchain.layout import Layout


def _stanza(lock: str, package: str) -> str:
    match = re.search(rf"^{package}==.*(?:\n .*)*\n", lock, re.MULTILINE)
    assert match
    return match[0]


@pytest.fixture
def checkout(tmp_path: Path, installed: Layout) -> Layout:
    """A checkout whose lock has two small packages, and uv."""
    layout = Layout(root=tmp_path / "a checkout", cache=tmp_path / "cache")
    layout.root.mkdir()
    lock = (installed.root / "requirements.lock").read_text()
    wanted = "".join(_stanza(lock, package) for package in ("annotated-types", "shellingham", "uv"))
    (layout.root / "requirements.lock").write_text(wanted)
    return layout


def make(step: Step, layout: Layout) -> None:
    """Make the environment with its packages."""
    python_environment.create(step, layout)
    python_environment.fill(step, layout)


def _has(layout: Layout, module: str) -> bool:
    return subprocess.run([layout.python, "-c", f"import {module}"], capture_output=True, check=False).returncode == 0


@pytest.mark.nightly
def test_environment_is_what_the_lock_says_and_follows_it(step: Step, checkout: Layout):
    assert not python_environment.complete(checkout)
    make(step, checkout)
    assert python_environment.complete(checkout)
    assert _has(checkout, "annotated_types")
    assert (checkout.environment / "bin" / "lab").is_file()

    lock = checkout.root / "requirements.lock"
    lock.write_text(lock.read_text().replace(_stanza(lock.read_text(), "annotated-types"), ""))
    assert not python_environment.complete(checkout)
    make(step, checkout)
    assert python_environment.complete(checkout)
    assert not _has(checkout, "annotated_types")


def test_lab_runs_from_its_checkout_in_any_folder(tmp_path: Path):
    layout = Layout(root=tmp_path / "a checkout", cache=tmp_path / "cache")
    (layout.root / "cli").mkdir(parents=True)
    program = "import sys\n\ndef main():\n    print(__file__, *sys.argv[1:])\n    return 3\n"
    (layout.root / "cli/main.py").write_text(program)
    venv.create(layout.environment)
    python_environment.link(layout)
    (tmp_path / "cli").mkdir()
    done = subprocess.run(
        [layout.environment / "bin/lab", "run", "a file"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (3, f"{layout.root}/cli/main.py run a file\n"), done.stderr


def kill_with_its_children(process: "subprocess.Popen[bytes]") -> None:
    """As when the machine goes down: pip, which has a process group of its own, goes as well.

    It is stopped first: a pip that it starts while its children are read would live on, and install beside the next.
    """
    process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    process.kill()
    process.wait()
    for child in children:
        with suppress(ProcessLookupError):
            os.killpg(int(child), signal.SIGKILL)


@pytest.mark.nightly
def test_killed_installation_is_not_complete_and_is_made_again(step: Step, checkout: Layout):
    program = (
        "import sys; from pathlib import Path; from toolchain import python_environment\n"
        "from toolchain.console import Step; from toolchain.layout import Layout\n"
        "root = Path(sys.argv[1])\n"
        "step, layout = Step('A', root / 'log'), Layout(root=root, cache=root / 'cache')\n"
        "python_environment.create(step, layout)\n"
        "python_environment.fill(step, layout)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program, checkout.root], start_new_session=True)
    uv = checkout.environment / "bin/uv"
    deadline = time.monotonic() + 60
    while not uv.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    kill_with_its_children(process)
    assert not python_environment.complete(checkout)
    make(step, checkout)
    assert python_environment.complete(checkout)
    assert _has(checkout, "annotated_types")


@pytest.mark.parametrize(
    ("package", "refuses"), [("uv", "python"), pytest.param("shellingham", "uv", marks=pytest.mark.nightly)]
)
def test_package_of_another_content_than_the_lock_says_is_refused(
    step: Step, checkout: Layout, package: str, refuses: str
):
    lock = checkout.root / "requirements.lock"
    stanza = _stanza(lock.read_text(), package)
    lock.write_text(lock.read_text().replace(stanza, re.sub(r"sha256:[0-9a-f]{64}", f"sha256:{'0' * 64}", stanza)))
    with pytest.raises(ToolchainError, match=f"A step: {refuses} failed"):
        make(step, checkout)
    assert not python_environment.complete(checkout)
