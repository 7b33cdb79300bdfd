"""The table of knobs: what each kernel setting was before, during and after the run, and whether it was controlled."""

from collections.abc import Sequence

from analysis.pages.numbers import MISSING
from analysis.pages.table import Column, Table, TableCell
from documents.knobs import KnobRecord, KnobState

STATES: dict[KnobState, str] = {
    "as-wanted": "yes, as it was",
    "set": "yes, set for the run",
    "only-read": "no, only read",
    "refused": "no, refused",
    "lost": "no, changed meanwhile",
    "not-told": "no, not told",
    "nothing-to-control": "nothing to control",
}


def knob_table(knobs: Sequence[KnobRecord]) -> Table:
    """The knobs of a run's host; no row where the run doesn't tell them."""
    columns = tuple(
        Column(title, numeric=False) for title in ("Setting", "Wanted", "Before", "During", "After", "Controlled")
    )
    rows = tuple(
        (
            TableCell(knob.name),
            TableCell(knob.wanted),
            *(TableCell(MISSING if value is None else value) for value in (knob.before, knob.during, knob.after)),
            TableCell(STATES[knob.state], knob.message or ""),
        )
        for knob in knobs
    )
    return Table(
        title="Settings of the host",
        note=(
            "Kernel settings that a measurement depends on, before the run, while it went on, and after it; "
            f"{MISSING} where the kernel doesn't have one. Of a setting with many files, each value with their number."
        ),
        columns=columns,
        rows=rows,
    )
