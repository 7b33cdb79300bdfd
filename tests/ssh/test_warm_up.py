"""A warm-up that is watched over a real sshd: ended once it is enough, else at its own end."""

import shlex
from collections.abc import Sequence
from pathlib import Path

import pytest

from documents.errors import HostError
from provision.load import jobs, wrk
from provision.ssh.connection import Connection
from tests.ssh.waiting import wait_until_gone

TELLS = "for s in {seconds}; do echo 0 $s 100 >> {name}.0; echo 1 $s 50 >> {name}.1; sleep 0.3; done; {then}"
"""Stands for wrk with two threads, whose seconds are short."""


def telling(seconds: int, then: str = "exit 0") -> list[str]:
    text = TELLS.format(seconds=" ".join(map(str, range(seconds))), name=wrk.SERIES_NAME, then=then)
    return ["sh", "-c", text]


def never(_series: Sequence[int]) -> bool:
    return False


def test_it_is_ended_as_soon_as_it_is_enough(connection: Connection, tmp_path: Path):
    asked: list[Sequence[int]] = []

    def enough(series: Sequence[int]) -> bool:
        asked.append(series)
        return len(series) >= 5

    job = jobs.start(connection, str(tmp_path / "warm up"), telling(1, "sleep 60"), deadline_seconds=90)
    more = f"for s in 1 2 3 4 5 6; do for t in 0 1; do echo $t $s 10 >> {wrk.SERIES_NAME}.$t; done; done"
    begun = f"until [ -s {wrk.SERIES_NAME}.1 ]; do sleep 0.02; done"
    connection.run(f"cd {shlex.quote(job.directory)}; {begun}; {more}", deadline_seconds=20)
    series, [status] = wrk.follow_warm_up([(connection, job)], threads=2, enough=enough)
    assert (status.outcome, series) == ("stopped", (150, 20, 20, 20, 20, 20, 20))
    assert asked[-1] == series, "what is reported is what it was asked about"
    wait_until_gone([job.process_id, job.supervisor_id])


def test_a_warm_up_that_is_never_steady_runs_to_its_end_with_its_whole_series(connection: Connection, tmp_path: Path):
    job = jobs.start(connection, str(tmp_path / "job"), telling(6), deadline_seconds=60)
    series, [status] = wrk.follow_warm_up([(connection, job)], threads=2, enough=never)
    assert (status.outcome, status.exit_status) == ("ended", 0)
    assert series == (150,) * 6


def test_a_generator_that_fails_is_reported_with_its_own_words(connection: Connection, tmp_path: Path):
    job = jobs.start(
        connection, str(tmp_path / "job"), telling(2, "echo unable to connect; exit 1"), deadline_seconds=60
    )
    with pytest.raises(HostError, match=r"status 1 in the warm-up: unable to connect"):
        wrk.follow_warm_up([(connection, job)], threads=2, enough=never)


def test_two_are_one_series_and_both_are_ended_when_it_is_enough(connection: Connection, tmp_path: Path):
    running = [
        (connection, jobs.start(connection, str(tmp_path / name), telling(seconds, "sleep 60"), deadline_seconds=90))
        for name, seconds in (("first", 5), ("second", 3))
    ]
    series, statuses = wrk.follow_warm_up(running, threads=2, enough=lambda series: len(series) >= 3)
    assert series == (300,) * 3, "as far as both have reported"
    assert [status.outcome for status in statuses] == ["stopped", "stopped"]
    for _, job in running:
        wait_until_gone([job.process_id, job.supervisor_id])
