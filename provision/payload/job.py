"""Runs on the host: one detached job with a status file. Standard library only, Python 3.10 or newer.

`start` starts a job and answers once its process runs, `wait` waits for its end, and `stop` ends it.

A supervisor in a session of its own stays with the job: it keeps the deadline, and writes
``status.json`` in one rename when the job has ended, so that a reader sees all of it or nothing. A failure ends with
the status 1 and a sentence on standard error.
"""

import json
import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

STOP_GRACE_SECONDS = 5
"""The time that a job has to end after SIGTERM."""

SUPERVISOR_NAME = "lab-job"


def start(request: "dict[str, Any]") -> "dict[str, Any]":
    """Start the job in its directory, which must have no job yet.

    The parent of the directory must exist, so removing that folder ends all of its jobs: also those that are just
    starting fail. The request has `directory`, `argv`, `deadline_seconds`, `cpus` (or null) and `cgroups`, the
    directories of the job's cgroup, one for each hierarchy.
    """
    directory = Path(request["directory"])
    try:
        directory.mkdir(mode=0o700, exist_ok=True)
    except FileNotFoundError:
        sys.exit(f"{directory.parent} isn't there any more, so no job is started in it: its run has ended")
    if (directory / "job.json").exists():
        sys.exit(f"a job was started in {directory} before; use another directory")
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.close(reader)
        _detach()
        try:
            Path("/proc/self/comm").write_text(SUPERVISOR_NAME)
            # The supervisor sets both first, and the job inherits them; the supervisor costs nothing while it waits.
            for cgroup in request["cgroups"]:
                Path(cgroup, "cgroup.procs").write_text("0")
            if request["cpus"] is not None:
                set_cpus(request["cpus"])
            # The status is written to wherever the directory is by then: it may be renamed while the job runs.
            os.chdir(directory)
            with (directory / "stdout").open("wb") as stdout, (directory / "stderr").open("wb") as stderr:
                started_ns = time.monotonic_ns()
                process = subprocess.Popen(
                    request["argv"],
                    cwd=directory,
                    stdin=subprocess.DEVNULL,
                    stdout=stdout,
                    stderr=stderr,
                    start_new_session=True,
                )
        except (OSError, ValueError) as error:
            os.write(writer, f"the job {request['argv'][0]} in {directory} can't be started: {error}".encode())
            os._exit(1)
        supervise(process, started_ns, directory, request, writer)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        failure = pipe.read()
    if failure:
        sys.exit(failure)
    return json.loads((directory / "job.json").read_text())


def supervise(
    process: "subprocess.Popen[bytes]", started_ns: int, directory: Path, request: "dict[str, Any]", report: int
) -> None:
    """Record the job's process, wait for its end, and write its status."""
    outcome = "ended"

    def on_stop(*_: object) -> None:
        nonlocal outcome
        outcome = "stopped"
        signal_group(process.pid, signal.SIGTERM)
        signal.setitimer(signal.ITIMER_REAL, STOP_GRACE_SECONDS)

    def on_alarm(*_: object) -> None:
        nonlocal outcome
        if outcome == "ended":
            outcome = "deadline"
        signal_group(process.pid, signal.SIGKILL)

    signal.signal(signal.SIGTERM, on_stop)
    signal.signal(signal.SIGALRM, on_alarm)
    signal.setitimer(signal.ITIMER_REAL, request["deadline_seconds"])
    try:
        # By its full path: if the directory was removed or renamed since, nobody would find the job there.
        write_whole(
            directory / "job.json",
            {
                "directory": str(directory),
                "deadline_seconds": request["deadline_seconds"],
                "boot_id": boot_id(),
                "supervisor_id": os.getpid(),
                "supervisor_start": start_ticks(os.getpid()),
                "process_id": process.pid,
                "process_start": start_ticks(process.pid),
            },
        )
    except OSError as error:
        signal_group(process.pid, signal.SIGKILL)
        process.wait()
        os.write(
            report, f"the job {request['argv'][0]} was ended, because {directory} can't be written to: {error}".encode()
        )
        os._exit(1)
    os.close(report)
    # WNOWAIT leaves the leader unreaped: until then its number can't pass to another process group.
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    ended_ns = time.monotonic_ns()
    signal_group(process.pid, signal.SIGKILL)
    signal.setitimer(signal.ITIMER_REAL, 0)
    code = process.wait()
    write_whole(
        Path("status.json"),
        {
            "outcome": outcome,
            "exit_status": code if code >= 0 else 128 - code,
            "started_ns": started_ns,
            "ended_ns": ended_ns,
        },
    )


