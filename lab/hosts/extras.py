"""The packages of the clouds, which are extras: only who uses a cloud needs its package."""

from documents.errors import LabError

EXTRAS = {"aws": "pulumi-aws", "hetzner": "pulumi-hcloud"}
"""For each kind of host that is an extra, its name too, the Python package that it is made with."""


def missing_extra(kind: str) -> LabError:
    """The error to raise where the package of a kind isn't installed."""
    return LabError(
        f"A host of the kind {kind} is made with the Python package {EXTRAS[kind]}, which isn't installed here. "
        f"`make setup` installs it; in another environment, run in the checkout: pip install -e '.[{kind}]'"
    )
