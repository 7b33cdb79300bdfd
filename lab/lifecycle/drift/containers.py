"""Differences, told one by one while values are compared."""

import shlex
from collections import Counter
from collections.abc import Callable, Collection, Sequence

from documents.lab import ContainerState, Difference, Effective, RunningContainer
from lab.lifecycle.drift.declared import Declared
from provision.containers import NONE, size_in_words

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


CHANGEABLE = frozenset(
    {
        "CPUs",
        "memory nodes",
        "memory limit",
        "memory and swap limit",
        "memory reservation",
        "CPU quota",
        "CPU shares",
        "process limit",
        "block I/O weight",
        "restart policy",
    }
)
"""What `docker update` changes of a container that stays the same; all else is settled when it is made."""

_LISTS = frozenset({"entry point", "command"})


def differing_limits(declared: ContainerState, running: RunningContainer) -> list[str]:
    """The aspects in which a container on record isn't what the record says, though it is that very container.

    Pulumi doesn't put them right: a limit that isn't declared counts for nothing in its update, and an edit of a health
    check is ignored (kreuzwerker/terraform-provider-docker, issue 988). Made anew, the container is as declared.
    """
    found = running.state.aspects
    remade = set(CHANGEABLE)
    # Made anew, a container has the health check of its image once more.
    if declared.aspects["health check"] != NONE or found["health check"] != running.image_health_check:
        remade.add("health check")
    return [aspect for aspect, value in declared.aspects.items() if aspect in remade and value != found[aspect]]


def compare_container(
    comparison: Comparison,
    declared: Declared,
    state: ContainerState,
    running: RunningContainer,
    *,
    remedy: str,
    remedy_of: Callable[[str, str], str],
) -> None:
    """Compare all that Docker says of a container.

    Args:
        comparison: where the differences go.
        declared: the container on record.
        state: the same in words.
        running: the container that has its name.
        remedy: what has it made anew.
        remedy_of: what puts right what `differing_limits` looks at, given the aspect and the declared value.
    """
    subject = declared.subject
    comparison.expect(subject, "the container", declared.id[:12], running.id[:12], remedy=remedy, why=_MADE_BY_HAND)
    rename = f"`docker rename {running.state.name} {declared.name}` on its engine"
    comparison.expect(subject, "its name", state.name, running.state.name, remedy=rename)
    comparison.expect(subject, "its state", "running", running.status, remedy=_restart(declared.name, running.status))
    comparison.expect(subject, "its image", state.image_id, running.state.image_id, remedy=remedy)
    for aspect, value in state.aspects.items():
        found = running.state.aspects[aspect]
        if aspect == "health check":
            _compare_health_check(comparison, subject, value, running, remedy_of(aspect, value))
        elif aspect in _LISTS:
            _compare_words(comparison, subject, aspect, (value, found), remedy)
        else:
            how = remedy_of(aspect, value) if aspect in CHANGEABLE else remedy
            comparison.expect(subject, f"its {aspect}", value, found, remedy=how)
    _compare_environment(comparison, subject, state, running.state, remedy)
    for name in sorted(state.labels | running.state.labels):
        pair = state.labels.get(name), running.state.labels.get(name)
        comparison.expect(subject, f"its label {name}", *pair, remedy=remedy)
    if running.effective is not None:
        for path, digest in state.files.items():
            found = running.state.files.get(path)
            compare_file(comparison, subject, path, digest, found, remedy=made_anew(declared.name))


def compare_file(
    comparison: Comparison, subject: str, path: str, declared: str, found: str | None, *, remedy: str
) -> None:
    """Compare a file's SHA-256; None where it is gone. What is in it is never shown."""
    effective = found and (HIDDEN if declared == found else ANOTHER)
    comparison.expect(subject, f"its file {path}", HIDDEN, effective, remedy=remedy)


_MADE_BY_HAND = "it was made by hand under the same name, or the host was made anew"


