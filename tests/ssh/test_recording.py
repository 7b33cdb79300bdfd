"""What the sampler and the watch have in common: a script that records until it's told to stop."""

from pathlib import Path

import pytest

from documents.errors import HostError
from provision.load import recording
from provision.load.recording import Recorder
from provision.ssh.connection import Connection
from tests.ssh.waiting import is_alive

SLOW = """
import os, time
print(os.getpid(), flush=True)
open("lines", "w").write("one\\n")
time.sleep(60)
"""


def test_one_that_does_not_begin_in_time_is_reported_and_ended(
    connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(recording, "_FIRST_LINES_SECONDS", 1)
    script = tmp_path / "slow.py"
    script.write_text(SLOW)
    recorder = Recorder(name="slow one", program=script, file_name="lines", nothing="wrote no second line")
    directory = tmp_path / "job"
    with pytest.raises(HostError, match=r"The slow one on .* wrote no second line: \d+$") as failed:
        recording.start(connection, str(directory), recorder, [], first_lines=2, cpus=None, deadline_seconds=50)
    assert not is_alive(int(str(failed.value).rsplit(" ", 1)[1]))
    assert (directory / "status.json").exists()
