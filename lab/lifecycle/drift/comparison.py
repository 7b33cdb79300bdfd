"""Differences, told one by one while values are compared."""

from collections import Counter
from collections.abc import Collection

from documents.drift import Difference

UP = "run `lab up`"
HIDDEN = "not shown"
ANOTHER = "another one, not shown"

_PLURALS = frozenset(
    {
        "its CPUs",
        "its effective CPUs",
        "its CPU shares",
        "its addresses",
        "its memory nodes",
        "its capabilities added",
        "its capabilities dropped",
        "its security options",
        "its masked system paths",
        "its mounts",
        "its temporary file systems",
        "its kernel settings",
        "its published ports",
        "its devices",
        "its extra hosts",
        "its log options",
    }
)


class Comparison:
    """Counts what is compared, and keeps what differs. Texts that hold a secret are never kept."""

    def __init__(self, secrets: Collection[str]) -> None:
        self._secrets = tuple(secret for secret in secrets if secret)
        self.compared: Counter[str] = Counter()
        self.differences: list[Difference] = []

    def expect(
        self, subject: str, what: str, declared: str | None, effective: str | None, *, remedy: str = UP, why: str = ""
    ) -> None:
        """Compare one value.

        Args:
            subject: what of the lab it is about.
            what: what is compared, as it is called behind its subject.
            declared: what it is to be; None where it isn't to be there.
            effective: what it is; None where it isn't there.
            remedy: what puts it right, as a clause.
            why: what is behind a difference, as a clause, if anything is to be said.
        """
        self.compared[subject] += 1
        if declared == effective:
            return
        shown = self.shown(declared), self.shown(effective)
        message = f"{subject}: {what} {_told(what, *shown)}{f' ({why})' if why else ''}; {remedy}."
        self.differences.append(
            Difference(
                subject=subject, what=what, declared=shown[0], effective=shown[1], remedy=remedy, message=message
            )
        )

    def shown(self, value: str | None) -> str | None:
        """A value as it may be shown."""
        if value is not None and any(secret in value for secret in self._secrets):
            return HIDDEN
        return value


def _told(what: str, declared: str | None, effective: str | None) -> str:
    verb = "are" if what in _PLURALS else "is"
    if effective is None:
        return f"{verb} missing (declared: {declared})"
    if declared is None:
        return f"{verb} {effective}, which isn't declared"
    if declared == HIDDEN:
        return f"{verb}n't the declared one (neither is shown)"
    return f"{verb} {effective} instead of {declared}"