def compare_effective(
    comparison: Comparison,
    declared: Declared,
    state: ContainerState,
    running: ContainerState,
    effective: Effective,
    *,
    host_memory: tuple[str, str] = (NONE, NONE),
) -> None:
    """Compare what the kernel holds a container to. Docker may say that all is as declared, and it isn't.

    Where Docker already says another thing, that was told, and isn't told twice.

    Args:
        comparison: where the differences go.
        declared: the container on record.
        state: the same in words.
        running: what Docker says of it.
        effective: what the kernel says.
        host_memory: the memory limit of the host around it, which binds it too: as declared, and as Docker says.
    """

    def expect(what: str, aspect: str, wanted: str, found: str) -> None:
        if running.aspects[aspect] == state.aspects[aspect]:
            remedy = f"restart it: `docker restart {declared.name}` on its engine"
            comparison.expect(declared.subject, what, wanted, found, remedy=remedy)

    cpus, own = state.aspects["CPUs"], state.aspects["memory limit"]
    expect("its effective CPUs", "CPUs", cpus, _list(effective.cpus))
    wanted, found = own if own != NONE else host_memory[0], size_in_words(effective.memory_bytes)
    # Where the host has another limit than is declared, that was told of the host.
    if wanted != NONE and (own != NONE or found != host_memory[1]):
        expect("its effective memory limit", "memory limit", wanted, found)
    quota = NONE if effective.cpu_quota is None else f"{effective.cpu_quota:g} CPUs"
    expect("its effective CPU quota", "CPU quota", state.aspects["CPU quota"], quota)
    if _list(effective.cpus) == cpus:
        for process in effective.processes:
            what = f"the affinity of its process {process.process_id} ({process.name})"
            expect(what, "CPUs", cpus, _list(process.cpus))


def tell_stray(comparison: Comparison, container: RunningContainer, *, remedy: str) -> None:
    """Tell of a container with the lab's label that nobody declared."""
    comparison.expect(container.state.name, "the container", None, container.status, remedy=remedy)


def _compare_health_check(
    comparison: Comparison, subject: str, declared: str, running: RunningContainer, remedy: str
) -> None:
    found = running.state.aspects["health check"]
    of_image = found != NONE and found == running.image_health_check
    comparison.expect(
        subject,
        "its health check",
        declared,
        found,
        remedy="take HEALTHCHECK out of its image, and run `lab up`" if of_image else remedy,
        why="its image brings it" if of_image else "",
    )


def _compare_words(comparison: Comparison, subject: str, aspect: str, pair: tuple[str, str], remedy: str) -> None:
    """Compare two lists of words; of two long ones only what differs is told."""
    declared, found = (_options(text) for text in pair)
    only_declared = [option for option in declared if option not in found]
    only_found = [option for option in found if option not in declared]
    if pair[0] == pair[1] or not (only_declared or only_found):
        comparison.expect(subject, f"its {aspect}", *pair, remedy=remedy)
    else:
        told = " ".join(only_declared) or None, " ".join(only_found) or None
        comparison.expect(subject, f"its {aspect}", *told, remedy=remedy)


def _options(text: str) -> list[str]:
    """A command's words, an option such as ``-c`` together with what follows it."""
    found: list[str] = []
    for word in shlex.split(text):
        if found and found[-1] == "-c":
            found[-1] = f"-c {word}"
        else:
            found.append(word)
    return found


def _compare_environment(
    comparison: Comparison, subject: str, state: ContainerState, running: ContainerState, remedy: str
) -> None:
    for name in sorted(state.environment | running.environment):
        declared, found = state.environment.get(name), running.environment.get(name)
        what = f"its variable {name}"
        if comparison.shown(declared) == HIDDEN:
            # What stands in the place of a secret may be one as well.
            effective = None if found is None else HIDDEN if declared == found else ANOTHER
            comparison.expect(subject, what, HIDDEN, effective, remedy=remedy)
        else:
            # Nobody knows whether what somebody else put there is a secret.
            effective = "set" if declared is None else found
            comparison.expect(subject, what, declared, effective, remedy=remedy)


def _restart(name: str, status: str) -> str:
    if status == "paused":
        return f"let it go on: `docker unpause {name}` on its engine"
    if status == "restarting":
        return "it ends again and again: `lab logs` tells why"
    return UP


def made_anew(name: str) -> str:
    """What has a container made anew where `lab up` alone leaves it."""
    return f"remove it (`docker rm --force {name}` on its engine) and run `lab up`, which makes it anew"


def _list(cpus: Sequence[int]) -> str:
    return ",".join(map(str, cpus))
