"""`lab verify --drift`: the document, the containers, PostgreSQL and Redis as declared and as they are."""

import json
from collections import Counter
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from pulumi.runtime.rpc import UNKNOWN

from documents.errors import HostError, HostUnreachableError
from documents.lab import (
    ContainerState,
    Difference,
    Drift,
    Effective,
    Inventory,
    PostgresService,
    RedisService,
    RunningContainer,
    Secrets,
    format_cpu_list,
)
from lab.hosts import LOAD_HOST
from lab.lifecycle.engine import Engine
from lab.lifecycle.state import DeclaredContainer, DeclaredLab, read_declared
from provision.containers import (
    ALL,
    LOCAL_DOCKER,
    NONE,
    find_labelled,
    members,
    read_container,
    read_running,
    size_in_words,
)
from provision.kernel import KnobPaths, tuning
from provision.services import PostgresState, means, read_postgres, read_redis, seed_database
from provision.ssh import Connection, connect

UP = "run `lab up`"
HIDDEN = "not shown"
ANOTHER = "another one, not shown"

_PLURALS = frozenset(
    {"its CPUs", "its effective CPUs", "its CPU shares", "its memory nodes", "its kernel settings"},
)


class DriftComparison:
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
    """The limits and kernel settings in which the recorded container differs from what is declared.

    Pulumi doesn't correct them: its update ignores a limit that isn't declared. A new container has the declared ones.
    """
    found = running.state.aspects
    return [aspect for aspect, value in declared.aspects.items() if value != found[aspect]]


