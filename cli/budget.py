"""`lab run --budget`: how it is written, and what is said of it."""

from collections.abc import Iterator

import typer

from documents.durations import format_duration, parse_duration
from experiment.events import BudgetFitted


def read_duration(text: str) -> int:
    """The seconds of a length of time such as `1h30m`."""
    try:
        return parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def budget_lines(fitted: BudgetFitted) -> Iterator[str]:
    """What a budget gives, in whole sentences."""
    overhead = f"as in the run {fitted.overhead_run}" if fitted.overhead_run else "as assumed"
    yield (
        f"A budget of {format_duration(fitted.budget_seconds)} fits {fitted.blocks} blocks of {fitted.block_cells} "
        f"cells, each block in {format_duration(fitted.block_seconds)} at most (set-up {overhead})."
    )
    if fitted.open_loop_seconds:
        yield f"{format_duration(fitted.open_loop_seconds)} of it are kept for the open loop, which comes after them."
    if not fitted.tests:
        yield "One API alone is compared with none: its A/A twin tells what the host does, and no verdict follows."
    seen = f", as in the run {fitted.noise_run}," if fitted.noise_run else ""
    for same in fitted.shown_same:
        found = [
            f"{resolution.ratio:.3f} or more in {resolution.power:.0%}"
            for resolution in fitted.resolutions
            if resolution.noise == same.noise and resolution.ratio is not None
        ]
        told = f"it finds a true ratio of {', of '.join(found)} of runs" if found else "it finds no ratio below 100"
        yield (
            f"Where blocks scatter by {same.noise:.1%}{seen} {told}. Two that don't differ are shown to be the same "
            f"within {100 * fitted.margin:g}% in {same.share:.0%} of runs."
        )
