"""What a run records of its host's knobs, from before it until after it, also where it was broken off in between."""

from collections.abc import Sequence

from documents.knobs import KnobRecord


def with_after(
    records: Sequence[KnobRecord], held: Sequence[KnobRecord], after: Sequence[KnobRecord]
) -> tuple[KnobRecord, ...]:
    """Add to a run's records what the knobs were at its end: just before they were put back, and after that.

    A knob that was as wanted at first and isn't at the end was changed by something else: it was lost.
    """
    at_end, afterwards = ({record.name: record for record in some} for some in (held, after))
    found: list[KnobRecord] = []
    for record in records:
        changes: dict[str, object] = {}
        # One that an earlier version of the lab knew stays as that left it.
        if record.name in afterwards:
            changes["after"] = afterwards[record.name].before
        if record.controlled and record.name in at_end and not at_end[record.name].controlled:
            value = at_end[record.name].before
            changes |= {
                "state": "lost",
                "message": f"something else made it {value} while the run went on",
            }
        found.append(record.model_copy(update=changes))
    return tuple(found)


def merge(earlier: Sequence[KnobRecord], later: Sequence[KnobRecord]) -> tuple[KnobRecord, ...]:
    """The records of a run that was resumed: what a knob was before it all, and the worse of how it stood with it."""
    first = {record.name: record for record in earlier}
    merged: list[KnobRecord] = []
    for record in later:
        known = first.get(record.name)
        if known is None:
            merged.append(record)
        elif known.controlled:
            merged.append(record.model_copy(update={"before": known.before}))
        else:
            merged.append(known.model_copy(update={"after": record.after}))
    return tuple(merged)
