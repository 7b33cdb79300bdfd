"""The search for what a run left on a host, on this machine."""

import shutil
import subprocess
from pathlib import Path

import pytest

from provision.load import open_loop
from tests.e2e import host_view
from tests.ssh.waiting import wait_until
from tests.unit.provision.local_host import LocalHost


def test_the_open_loop_s_generator_is_seen_although_its_name_is_a_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(open_loop, "FOLDER", str(tmp_path))
    monkeypatch.setattr(host_view, "RUN_HOME", str(tmp_path / "run"))
    program = tmp_path / ("5a" * 32)
    shutil.copy("/usr/bin/sleep", program)

    def is_left() -> bool:
        return any(str(program) in left for left in host_view.left_on_host(LocalHost()))

    assert not is_left()
    with subprocess.Popen([program, "60"]) as generator:
        try:
            wait_until(is_left)
        finally:
            generator.kill()
    assert not is_left()
