"""Knobs: kernel settings that a measurement depends on, and whether they were as it wants them."""

from typing import Literal

from documents.base import Document

KnobState = Literal["as-wanted", "set", "only-read", "refused", "lost", "not-told", "nothing-to-control"]
"""How it stands with a knob: `as-wanted` was so without the lab, `set` was set for the run. `only-read` is one that
isn't as wanted where nothing was set; `refused` one that the kernel didn't let be set, `lost` one that something else
changed meanwhile. Where the kernel doesn't have it, that is `nothing-to-control` for what then can't happen, and
`not-told` for what happens all the same."""

CONTROLLED: frozenset[KnobState] = frozenset({"as-wanted", "set", "nothing-to-control"})


class KnobRecord(Document):
    """One knob: what is wanted, what it was before the run, while it went on, and after it.

    Values are the kernel's own words; of a knob with many files, such as one for each interrupt, each value with the
    number of files that have it. None stands for what wasn't read, or what the kernel doesn't have. `message` says why
    a knob isn't controlled.
    """

    name: str
    wanted: str
    before: str | None
    during: str | None = None
    after: str | None = None
    state: KnobState
    message: str | None = None

    @property
    def controlled(self) -> bool:
        """Whether the knob was as wanted for as long as it was looked at."""
        return self.state in CONTROLLED


def describe_control(knobs: tuple[KnobRecord, ...]) -> str:
    """How far a host was controlled, in a few words: ``partly controlled: turbo, governor``."""
    if not knobs:
        return "not told which settings were controlled"
    free = [knob.name for knob in knobs if not knob.controlled]
    if not free:
        return "controlled"
    return f"{'partly' if len(free) < len(knobs) else 'not'} controlled: {', '.join(free)}"
