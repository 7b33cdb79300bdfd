"""A machine that a test makes is a guest on this one's kernel."""

from pathlib import Path

import pytest

from tests.machines.machine import WITHOUT_ENGINE, Machine

FILES = ("file-max", "nr_open")
"""What systemd raises at each boot, where it can."""


def test_it_sets_nothing_of_the_kernel_below(tmp_path: Path):
    folder = Path("/proc/sys/fs")
    before = [(folder / name).read_text() for name in FILES]
    with Machine(WITHOUT_ENGINE, tmp_path) as machine:
        for name in FILES:
            with pytest.raises(AssertionError, match="Read-only file system"):
                machine.shell(f"value=$(cat {folder / name}); echo $value > {folder / name}")
    assert [(folder / name).read_text() for name in FILES] == before
