"""What the operating system refuses ends in one sentence with the status 1; a defect keeps its traceback."""

import errno
import os
import subprocess
from pathlib import Path

import pytest

from cli.main import explain_system_error
from tests.conftest import LAB, ROOT


def test_output_to_a_full_disk_is_reported_in_one_sentence():
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [LAB, "doctor", "--json"], cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=60
        )
    assert done.returncode == 1
    assert done.stderr == (
        "error: The command's output: No space left on device. Make room there and run the same command again: "
        "finished work is kept.\n"
    )


def test_closed_pipe_is_no_verdict_of_a_gate():
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as closed:
        done = subprocess.run([LAB, "gate", "--help"], cwd=ROOT, stdout=closed, check=False, timeout=60)
    assert done.returncode == 3


@pytest.mark.parametrize("number", [errno.ENOENT, errno.ECONNREFUSED, errno.EBADF])
def test_defect_is_not_taken_for_a_refusal_of_the_machine(number: int):
    assert explain_system_error(OSError(number, os.strerror(number), "x")) is None


def test_file_of_somebody_else_is_reported_with_what_to_do():
    sentence = explain_system_error(PermissionError(errno.EACCES, "Permission denied", b"runs/x"))
    assert sentence is not None
    assert sentence.startswith("runs/x: Permission denied. Check its mode")
