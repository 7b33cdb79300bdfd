"""The gate: measure a candidate and its base in one run, interleaved, and judge it; or judge a run that is there."""

from collections.abc import Collection
from pathlib import Path

from analysis.compare import JUDGED, judge_gate
from analysis.raw import read_run
from analysis.report import analyse
from analysis.statistics import LEAST_BLOCKS
from documents.errors import RunError
from documents.lab import Inventory, Secrets
from documents.report import Gate, Measure
from documents.run import Protocol
from experiment.planning import require_subjects
from experiment.running.loop import Progress, start_run


def measure_builds(
    inventory: Inventory,
    secrets: Secrets,
    protocol: Protocol,
    runs_directory: Path,
    *,
    base: str,
    candidate: str,
    protocol_file: str | None = None,
    order_seed: int | None = None,
    progress: Progress,
) -> Path:
    """Measure two APIs of the lab, or of the protocol's variants, and no other, in a run of their own.

    Arguments and errors are those of `start_run`.

    Args:
        inventory: the lab as it stands.
        secrets: the lab's secrets.
        protocol: what to measure.
        runs_directory: where the run's folder is made.
        base: the name of the API, or of its variant, that stands for what is.
        candidate: the name of the one that stands for what is to come.
        protocol_file: where the protocol was read from; None for one of the lab's own.
        order_seed: what the order of the cells is drawn from; a random one unless given.
        progress: is told of each step.

    Returns:
        The run's folder.

    Raises:
        RunError: the two are one, the lab lacks one of them, the protocol has one block, or the run can't be made.
        HostError: the host can't be reached or failed.
    """
    if base == candidate:
        raise RunError(f"{base} can't be compared with itself: name two APIs of the stack, the base and the candidate.")
    if protocol.blocks < LEAST_BLOCKS:
        raise RunError(
            f"The protocol {protocol.name} has one block, from which nothing can be judged: how far a repetition would "
            f"differ is unknown. Give it {LEAST_BLOCKS} blocks or more; ten say something."
        )
    require_subjects(inventory, protocol, (base, candidate))
    return start_run(
        inventory,
        secrets,
        protocol,
        runs_directory,
        protocol_file=protocol_file,
        apis=(base, candidate),
        order_seed=order_seed,
        progress=progress,
    )


def judge_run(run_directory: Path, *, base: str, candidate: str, judged: Collection[Measure] = JUDGED) -> Gate:
    """Judge a candidate by the raw files of a run; see `analysis.compare.gate.judge_gate`.

    Raises:
        AnalysisError: the run didn't measure both, or a raw file can't be used.
        DocumentError: a document of the run isn't of its shape.
    """
    return judge_gate(analyse(read_run(run_directory)), base=base, candidate=candidate, judged=judged)