def set_cpus(cpus: "list[int]") -> None:
    """Run on these CPUs, also all processes that are started. Raises OSError if the kernel drops one of them.

    Source: sched_setaffinity(2); CPUs that don't exist, or aren't in the cpuset, are dropped silently.
    """
    os.sched_setaffinity(0, cpus)
    given = os.sched_getaffinity(0)
    if given != set(cpus):
        raise OSError(f"it is to run on the CPUs {sorted(cpus)}, but the kernel gives it {sorted(given)}")


def wait(request: "dict[str, Any]") -> "dict[str, Any]":
    """Wait up to `seconds` for the end of the job in `directory`.

    Its status, or the state `running` when the time is up, or `lost` if it can't end; and the supervisor's number.
    """
    directory = Path(request["directory"])
    job = json.loads((directory / "job.json").read_text())
    ended = wait_for_exit(job["supervisor_id"], job["supervisor_start"], job["boot_id"], request["seconds"])
    status = directory / "status.json"
    if status.exists():
        state, found = "ended", json.loads(status.read_text())
    else:
        state, found = "lost" if ended else "running", None
    return {"state": state, "status": found, "supervisor_id": job["supervisor_id"]}


def stop(request: "dict[str, Any]") -> "dict[str, Any]":
    """End the process group of the job in `directory`, gently at first; without a supervisor at once."""
    directory = Path(request["directory"])
    job = json.loads((directory / "job.json").read_text())
    if is_process(job["supervisor_id"], job["supervisor_start"], job["boot_id"]):
        with suppress(ProcessLookupError):
            os.kill(job["supervisor_id"], signal.SIGTERM)
    elif is_process(job["process_id"], job["process_start"], job["boot_id"]):
        signal_group(job["process_id"], signal.SIGKILL)
    return wait({"directory": request["directory"], "seconds": STOP_GRACE_SECONDS + 5})


def wait_for_exit(process_id: int, start: int, boot: str, seconds: float) -> bool:
    """Wait for the end of a process that isn't our child; False if the time is up first."""
    try:
        descriptor = os.pidfd_open(process_id)
    except ProcessLookupError:
        return True
    try:
        # With the descriptor open, another process with its number would be noticed.
        if not is_process(process_id, start, boot):
            return True
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        return bool(poll.poll(seconds * 1000))
    finally:
        os.close(descriptor)


def is_process(process_id: int, start: int, boot: str) -> bool:
    """Whether the process with that number runs, and is still the same."""
    return boot == boot_id() and start == start_ticks(process_id)


def start_ticks(process_id: int) -> int:
    """When a process started, in clock ticks since boot; 0 if there is none, or only a zombie.

    Source: proc_pid_stat(5), fields 3 and 22. A container's first process may never reap its orphans.
    """
    try:
        stat = Path(f"/proc/{process_id}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    fields = stat.rpartition(")")[2].split()
    return 0 if fields[0] == "Z" else int(fields[19])


def boot_id() -> str:
    """An id of the kernel's current boot."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def signal_group(process_group: int, number: int) -> None:
    """Send a signal to a process group, which may have ended."""
    with suppress(ProcessLookupError):
        os.killpg(process_group, number)


def write_whole(path: Path, content: "dict[str, Any]") -> None:
    """Write a file so that a reader sees all of it or nothing, also after a power failure."""
    temporary = path.with_suffix(".part")
    with temporary.open("w") as file:
        json.dump(content, file)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def _detach() -> None:
    """Leave the session and the streams of the SSH channel, so that its end doesn't touch the job."""
    os.setsid()
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    os.close(null)
