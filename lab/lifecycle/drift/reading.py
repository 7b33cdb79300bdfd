"""What PostgreSQL and Redis are at work with, against what the inventory tells of them."""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from documents.errors import HostError, HostUnreachableError, LabError
from documents.lab import STACK_LABEL, Drift, Inventory, PostgresService, RedisService, RunningContainer, Secrets
from lab.leftovers import find_labelled, run_docker
from lab.lifecycle.drift import containers
from lab.lifecycle.drift.containers import UP, Comparison
from lab.lifecycle.drift.declared import Declared, DeclaredBase, DeclaredLab, read_declared, state_of
from lab.lifecycle.engine import Engine
from provision.containers import ALL, NONE, Running, as_running, members, read_container, read_image, read_running
from provision.kernel import Place, is_settable, tuning
from provision.services import PostgresState, means, read_postgres, read_redis, seed_database
from provision.ssh import Connection, connect

_OWN = frozenset({"user", "database", "database user"})
"""Where a setting comes from that is a role's or a database's own."""


def compare_postgres(
    comparison: Comparison, postgres: PostgresService, state: PostgresState, *, contract_sha256: str | None
) -> None:
    """Compare PostgreSQL's settings, its databases and the seed with the inventory.

    A setting of the server's command line goes before one that ALTER SYSTEM wrote, and after one of a role or of a
    database.
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
            why="without effect, for the server's command line goes first" if idle else "",
        )
    for name in (postgres.database, seed_database(postgres)):
        comparison.expect(subject, "its database", name, name if name in state.databases else None, remedy=_RESTART)
    if contract_sha256 is not None and seed_database(postgres) in state.databases:
        comparison.expect(subject, "its seeded contract", contract_sha256, state.seeded_contract, remedy=_RESTART)


_RESTART = "run `lab down` and `lab up`, which seed it anew"


def redis_settings(redis: RedisService) -> dict[str, str]:
    """What the lab's configuration of Redis says, by name, but for the password."""
    return {
        "bind": "127.0.0.1",
        "port": str(redis.port),
        **{name: value.strip('"') for name, value in redis.settings.items()},
    }


def compare_redis(comparison: Comparison, redis: RedisService, found: Mapping[str, str]) -> None:
    """Compare the settings that the lab gives Redis with those that it has."""
    for name, declared in sorted(redis_settings(redis).items()):
        comparison.expect(
            "redis",
            f"its setting {name}",
            declared or '""',
            None if name not in found else found[name] or '""',
            remedy=f"restart it: `docker restart {redis.container}` on its engine",
        )


_UNCHANGED = frozenset({"same", "read", "refresh"})

_UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What stands for a value that only the making will tell. Source: sdk/go/common/resource/plugin/rpc.go."""

_SHOWN_CHARACTERS = 60


def compare_document(comparison: Comparison, engine: Engine) -> None:
    """Compare what the program declares now with what the last `up` applied. Nothing is changed.

    Raises:
        LabError: the engine refused.
    """
    tell_steps(comparison, json.loads(engine.query("preview", "--json")))


def tell_steps(comparison: Comparison, preview: Mapping[str, Any]) -> None:
    """Tell what `pulumi preview --json` found, a difference for each property of a resource."""
    comparison.compared[_SUBJECT] += preview.get("changeSummary", {}).get("same", 0)
    for step in preview.get("steps", []):
        name, operation = step["urn"].rpartition("::")[2], step["op"]
        kind = step["urn"].rpartition("::")[0].rpartition(":")[2]
        if operation in _UNCHANGED or kind == "Stack":
            continue
        if operation.startswith("create") and not step.get("oldState"):
            comparison.expect(_SUBJECT, f"the resource {name} ({kind})", "made", None)
        elif operation == "delete":
            comparison.expect(_SUBJECT, f"the resource {name} ({kind})", None, "still there")
        else:
            _tell_properties(comparison, f"{name} ({kind})", step)


_SUBJECT = "document"


def _tell_properties(comparison: Comparison, resource: str, step: Mapping[str, Any]) -> None:
    old, new = (members(members(step, state), "inputs") for state in ("oldState", "newState"))
    for name in step.get("diffReasons") or ["what it is made of"]:
        declared, applied = _shown(new.get(name)), _shown(old.get(name))
        if declared == applied:
            declared, applied = "as the document says now", "as the last `lab up` left it"
        comparison.expect(_SUBJECT, f"{name} of {resource}", declared, applied, why="not applied yet")


def _shown(value: Any) -> str:  # noqa: ANN401 - whatever JSON can hold
    """A value in a few words; the preview itself has no secret in plain text."""
    if value is None:
        return "not set"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if _UNKNOWN in text:
        return "known once it is made"
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"


Hold = Callable[[Connection], AbstractContextManager[None]]

_ANEW = "run `lab down` and `lab up`"


def read_drift(engine: Engine, inventory: Inventory, secrets: Secrets, *, hold: Hold) -> Drift:
    """Compare what the lab declares with what runs. Nothing is changed.

    A host that isn't there, or doesn't run, is told as that alone: nothing on it can be asked.

    Args:
        engine: the lab's Pulumi engine.
        inventory: the lab as it stood at its last `up`.
        secrets: the lab's secrets, so that none of them is told.
        hold: has the host to itself while it is asked, so that no run is disturbed and nothing is told of what a run
            does on purpose.

    Raises:
        LabError: the engine, or the controller's Docker engine, refused.
        HostError: the host can't be asked.
    """
    comparison = Comparison((secrets.postgres_password, secrets.redis_password, secrets.jwt_secret))
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
    comparison: Comparison, stack: str, declared: DeclaredLab
) -> Mapping[str, RunningContainer] | None:
    """Compare what is on the controller's own engine: the containers that are the lab's hosts.

    Returns:
        Those that run, by their names in the program; None where the lab's host itself doesn't.
    """
    hosts = [declared.host, *declared.load_hosts] if declared.host else []
    names = [host.name for host in hosts] or [f"fairground-{stack}-host"]
    filters = [word for name in names for word in ("--filter", f"name=^/?{name}$")]
    named = run_docker("ps", "--all", "--quiet", "--no-trunc", *filters).split()
    labelled = [thing.id for thing in find_labelled(stack) if thing.kind == "container"]
    there = [_inspect(identity) for identity in dict.fromkeys([*labelled, *named])]
    found = {host.subject: _find(there, host.id, host.name) for host in hosts}
    for container in there:
        if container not in found.values():
            remedy = f"remove it: `docker rm --force {container.state.name}`"
            containers.tell_stray(comparison, container, remedy=remedy)
    if not hosts:
        comparison.expect("host", "the container", names[0], None)
    for base in declared.bases:
        if not base.on_host and found.get("host") is not None:
            _compare_base(comparison, "controller", base, _image_id(base.tag))
    for host in hosts:
        _compare_container_host(comparison, host, found[host.subject])
    running = {name: one for name, one in found.items() if one is not None and one.status == "running"}
    return running if "host" in running else None


def _compare_container_host(comparison: Comparison, declared: Declared, found: RunningContainer | None) -> None:
    if found is None:
        comparison.expect(declared.subject, "the container", declared.name, None)
        return
    state = state_of(declared, _image(declared.image_id))
    # Its files are the host's own, which the host is asked for.
    containers.compare_container(
        comparison,
        declared,
        state.model_copy(update={"files": {}}),
        found,
        remedy=_ANEW,
        remedy_of=lambda aspect, value: _remedy_of_limit(declared, state.aspects, aspect, value),
    )


def _remedy_of_limit(host: Declared, aspects: dict[str, str], aspect: str, declared: str) -> str:
    """What gives the host's container its declared limits back; to be without one, it must be made anew."""
    if aspect not in containers.CHANGEABLE or declared in {ALL, NONE}:
        return _ANEW
    options = [f"--cpuset-cpus {aspects['CPUs']}", f"--restart {aspects['restart policy']}"]
    if memory := host.inputs.get("memory"):
        options.append(f"--memory {memory}m --memory-swap {host.inputs.get('memorySwap', memory)}m")
    return f"put it back: `docker update {' '.join(options)} {host.name}`"


def _compare_host(
    comparison: Comparison,
    connection: Connection,
    inventory: Inventory,
    declared: DeclaredLab,
    here: RunningContainer | None,
) -> None:
    services = (inventory.postgres, inventory.redis, *inventory.apis)
    order = {service.container: number for number, service in enumerate(services)}
    wanted = sorted(declared.containers, key=lambda one: order.get(one.name, len(order)))
    bases = [base for base in declared.bases if base.on_host]
    own_files = declared.host.files if declared.host else {}
    running = read_running(
        connection,
        inventory.stack,
        names=[one.name for one in wanted],
        images=[*(one.image_id for one in wanted), *(base.tag for base in bases)],
        files={one.name: list(one.files) for one in wanted},
        own_files=list(own_files),
    )
    host_memory = (NONE, NONE)
    if declared.host is not None and here is not None:
        aspects = state_of(declared.host, None).aspects
        host_memory = aspects["memory limit"], here.state.aspects["memory limit"]
        _compare_within(comparison, declared.host, here, running)
    for base in bases:
        image = running.images.get(base.tag)
        _compare_base(comparison, "host", base, None if image is None else image["Id"])
    found = {one.name: _find(running.containers, one.id, one.name) for one in wanted}
    for container in running.containers:
        if container not in found.values():
            containers.tell_stray(comparison, container, remedy="`lab up` removes it")
    for one in wanted:
        _compare_one(comparison, one, found[one.name], running, host_memory=host_memory)
    alive = {name for name, container in found.items() if container is not None and container.status == "running"}
    _compare_services(comparison, connection, inventory, alive)
    if is_settable(inventory):
        for setting in tuning.read_left(connection, place=Place()):
            comparison.expect(
                "host",
                f"its kernel setting {setting.path}",
                setting.before,
                setting.value,
                remedy="run `lab tune --restore`",
                why="a run or `lab tune` set it, and it has yet to be put back",
            )


