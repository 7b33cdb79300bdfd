"""Load hosts must be identical to the lab's host before anything is measured from them."""

from analysis.load_host_identity import hardware_differences
from documents.errors import RunError
from documents.run import HostRecord


def require_identical(host: HostRecord) -> None:
    """Refuse a run whose load hosts aren't of the hardware of the lab's host.

    Raises:
        RunError: one isn't; says in what.
    """
    found = [
        f"load host {number} ({'; '.join(differences)})"
        for number, load_host in enumerate(host.load_hosts, start=1)
        if (differences := hardware_differences(host.before, load_host.before.identity))
    ]
    if found:
        raise RunError(
            f"Not every load host is identical to the lab's host: {', '.join(found)}. How much load it can make is "
            "then not what the lab takes it for: name one of the same kind."
        )