def compare_container(
    comparison: DriftComparison,
    declared: DeclaredContainer,
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
        limits_remedy: how to restore the declared limits of the recorded container.
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
    comparison.expect(
        subject, "its state", "running", running.status, remedy=_remedy_of_state(declared.name, running.status)
    )
    comparison.expect(subject, "its image", state.image_id, running.state.image_id, remedy=remedy)
    for aspect, found in running.state.aspects.items():
        # Docker chooses what the record leaves open.
        value = state.aspects.get(aspect, found)
        comparison.expect(subject, f"its {aspect}", value, found, remedy=limits_remedy if is_recorded else remedy)
    _compare_environment(comparison, subject, state, running.state, remedy)
    if running.effective is not None:
        compare_effective(comparison, declared, running.state, running.effective, host_memory=host_memory)


def compare_effective(
    comparison: DriftComparison,
    declared: DeclaredContainer,
    running: ContainerState,
    effective: Effective,
    *,
    host_memory: str = NONE,
) -> None:
    """Compare the limits that the kernel applies with the declared ones, unless Docker's differ already."""
    aspects = declared.state({}).aspects

    def expect(what: str, aspect: str, wanted: str, found: str) -> None:
        if running.aspects[aspect] == aspects[aspect]:
            remedy = f"restart it: `docker restart {declared.name}` on its engine"
            comparison.expect(declared.subject, what, wanted, found, remedy=remedy)

    cpus, memory = aspects["CPUs"], aspects["memory limit"]
    expect("its effective CPUs", "CPUs", cpus, format_cpu_list(effective.cpus))
    wanted = host_memory if memory == NONE else memory
    if wanted != NONE:
        expect("its effective memory limit", "memory limit", wanted, size_in_words(effective.memory_bytes))
    quota = NONE if effective.cpu_quota is None else f"{effective.cpu_quota:g} CPUs"
    expect("its effective CPU quota", "CPU quota", aspects["CPU quota"], quota)
    if format_cpu_list(effective.cpus) == cpus:
        for process in effective.processes:
            what = f"the affinity of its process {process.process_id} ({process.name})"
            expect(what, "CPUs", cpus, format_cpu_list(process.cpus))


def _compare_environment(
    comparison: DriftComparison, subject: str, state: ContainerState, running: ContainerState, remedy: str
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


def _remedy_of_state(name: str, status: str) -> str:
    if status == "paused":
        return f"resume it: `docker unpause {name}` on its engine"
    if status == "restarting":
        return "it keeps restarting: `lab logs` shows why"
    return UP


_OWN = frozenset({"user", "database", "database user"})
"""The sources of settings of a role or of a database."""

_SEED_AGAIN = "run `lab down` and `lab up`, which seed it again"


def compare_postgres(
    comparison: DriftComparison, postgres: PostgresService, state: PostgresState, *, contract_sha256: str
) -> None:
    """Compare PostgreSQL's settings, its databases and the seed with the inventory.

    A setting of the server's command line has precedence over one that ALTER SYSTEM wrote. One of a role or of a
    database has precedence over both.
    """
    subject = "postgres"
    for name, declared in sorted({**postgres.settings, "port": str(postgres.port)}.items()):
        setting = state.settings.get(name)
        if setting is None:
            comparison.expect(subject, f"its setting {name}", declared, None)
        elif setting.source not in _OWN:
            effective = declared if means(declared, setting) else setting.shown
            comparison.expect(subject, f"its setting {name}", declared, effective)
    for override in state.overrides:
        role, database = override.role, override.database
        owners = " in ".join(
            [*([f"the role {role}"] if role else []), *([f"the database {database}"] if database else [])]
        )
        target = f"ROLE {role or 'ALL'}{f' IN DATABASE {database}' if database else ''}"
        if database and not role:
            target = f"DATABASE {database}"
        comparison.expect(
            subject,
            f"its setting {override.name} for {owners or 'all roles'}",
            None,
            override.value,
            remedy=f"take it back with `ALTER {target} RESET {override.name}`",
        )
    for name, value in sorted(state.altered.items()):
        idle = name in postgres.settings or name == "port"
        comparison.expect(
            subject,
            f"its setting {name} by ALTER SYSTEM",
            None,
            value,
            remedy=f"take it back with `ALTER SYSTEM RESET {name}` and `SELECT pg_reload_conf()`",
            why="without effect, because the server's command line has precedence" if idle else "",
        )
    for name in (postgres.database, seed_database(postgres)):
        comparison.expect(subject, "its database", name, name if name in state.databases else None, remedy=_SEED_AGAIN)
    if seed_database(postgres) in state.databases:
        comparison.expect(subject, "its seeded contract", contract_sha256, state.seeded_contract, remedy=_SEED_AGAIN)


def redis_settings(redis: RedisService) -> dict[str, str]:
    """The lab's settings of Redis by name, without the password."""
    return {
        "bind": "127.0.0.1",
        "port": str(redis.port),
        **{name: value.strip('"') for name, value in redis.settings.items()},
    }


def compare_redis(comparison: DriftComparison, redis: RedisService, found: Mapping[str, str]) -> None:
    """Compare the settings that the lab gives Redis with those that it has."""
    for name, declared in sorted(redis_settings(redis).items()):
        comparison.expect(
            "redis",
            f"its setting {name}",
            declared or '""',
            None if name not in found else found[name] or '""',
            remedy=f"restart it: `docker restart {redis.container}` on its engine",
        )


_DOCUMENT = "document"

_UNCHANGED = frozenset({"same", "read", "refresh"})

_SHOWN_CHARACTERS = 60


def compare_document(comparison: DriftComparison, engine: Engine) -> None:
    """Compare what the program declares now with what the last `up` applied. Nothing is changed.

    Raises:
        LabError: Pulumi refused.
    """
    compare_steps(comparison, json.loads(engine.query("preview", "--json")))


def compare_steps(comparison: DriftComparison, preview: Mapping[str, Any]) -> None:
    """Compare by what `pulumi preview --json` found, a difference for each property of a resource."""
    comparison.compared[_DOCUMENT] += preview.get("changeSummary", {}).get("same", 0)
    for step in preview.get("steps", []):
        name, operation = step["urn"].rpartition("::")[2], step["op"]
        kind = step["urn"].rpartition("::")[0].rpartition(":")[2]
        if operation in _UNCHANGED or kind == "Stack":
            continue
        if operation.startswith("create") and not step.get("oldState"):
            comparison.expect(_DOCUMENT, f"the resource {name} ({kind})", "created", None)
        elif operation == "delete":
            comparison.expect(_DOCUMENT, f"the resource {name} ({kind})", None, "still there")
        else:
            _compare_properties(comparison, f"{name} ({kind})", step)


def _compare_properties(comparison: DriftComparison, resource: str, step: Mapping[str, Any]) -> None:
    old, new = (members(members(step, state), "inputs") for state in ("oldState", "newState"))
    for name in step.get("diffReasons") or ["its inputs"]:
        declared, applied = _shown(new.get(name)), _shown(old.get(name))
        if declared == applied:
            declared, applied = "as the document has it now", "as the last `lab up` left it"
        comparison.expect(_DOCUMENT, f"{name} of {resource}", declared, applied, why="not applied yet")


def _shown(value: Any) -> str:  # noqa: ANN401 - whatever JSON can hold
    """A value in a few words; the preview itself has no secret in plain text."""
    if value is None:
        return "not set"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if UNKNOWN in text:
        return "known once it is created"
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"


Hold = Callable[[Connection], AbstractContextManager[None]]

_REBUILD = "run `lab down` and `lab up`"


def read_drift(engine: Engine, inventory: Inventory, secrets: Secrets, *, hold: Hold) -> Drift:
    """Compare the lab as it is declared with the lab as it runs. Nothing is changed.

    If the host doesn't run, that is the only difference: nothing on it can be read.

    Args:
        engine: the lab's Pulumi engine.
        inventory: the lab at its last `up`.
        secrets: the lab's secrets, so that none of them is shown.
        hold: holds the host during the comparison, so that it disturbs no run and shows nothing that a run changes on
            purpose.

    Raises:
        LabError: Pulumi, or the controller's Docker engine, refused.
        HostError: the host can't be read.
    """
    comparison = DriftComparison(secrets.values())
    declared = read_declared(engine)
    here: Mapping[str, RunningContainer] | None = {}
    if inventory.host.kind == "container":
        here = _compare_controller(comparison, engine.stack, declared)
    if here is not None:
        with connect(inventory.host) as connection, hold(connection):
            _compare_host(comparison, connection, inventory, declared, here.get("host"))
            _compare_load_hosts(comparison, inventory, declared, here)
            compare_document(comparison, engine)
    return Drift(stack=inventory.stack, compared=dict(comparison.compared), differences=tuple(comparison.differences))


def _compare_controller(
    comparison: DriftComparison, stack: str, declared: DeclaredLab
) -> Mapping[str, RunningContainer] | None:
    """Compare the containers that are the lab's hosts, on the controller's own engine.

    Returns:
        Those that run, by their names in the program; None where the lab's host itself doesn't.
    """
    hosts = [declared.host, *declared.load_hosts] if declared.host else []
    names = [host.name for host in hosts] or [f"fairground-{stack}-host"]
    filters = [word for name in names for word in ("--filter", f"name=^/?{name}$")]
    named = LOCAL_DOCKER.run("ps", "--all", "--quiet", "--no-trunc", *filters).split()
    labelled = [thing.id for thing in find_labelled(LOCAL_DOCKER, stack) if thing.kind == "container"]
    there = [
        read_container(LOCAL_DOCKER.run("container", "inspect", identity), where=LOCAL_DOCKER)
        for identity in dict.fromkeys([*labelled, *named])
    ]
    found = {host.subject: _find(there, host) for host in hosts}
    _report_strays(comparison, there, found.values(), "remove it: `docker rm --force {}`")
    if not hosts:
        comparison.expect("host", "the container", names[0], None)
    for host in hosts:
        compare_container(comparison, host, None, found[host.subject], limits_remedy=remedy_of_limits(host))
    running = {name: one for name, one in found.items() if one is not None and one.status == "running"}
    return running if "host" in running else None


def remedy_of_limits(host: DeclaredContainer) -> str:
    """The command that restores the declared limits of a host's container; without any, it has to be recreated."""
    aspects = host.state({}).aspects
    if aspects["CPUs"] == ALL:
        return _REBUILD
    options = [f"--cpuset-cpus {aspects['CPUs']}"]
    if memory := host.inputs.get("memory"):
        options.append(f"--memory {memory}m --memory-swap {host.inputs.get('memorySwap', memory)}m")
    return f"put it back: `docker update {' '.join(options)} {host.name}`, or {_REBUILD}"


def _compare_host(
    comparison: DriftComparison,
    connection: Connection,
    inventory: Inventory,
    declared: DeclaredLab,
    here: RunningContainer | None,
) -> None:
    parts = (*inventory.services.values(), *inventory.apis)
    order = {part.container: number for number, part in enumerate(parts)}
    wanted = sorted(declared.containers, key=lambda one: order.get(one.name, len(order)))
    running = read_running(
        connection,
        inventory.stack,
        names=[one.name for one in wanted],
        images=[one.image_id for one in wanted],
    )
    host_memory = NONE
    if declared.host is not None and here is not None:
        host_memory = here.state.aspects["memory limit"]
        compare_effective(comparison, declared.host, here.state, running.effective)
    found = {one.name: _find(running.containers, one) for one in wanted}
    _report_strays(comparison, running.containers, found.values(), "`lab up` removes it")
    for one in wanted:
        image = running.images[one.image_id]
        if image is None:
            remedy = "run `pulumi refresh --yes` and `lab up`"
            comparison.expect(one.subject, "its declared image", one.image_id, None, remedy=remedy)
        compare_container(comparison, one, image, found[one.name], host_memory=host_memory)
    alive = {name for name, container in found.items() if container is not None and container.status == "running"}
    _compare_services(comparison, connection, inventory, alive)
    if inventory.own_kernel:
        for setting in tuning.read_left(connection, paths=KnobPaths()):
            comparison.expect(
                "host",
                f"its kernel setting {setting.path}",
                setting.before,
                setting.value,
                remedy="run `lab tune --restore`",
                why="a run or `lab tune` set it, and it has yet to be put back",
            )


def _compare_load_hosts(
    comparison: DriftComparison, inventory: Inventory, declared: DeclaredLab, here: Mapping[str, RunningContainer]
) -> None:
    """Compare the effective limits of the load hosts that are containers and run.

    The record may lack one of the inventory's: `lab up` takes one that is gone off it, and may then fail.
    """
    recorded = {one.subject: one for one in declared.load_hosts}
    for number, load_host in enumerate(inventory.load_hosts, start=1):
        name = f"{LOAD_HOST}{number}"
        if name in recorded and name in here:
            with connect(load_host.host) as connection:
                running = read_running(connection, inventory.stack, names=[], images=[])
            compare_effective(comparison, recorded[name], here[name].state, running.effective)


def _find(there: Sequence[RunningContainer], declared: DeclaredContainer) -> RunningContainer | None:
    """The container with the recorded id, under any name; otherwise the one with its name."""
    by_name = next((one for one in there if one.name == declared.name), None)
    return next((one for one in there if one.id == declared.id), by_name)


def _report_strays(
    comparison: DriftComparison,
    there: Sequence[RunningContainer],
    found: Collection[RunningContainer | None],
    remedy: str,
) -> None:
    """Report the containers with the lab's label that nobody declared."""
    for container in there:
        if container not in found:
            comparison.expect(
                container.name, "the container", None, container.status, remedy=remedy.format(container.name)
            )


def _compare_services(
    comparison: DriftComparison, connection: Connection, inventory: Inventory, alive: set[str]
) -> None:
    """Compare PostgreSQL and Redis, where they run; one that doesn't answer is a difference."""
    postgres, redis = inventory.postgres, inventory.redis
    if postgres.container in alive:
        with _silence_reported(comparison, "postgres"):
            state = read_postgres(connection, postgres)
            compare_postgres(comparison, postgres, state, contract_sha256=inventory.contract_sha256)
    if redis.container in alive:
        with _silence_reported(comparison, "redis"):
            compare_redis(comparison, redis, read_redis(connection, redis, list(redis_settings(redis))))


@contextmanager
def _silence_reported(comparison: DriftComparison, subject: str) -> Generator[None]:
    try:
        yield
    except HostUnreachableError:
        raise
    except HostError as error:
        remedy, why = f"`lab logs {subject}` shows more", str(error).rstrip(".")
        comparison.expect(subject, "its server", "answering", "silent", remedy=remedy, why=why)
