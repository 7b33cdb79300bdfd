"""Images that newer ones took the place of.

Pulumi leaves them behind: on the controller where the document keeps the cache, on the host always. What BuildKit knows
of them stays in its own cache, so that going back to an older source builds little.
"""

from collections.abc import Collection

from documents.inventory import Inventory
from documents.labels import STACK_LABEL
from lab.lifecycle.engine import Engine
from lab.lifecycle.leftovers import find_labelled, remove_labelled
from lab.lifecycle.state import read_state
from provision.connection import connect

_NAME_OR_ID = '{{if eq .Tag "<none>"}}{{.ID}}{{else}}{{.Repository}}:{{.Tag}}{{end}}'
"""An image that lost its name to a newer one, as a build by hand leaves it, has its id alone."""

_DEADLINE_SECONDS = 60


def remove_superseded_images(engine: Engine, inventory: Inventory) -> None:
    """Remove the stack's images that are no longer on record, from the controller's engine and from the host's.

    Raises:
        LabError: the engine, or the controller's Docker engine, refused.
        HostError: the host can't be reached, or its engine refused.
    """
    recorded = [resource.id for resource in read_state(engine).resources]
    if inventory.host.kind == "container":
        for thing in find_labelled(engine.stack):
            if thing.kind == "image" and not _is_recorded(thing.name, recorded):
                remove_labelled(thing)
    chosen = f"label={STACK_LABEL}={engine.stack}"
    listing = ["docker", "images", "--filter", chosen, "--format", _NAME_OR_ID]
    with connect(inventory.host) as connection:
        names = connection.run(listing, deadline_seconds=_DEADLINE_SECONDS).stdout.split()
        if superseded := [name for name in names if not _is_recorded(name, recorded)]:
            connection.run(["docker", "image", "rm", *superseded], deadline_seconds=_DEADLINE_SECONDS)


def _is_recorded(name: str, recorded: Collection[str]) -> bool:
    """Whether an image is on record: its id there is its name, or ends in it where Docker's provider made it."""
    return any(identity.endswith(name) for identity in recorded)