def _compare_load_hosts(
    comparison: Comparison, inventory: Inventory, declared: DeclaredLab, here: Mapping[str, RunningContainer]
) -> None:
    """Ask the load hosts that are containers, and run, for what is within them."""
    if not declared.load_hosts:
        return
    for one, load_host in zip(declared.load_hosts, inventory.load_hosts, strict=True):
        if one.subject in here:
            with connect(load_host.host) as connection:
                running = read_running(
                    connection, inventory.stack, names=[], images=[], files={}, own_files=list(one.files)
                )
            _compare_within(comparison, one, here[one.subject], running)


def _compare_within(comparison: Comparison, declared: Declared, here: RunningContainer, running: Running) -> None:
    """Compare what a host that is a container is held to, and its files, as it is seen within."""
    containers.compare_effective(comparison, declared, state_of(declared, None), here.state, running.effective)
    for path, digest in declared.files.items():
        containers.compare_file(comparison, declared.subject, path, digest, running.files.get(path), remedy=_ANEW)


def _find(there: Sequence[RunningContainer], identity: str | None, name: str) -> RunningContainer | None:
    """The container on record, whatever it is called now; else the one that has its name."""
    by_name = next((one for one in there if one.state.name == name), None)
    return next((one for one in there if one.id == identity), by_name)


def _compare_one(
    comparison: Comparison,
    declared: Declared,
    found: RunningContainer | None,
    running: Running,
    *,
    host_memory: tuple[str, str],
) -> None:
    if found is None:
        comparison.expect(declared.subject, "the container", declared.name, None)
        return
    image = running.images.get(declared.image_id)
    if image is None:
        remedy = "run `pulumi refresh --yes` and `lab up`"
        comparison.expect(declared.subject, "its declared image", declared.image_id, None, remedy=remedy)
        # So that only what differs between the two containers is told, and not what comes from either image.
        image = running.images.get(found.state.image_id)
    state = state_of(declared, image)
    # What carries the label and isn't on record is removed by `lab up`, which makes the declared one in its place.
    replaced = found.id != declared.id and STACK_LABEL in found.state.labels
    remedy = UP if replaced else containers.made_anew(declared.name)
    limits_remedy = remedy if found.id != declared.id else UP
    containers.compare_container(
        comparison, declared, state, found, remedy=remedy, remedy_of=lambda _aspect, _value: limits_remedy
    )
    if found.effective is not None:
        containers.compare_effective(comparison, declared, state, found.state, found.effective, host_memory=host_memory)


def _compare_services(comparison: Comparison, connection: Connection, inventory: Inventory, alive: set[str]) -> None:
    """Ask PostgreSQL and Redis, where they run; one that doesn't answer is a difference."""
    postgres, redis = inventory.postgres, inventory.redis
    if postgres.container in alive:
        try:
            state = read_postgres(connection, postgres)
        except HostUnreachableError:
            raise
        except HostError as error:
            _tell_silence(comparison, "postgres", error)
        else:
            compare_postgres(comparison, postgres, state, contract_sha256=inventory.contract_sha256)
    if redis.container in alive:
        try:
            found = read_redis(connection, redis, list(redis_settings(redis)))
        except HostUnreachableError:
            raise
        except HostError as error:
            _tell_silence(comparison, "redis", error)
        else:
            compare_redis(comparison, redis, found)


def _tell_silence(comparison: Comparison, subject: str, error: HostError) -> None:
    comparison.expect(subject, "its answer", "its settings", str(error), remedy=f"`lab logs {subject}` tells why")


def _compare_base(comparison: Comparison, subject: str, base: DeclaredBase, found: str | None) -> None:
    comparison.expect(subject, f"the base image {base.tag}", base.image_id, found, remedy=_ANEW)


def _inspect(identity: str) -> RunningContainer:
    inspected = read_container(run_docker("container", "inspect", identity), where="the Docker engine here")
    return as_running(inspected, _image(inspected["Image"]), None, {})


def _image(identity: str) -> dict[str, object] | None:
    try:
        return read_image(run_docker("image", "inspect", identity), where="the Docker engine here")
    except LabError as error:
        if "No such image" not in str(error):
            raise
        return None


def _image_id(tag: str) -> str | None:
    image = _image(tag)
    return None if image is None else str(image["Id"])
