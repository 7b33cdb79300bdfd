"""Commands on a real host: streams, statuses, deadlines, secrets, a lost connection."""

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from documents.errors import DeadlineExceededError, HostUnreachableError, RemoteCommandError
from provision.ssh.connection import Connection
from tests.ssh.sshd import Sshd
from tests.ssh.waiting import wait_for_content, wait_until_gone


def test_streams_and_status_are_separate(connection: Connection):
    completed = connection.run("echo out; echo err >&2; exit 7", deadline_seconds=5, check=False)
    assert completed == ("out\n", "err\n", 7)


def test_an_argument_list_meets_no_shell(connection: Connection):
    hostile = "$(id) `id` 'x' \"y\" \\ ; rm -rf * \n end"
    assert connection.run(["printf", "%s", hostile], deadline_seconds=5).stdout == hostile


def test_a_failing_command_says_what_where_and_why(connection: Connection):
    with pytest.raises(RemoteCommandError, match=r"`ls /nowhere` on root@127\.0\.0\.1.*status 2.*No such file"):
        connection.run(["ls", "/nowhere"], deadline_seconds=5)


def test_five_megabytes_on_both_streams_at_once_do_not_deadlock(connection: Connection):
    size = 5_000_000
    completed = connection.run(
        f"head -c {size} /dev/zero | tr '\\0' e >&2 & head -c {size} /dev/zero | tr '\\0' o; wait", deadline_seconds=60
    )
    assert completed.stdout == "o" * size
    assert completed.stderr == "e" * size


def test_input_larger_than_every_window_is_echoed_whole(connection: Connection):
    data = os.urandom(4_000_000).hex()
    assert connection.run(["cat"], input=data, deadline_seconds=60).stdout == data


def test_a_long_input_takes_no_time_beyond_its_length(connection: Connection):
    began = time.process_time()
    connection.run("cat >/dev/null", input=bytes(1 << 26), deadline_seconds=60)
    # It is a fifth of a second. Where all that is left was copied for each packet, it was half a minute.
    assert time.process_time() - began < 5


def test_a_command_that_reads_none_of_its_input_still_ends(connection: Connection):
    assert connection.run("exit 3", input=b"x" * 8_000_000, deadline_seconds=30, check=False).exit_status == 3


def test_without_input_a_reading_command_sees_its_end(connection: Connection):
    assert connection.run(["cat"], deadline_seconds=5).stdout == ""


def test_the_deadline_ends_the_whole_process_group(connection: Connection, tmp_path: Path):
    pids = tmp_path / "pids"
    # The grandchildren ignore every signal that can be ignored, and one outlives its parent.
    with pytest.raises(DeadlineExceededError, match=r"wasn't done within 1 s.*last words"):
        connection.run(
            f"echo last words >&2; trap '' TERM HUP INT; echo $$ >> {pids};"
            f"sh -c 'echo $$ >> {pids}; while :; do sleep 30; done' & "
            f"sh -c 'sleep 60 & echo $! >> {pids}'; wait",
            deadline_seconds=1,
        )
    ids = [int(line) for line in pids.read_text().split()]
    assert len(ids) == 3
    wait_until_gone(ids)


def test_the_deadline_is_kept_on_the_host_when_the_connection_is_lost(
    sshd: Sshd, connection: Connection, tmp_path: Path
):
    pid = tmp_path / "pid"
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(connection.run, f"echo $$ > {pid}; sleep 60 & wait", deadline_seconds=3)
        wait_for_content(pid)
        sshd.kill_sessions()
        with pytest.raises(HostUnreachableError, match="was lost after"):
            running.result()
    wait_until_gone([int(pid.read_text())])


def test_a_process_left_behind_with_its_output_open_is_reported(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("provision.ssh.execution.GRACE_SECONDS", 0.5)
    with pytest.raises(DeadlineExceededError, match="left behind"):
        connection.run("setsid sleep 4 &", deadline_seconds=0.5)


def test_a_quick_command_is_not_mistaken_for_one_past_its_deadline(connection: Connection):
    assert connection.run("kill -KILL $$", deadline_seconds=30, check=False).exit_status == 137


def test_input_is_seen_in_no_process_list(connection: Connection):
    secret = os.urandom(16).hex()
    seen = ""
    done = threading.Event()

    def watch() -> None:
        nonlocal seen
        while not done.is_set():
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    seen += path.read_text(errors="replace")
                except OSError:
                    continue

    watcher = threading.Thread(target=watch)
    watcher.start()
    marker = "read value; sleep 1; echo ${#value}"
    length = connection.run(marker, input=secret + "\n", deadline_seconds=10).stdout
    done.set()
    watcher.join()
    assert length == "32\n"
    assert "sleep 1; echo" in seen, "the watcher saw the command itself"
    assert secret not in seen


def test_many_commands_run_at_once_on_one_connection(connection: Connection):
    def echo(number: int) -> str:
        return connection.run(f"echo {number}", deadline_seconds=20).stdout

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(echo, range(40)))
    assert answers == [f"{number}\n" for number in range(40)]
