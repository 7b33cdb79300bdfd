"""A run's folder on a host: what is in it, and how a host is rid of it and of the jobs that run there."""

import uuid

from documents.protocol import Workload
from provision import jobs, paths
from provision.connection import Connection

HOME = f"{paths.HOME}/run"
ASIDE = f"{paths.HOME}/ended-run-"
"""How the names begin that a run's folder has while it is cleared away."""

JOBS = ("warm-up", "load", "sampler", "watch")
"""The folders of a cell's jobs."""

_DEADLINE_SECONDS = 60


def path_of(name: str) -> str:
    """The path of a file or of a job's folder."""
    return f"{HOME}/{name}"


def requests_path(workload: Workload) -> str:
    """The path of a workload's request file."""
    return path_of(f"{workload}.requests")


def make(connection: Connection) -> None:
    """Make the folder where it isn't there."""
    connection.run(["install", "-d", "-m", "0700", HOME], deadline_seconds=_DEADLINE_SECONDS)


def clear(connection: Connection) -> None:
    """End what a run left behind, whoever started it, and remove its files, tokens included."""
    # Renamed before it is looked through: a job whose start is under way is found in it, or finds its folder gone.
    aside = f"{ASIDE}{uuid.uuid4().hex[:12]}"
    connection.run(f"[ ! -e '{HOME}' ] || mv -T -- '{HOME}' '{aside}'", deadline_seconds=_DEADLINE_SECONDS)
    jobs.end_all(connection, f"'{ASIDE}'*")
    connection.run(f"rm -rf -- '{ASIDE}'*", deadline_seconds=_DEADLINE_SECONDS)


def lay_ready(connection: Connection, *, end_jobs: bool) -> None:
    """Remove the folders of the last cell's jobs; where some may still run, they are ended before."""
    if end_jobs:
        jobs.end_all(connection, f"'{HOME}'")
    connection.run(["rm", "-rf", "--", *map(path_of, JOBS)], deadline_seconds=_DEADLINE_SECONDS)
