"""Starting a run and going on with one: what the command line calls."""

import subprocess
from collections.abc import Collection
from pathlib import Path

from documents.inventory import Inventory, Secrets
from documents.protocol import Protocol
from documents.run import UNKNOWN_COMMIT
from experiment import loop
from experiment.loop import Progress
from experiment.remote_bench import open_bench

_PROJECT = Path(__file__).parents[1]


def start_run(
    inventory: Inventory,
    secrets: Secrets,
    protocol: Protocol,
    runs_directory: Path,
    *,
    protocol_file: str | None = None,
    apis: Collection[str] = (),
    order_seed: int | None = None,
    budget_seconds: int | None = None,
    progress: Progress,
) -> Path:
    """Measure the lab's APIs by a protocol.

    While it goes on, all APIs but the one under test are stopped. Whatever ends it, Ctrl-C included, the load on the
    host is ended, the APIs are started again, and every finished cell is kept for `resume_run`.

    Args:
        inventory: the lab as it stands.
        secrets: the lab's secrets; none of them comes into the run's folder.
        protocol: what to measure.
        runs_directory: where the run's folder is made.
        protocol_file: where the protocol was read from, for the record; None for one of the lab's own.
        apis: names of those to measure; all unless given.
        order_seed: what the order of the cells is drawn from; a random one unless given. The plan records it.
        budget_seconds: the wall time that the run may take. As many whole blocks are measured as fit, whatever the
            protocol's number.
        progress: is told of each step.

    Returns:
        The run's folder.

    Raises:
        RunError: the lab has no API of such a name, the budget is too small for two blocks, another run holds the host,
            or the folder can't be made.
        HostError: the host can't be reached or failed.
    """
    with open_bench(inventory, secrets) as bench:
        return loop.begin(
            bench,
            inventory,
            secrets,
            protocol,
            runs_directory,
            protocol_file=protocol_file,
            apis=apis,
            order_seed=order_seed,
            budget_seconds=budget_seconds,
            git_commit=git_commit(),
            progress=progress,
        )


def resume_run(run_directory: Path, inventory: Inventory, secrets: Secrets, *, progress: Progress) -> Path:
    """Measure the cells that a run still lacks, in their planned order. Of a finished run, none is measured again.

    Args:
        run_directory: the run's folder.
        inventory: the lab as it stands; it must be the one that the run began on.
        secrets: the lab's secrets.
        progress: is told of each step.

    Returns:
        The run's folder.

    Raises:
        RunError: the folder is no run, its raw files were changed, the lab or its host isn't as it was, or another run
            holds the host.
        DocumentError: a document of the run isn't valid.
        HostError: the host can't be reached or failed.
    """
    with open_bench(inventory, secrets) as bench:
        return loop.resume(bench, run_directory, inventory, secrets, git_commit=git_commit(), progress=progress)


def git_commit() -> str:
    """The project's commit, with ``-dirty`` behind it where the tree has changes; ``unknown`` without git's help."""
    try:
        commit = _git("rev-parse", "HEAD")
        return f"{commit}-dirty" if _git("status", "--porcelain") else commit
    except (OSError, subprocess.CalledProcessError):
        return UNKNOWN_COMMIT


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=_PROJECT, check=True, capture_output=True, text=True).stdout.strip()
