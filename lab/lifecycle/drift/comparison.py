"""Counting what is compared, keeping what differs, and comparing a container."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from documents.lab import ContainerState, Difference, Effective, RunningContainer
from lab.lifecycle.drift.declared import Declared
from provision.containers import NONE, size_in_words

UP = "run `lab up`"
HIDDEN = "not shown"
ANOTHER = "another one, not shown"

_PLURALS = frozenset(
    {"its CPUs", "its effective CPUs", "its CPU shares", "its memory nodes", "its kernel settings"},
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
            subject: the part of the lab that has it.
            what: its name, as it follows the subject in a sentence.
            declared: the declared value; None where it isn't declared.
            effective: the value that is found; None where there is none.
            remedy: how to correct a difference, as a clause.
            why: the cause of a difference, as a clause, if it is known.
        """
        self.compared[subject] += 1
        if declared == effective:
            return
        shown = self.shown(declared), self.shown(effective)
        message = f"{subject}: {what} {_in_words(what, *shown)}{f' ({why})' if why else ''}; {remedy}."
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


def _in_words(what: str, declared: str | None, effective: str | None) -> str:
    verb = "are" if what in _PLURALS else "is"
    if effective is None:
        return f"{verb} missing (declared: {declared})"
    if declared is None:
        return f"{verb} {effective}, which isn't declared"
    if declared == HIDDEN:
        return f"{verb}n't the declared one (neither is shown)"
    return f"{verb} {effective} instead of {declared}"


def differing_aspects(declared: ContainerState, running: RunningContainer) -> list[str]:
    """The limits and kernel settings that a container has otherwise than declared, though it is the recorded one.

    Pulumi doesn't correct them: its update ignores a limit that isn't declared. A new container has those declared.
    """
    found = running.state.aspects
    return [aspect for aspect, value in declared.aspects.items() if value != found[aspect]]


def compare_container(
    comparison: Comparison,
    declared: Declared,
    image: Mapping[str, str] | None,
    running: RunningContainer | None,
    *,
    limits_remedy: str = UP,
    host_memory: str = NONE,
) -> None:
    """Compare a container: that it exists and runs, its image, limits, kernel settings and environment.

    Args:
        comparison: where the differences go.
        declared: the container on record.
        image: the variables that its declared image brings; None where they aren't known and so not compared.
        running: the container of its id or name; None where there is none.
        limits_remedy: how the recorded container gets its declared limits back.
        host_memory: the memory limit of the host around it, which applies to it too.
    """
    subject = declared.subject
    if running is None:
        comparison.expect(subject, "the container", declared.name, None)
        return
    is_recorded = declared.id == running.id
    remedy = UP if is_recorded else f"remove it (`docker rm --force {declared.name}` on its engine) and {UP}"
    comparison.expect(
        subject,
        "the container",
        declared.id[:12],
        running.id[:12],
        remedy=remedy,
        why="it was made by hand under the same name, or the host was made again",
    )
    state = declared.state(running.state.environment if image is None else image)
    comparison.expect(subject, "its state", "running", running.status, remedy=_restart(declared.name, running.status))
    comparison.expect(subject, "its image", state.image_id, running.state.image_id, remedy=remedy)
    for aspect, found in running.state.aspects.items():
        # What the record leaves open, the engine chooses.
        value = state.aspects.get(aspect, found)
        comparison.expect(subject, f"its {aspect}", value, found, remedy=limits_remedy if is_recorded else remedy)
    _compare_environment(comparison, subject, state, running.state, remedy)
    if running.effective is not None:
        compare_effective(comparison, declared, running.state, running.effective, host_memory=host_memory)


def compare_effective(
    comparison: Comparison,
    declared: Declared,
    running: ContainerState,
    effective: Effective,
    *,
    host_memory: str = NONE,
) -> None:
    """Compare the limits that the kernel applies with the declared ones, where Docker's own don't differ already."""
    aspects = declared.state({}).aspects

    def expect(what: str, aspect: str, wanted: str, found: str) -> None:
        if running.aspects[aspect] == aspects[aspect]:
            remedy = f"restart it: `docker restart {declared.name}` on its engine"
            comparison.expect(declared.subject, what, wanted, found, remedy=remedy)

    cpus, memory = aspects["CPUs"], aspects["memory limit"]
    expect("its effective CPUs", "CPUs", cpus, _list(effective.cpus))
    wanted = host_memory if memory == NONE else memory
    if wanted != NONE:
        expect("its effective memory limit", "memory limit", wanted, size_in_words(effective.memory_bytes))
    quota = NONE if effective.cpu_quota is None else f"{effective.cpu_quota:g} CPUs"
    expect("its effective CPU quota", "CPU quota", aspects["CPU quota"], quota)
    if _list(effective.cpus) == cpus:
        for process in effective.processes:
            what = f"the affinity of its process {process.process_id} ({process.name})"
            expect(what, "CPUs", cpus, _list(process.cpus))


def _compare_environment(
    comparison: Comparison, subject: str, state: ContainerState, running: ContainerState, remedy: str
) -> None:
    for name in sorted(state.environment | running.environment):
        declared, found = state.environment.get(name), running.environment.get(name)
        if comparison.shown(declared) == HIDDEN:
            # The value in place of a secret may be one as well.
            declared, found = HIDDEN, found and (HIDDEN if declared == found else ANOTHER)
        elif declared is None:
            # A variable that nobody declared may hold a secret.
            found = "set"
        comparison.expect(subject, f"its variable {name}", declared, found, remedy=remedy)


def _restart(name: str, status: str) -> str:
    if status == "paused":
        return f"let it go on: `docker unpause {name}` on its engine"
    if status == "restarting":
        return "it ends again and again: `lab logs` shows why"
    return UP


def _list(cpus: Sequence[int]) -> str:
    return ",".join(map(str, cpus))
