"""Taking down what has expired: labs at a cloud whose end, as their documents have it, has passed."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from documents.cloud_hosts import as_cloud_host
from documents.errors import HostError, LabError
from documents.stack import Stack
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


def expired_stacks(stacks: Iterable[Stack], now: datetime) -> tuple[Stack, ...]:
    """Those at a cloud whose end has passed. A lab on the controller has none."""
    return tuple(stack for stack in stacks if (host := as_cloud_host(stack.host)) is not None and host.expires <= now)


def take_down_expired(
    stacks: Iterable[Stack], now: datetime, *, engine_of: Callable[[str], Engine], progress: Progress
) -> Iterator[Ended]:
    """Take down each expired lab that is on record, one after the other; one that fails doesn't keep the next.

    Args:
        stacks: the stacks that are described.
        now: the moment.
        engine_of: the engine of the stack of a name.
        progress: is told of the engines' operations.
    """
    for stack in expired_stacks(stacks, now):
        try:
            engine = engine_of(stack.name)
            if is_recorded(engine) and read_state(engine).resources:
                yield Ended(stack.name, take_down(engine, stack, progress=progress), None)
        except (HostError, LabError) as error:
            yield Ended(stack.name, None, str(error))
