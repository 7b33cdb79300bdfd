"""Taking down what has expired: labs at a cloud whose end, as their documents have it, has passed."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from documents.errors import FairgroundError
from documents.stack import Stack, as_cloud_host
from lab.lifecycle.engine import Engine, Progress
from lab.lifecycle.lifecycle import Receipt, take_down
from lab.lifecycle.state import is_recorded, read_state


@dataclass(frozen=True)
class Ended:
    """An expired lab: the receipt of its end, or why it couldn't be taken down."""

    stack: str
    receipt: Receipt | None
    failure: str | None

    @property
    def left_nothing(self) -> bool:
        """Whether nothing of it can go on costing money."""
        return self.receipt is not None and not self.receipt.left


def take_down_expired(
    stacks: Iterable[Stack],
    recorded: Iterable[str],
    now: datetime,
    *,
    unreadable: Collection[str],
    engine_of: Callable[[str], Engine],
    progress: Progress,
) -> Iterator[Ended]:
    """Take down each expired lab that is on record, one after the other; one that fails doesn't keep the next.

    A lab's end is the one that its document has. Where there is no document any more, as on another branch, or it has
    another kind of host by now, the machine of the last `up` still costs money: its end is the one on record.

    Args:
        stacks: the stacks that are described.
        recorded: the names of all stacks on record.
        now: the moment.
        unreadable: the names of those whose document can't be read; what they say now nobody knows.
        engine_of: the engine of the stack of a name.
        progress: is told of the engines' operations.
    """
    documents = {stack.name: stack for stack in stacks}
    for name in dict.fromkeys((*documents, *recorded)):
        if name in unreadable:
            continue
        document = documents.get(name)
        try:
            engine = engine_of(name)
            if is_recorded(engine) and _has_expired(engine, document, now):
                yield Ended(name, take_down(engine, document, progress=progress), None)
        except FairgroundError as error:
            yield Ended(name, None, str(error))


def _has_expired(engine: Engine, document: Stack | None, now: datetime) -> bool:
    """Whether there is anything of a lab at a cloud whose end has passed."""
    host = None if document is None else as_cloud_host(document.host)
    if host is not None and host.expires > now:
        return False
    state = read_state(engine)
    expires = host.expires if host is not None else state.bill and state.bill.expires
    return bool(state.resources) and expires is not None and expires <= now
