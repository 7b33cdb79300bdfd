"""A lab doesn't move: a document that names another host than the one that the lab stands on is refused.

What is on a host can only be taken away over the way on record, with the keys that are pinned for it. An `up` for
another host would pin that one's first, and then couldn't reach the old one any more.
"""

from documents.errors import LabError
from documents.host_kinds import SshHost
from documents.stack import Stack
from lab.lifecycle.state import State
from provision.login import label


def refuse_move(stack: Stack, state: State) -> None:
    """Refuse a document whose host isn't the recorded one: of another kind, or an existing one reached elsewhere.

    Raises:
        LabError: so it is; names the recorded host, and what to do.
    """
    recorded, document = state.host, stack.host
    if recorded is None or not state.resources:
        return
    same = recorded.kind == document.kind
    if same and isinstance(document, SshHost):
        gates = (recorded.jump_host, document.jump_host)
        places = tuple(one and (one.address, one.port) for one in (recorded, document, *gates))
        same = places[0] == places[1] and places[2] == places[3]
    if not same:
        raise LabError(
            f"The lab {stack.name} stands on {label(recorded)}, of the kind {recorded.kind}, and its document names "
            f"another host, or another way to it. Put the old one back into stacks/{stack.name}.yaml, run `lab down`, "
            "and then change it."
        )
