"""Fetching a load generator's result: whether the generator failed, or the copy."""

from collections.abc import Callable
from pathlib import Path

import pytest

from documents.errors import HostError, TransferError
from documents.run import OPEN_LOOP_FILE, WRK_FILE
from provision.load import jobs, open_loop, wrk
from tests.unit.provision.local_host import LocalHost

PROGRAMS = pytest.mark.parametrize(
    ("finish", "name"), [(wrk.finish, WRK_FILE), (open_loop.finish, OPEN_LOOP_FILE)], ids=["wrk", "open-loop"]
)


class Losing(LocalHost):
    """A host from which no result arrives whole."""

    def pull(self, remote: str, local: Path) -> str:
        if not remote.endswith("/stdout"):
            raise TransferError(f"{remote} didn't arrive whole from {self}.")
        local.touch()
        return ""


@PROGRAMS
def test_a_result_that_does_not_arrive_whole_is_no_failure_of_its_generator(
    finish: Callable[..., object], name: str, tmp_path: Path
):
    job = jobs.start(Losing(), str(tmp_path / "job"), ["touch", name], deadline_seconds=20)
    with pytest.raises(TransferError, match=f"{name} didn't arrive whole"):
        finish(Losing(), job, tmp_path)


@PROGRAMS
def test_a_generator_without_a_result_has_failed(finish: Callable[..., object], name: str, tmp_path: Path):
    argv = ["sh", "-c", f"echo no {name} >&2"]
    job = jobs.start(Losing(), str(tmp_path / "job"), argv, deadline_seconds=20)
    with pytest.raises(HostError, match=f"wrote no result: no {name}") as raised:
        finish(Losing(), job, tmp_path)
    assert not isinstance(raised.value, TransferError)
