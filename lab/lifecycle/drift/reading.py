"""All of a lab's drift: its document, its containers, what the kernel holds them to, and its services' settings."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager

from documents.drift import Drift, RunningContainer
from documents.errors import HostError, HostUnreachableError, LabError
from documents.inventory import Inventory, Secrets
from documents.labels import STACK_LABEL
from lab.lifecycle.drift import containers
from lab.lifecycle.drift.comparison import UP, Comparison
from lab.lifecycle.drift.declared import Declared, DeclaredBase, DeclaredLab, read_declared, state_of
from lab.lifecycle.drift.pending import compare_document
from lab.lifecycle.drift.services import compare_postgres, compare_redis, redis_settings
from lab.lifecycle.engine import Engine
from lab.lifecycle.leftovers import find_labelled, run_docker
from provision import tuning
from provision.connection import Connection, connect
from provision.container_state import ALL, NONE
from provision.inspected import read_container, read_image
from provision.knobs import is_settable
from provision.running import Running, as_running, read_running
from provision.service_settings import read_postgres, read_redis
from provision.tuning import Place

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
