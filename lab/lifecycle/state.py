"""What Pulumi has on record: resources, containers as they are declared, unfinished operations, and the lock."""

import base64
import importlib.util
import json
import pickletools
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, cast
from urllib.parse import urlsplit

from documents.errors import DocumentError, LabError
from documents.files import remove_lines
from documents.lab import ContainerState, Host, Inventory
from documents.stack import Bill
from lab.hosts import LOAD_HOST
from lab.lifecycle.engine import Engine, command_of, end_session
from provision.containers import (
    ALL,
    LOCAL_DOCKER,
    NONE,
    DockerClient,
    HostDocker,
    count_in_words,
    cpus_in_words,
    find_labelled,
    mapping_in_words,
    quota_in_words,
    remove_labelled,
    size_in_words,
    split_environment,
)
from provision.ssh import connect


@dataclass(frozen=True)
class Recorded:
    """One resource on record: its type, its name in the program, its id at its provider, and its URN."""

    kind: str
    name: str
    id: str
    urn: str


class Reservation(NamedTuple):
    """A reservation on record: the URN of its resource, and the existing host that it is on."""

    urn: str
    host: Host


@dataclass(frozen=True)
class State:
    """The stack as Pulumi recorded it.

    Without a record it is empty. `pending` says that an operation never ended. `host` and `host_id` are set once the
    host was ready or reserved, `lab`, which distinguishes this lab from another of its name, once it has credentials.
    `reservations` has the reservation on each existing host, by its address. `bill` is the cost of a cloud's machines,
    set as soon as Pulumi begins to create them. `missing_code` has the modules that created a resource and that
    this checkout lacks.
    """

    resources: tuple[Recorded, ...] = ()
    pending: bool = False
    host: Host | None = None
    host_id: str | None = None
    lab: str | None = None
    reservations: Mapping[str, Reservation] = field(default_factory=dict[str, Reservation])
    bill: Bill | None = None
    missing_code: tuple[str, ...] = ()

    @property
    def containers(self) -> tuple[Recorded, ...]:
        """The containers on record, the host's own among them."""
        return tuple(resource for resource in self.resources if resource.kind.startswith("docker:index/container:"))

    @property
    def is_ready(self) -> bool:
        """Whether the host was prepared; before that its engine has nothing of the lab."""
        return any(resource.kind.endswith(":ReadyHost") for resource in self.resources)


def ensure_stack(engine: Engine) -> None:
    """Create Pulumi's record of the stack if there is none; the selected stack stays selected.

    Raises:
        LabError: Pulumi refused.
    """
    if not is_recorded(engine):
        # Pulumi would check the passphrase against the salt of a removed state, and call it incorrect.
        remove_lines(engine.root / f"Pulumi.{engine.stack}.yaml", "encryptionsalt:")
        engine.query("stack", "init", "--no-select")


def is_recorded(engine: Engine) -> bool:
    """Whether Pulumi has a record of the stack, which may be empty."""
    return (_state_folder(engine) / "stacks" / "fairground" / f"{engine.stack}.json").exists()


def list_recorded(engine: Engine) -> tuple[str, ...]:
    """The names of all stacks of this checkout on record, also of empty records."""
    return tuple(sorted(path.stem for path in (_state_folder(engine) / "stacks" / "fairground").glob("*.json")))


def read_state(engine: Engine) -> State:
    """Read the record of the stack; the state is empty if there is none.

    Raises:
        LabError: Pulumi can't read it.
    """
    if not is_recorded(engine):
        return State()
    deployment = _read_deployment(engine)
    everything: list[dict[str, Any]] = deployment.get("resources", [])
    resources = [resource for resource in everything if resource.get("custom")]
    host, host_id, lab = None, None, None
    reservations: dict[str, Reservation] = {}
    for resource in resources:
        # A failed `up` may have left the record of a resource that was replaced.
        if _describes_the_host(resource) and not resource.get("delete"):
            host = Host.from_json(resource["inputs"]["host"], name="the recorded host")
            host_id = resource["inputs"].get("host_id", resource.get("id"))
        if resource["type"].endswith(":ReservedHost"):
            reached = Host.from_json(resource["inputs"]["host"], name="a recorded host")
            reservations[reached.address] = Reservation(resource["urn"], reached)
        elif resource["type"].endswith(":Credentials"):
            lab = resource["outputs"].get("user_public_key")
    return State(
        resources=tuple(
            Recorded(resource["type"], resource["urn"].rpartition("::")[2], resource.get("id", ""), resource["urn"])
            for resource in resources
            if not resource["type"].startswith("pulumi:")
        ),
        pending=bool(deployment.get("pending_operations")),
        host=host,
        host_id=host_id,
        lab=lab,
        reservations=reservations,
        bill=_read_bill(everything),
        missing_code=tuple(sorted({module for one in resources for module in _missing_modules(one)})),
    )


def _read_deployment(engine: Engine) -> dict[str, Any]:
    """Pulumi's record, with its secrets: the code of a dynamic resource is one, and variables of a container are."""
    return json.loads(engine.query("stack", "export", "--show-secrets"))["deployment"]


def require_own_code(engine: Engine, state: State) -> None:
    """Refuse a lab that was stood up by a release whose code isn't here: what it created couldn't be deleted.

    Raises:
        LabError: it is such a lab; says what to do.
    """
    if state.missing_code:
        raise LabError(
            f"The lab {engine.stack} was stood up by another release of Fairground, and this one lacks the code to "
            f"change or remove it ({', '.join(state.missing_code)}). In this folder, check out the commit that stood "
            "it up, and run `make setup` and `lab down`; then come back."
        )


def _missing_modules(resource: dict[str, Any]) -> Iterator[str]:
    """The modules that the record of a dynamic resource needs, its provider pickled, and that don't exist here."""
    provider = _plain(resource.get("outputs", {}).get("__provider", ""))
    for _opcode, argument, _position in pickletools.genops(base64.b64decode(provider)) if provider else ():
        if isinstance(argument, str) and argument.startswith("lab.") and not _exists(argument):
            yield argument


def _exists(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        # Its package doesn't exist either.
        return False


def _describes_the_host(resource: dict[str, Any]) -> bool:
    """Whether a resource describes the lab's host, and not a load host."""
    if resource["type"].endswith(":ReservedHost"):
        return not resource["inputs"].get("for_load")
    return str(resource["type"]).endswith(":ReadyHost")


def _read_bill(resources: list[dict[str, Any]]) -> Bill | None:
    """The bill that a cloud's component was declared with; None for one of another release's shape."""
    for resource in resources:
        if resource["type"].startswith("fairground:hosts:") and (bill := resource.get("inputs", {}).get("bill")):
            try:
                return Bill.from_json(json.dumps(bill), name="the recorded bill")
            except DocumentError:
                # It is shown and confirmed again.
                return None
    return None


def release_stale_lock(engine: Engine) -> bool:
    """Remove the lock of an engine that has ended, and end what it left running; returns whether there was one.

    A killed engine leaves its language host, program and plugins alive. Where it was started by `lab`, they are in
    its session, and only those are ended.

    Raises:
        LabError: the Pulumi engine that holds the lock is at work.
    """
    released = False
    for path in _lock_files(engine):
        lock = json.loads(path.read_text(encoding="utf-8"))
        process_id = int(lock["pid"])
        if command_of(process_id) == "pulumi":
            raise LabError(
                f"The stack {engine.stack} is being worked on by pulumi, process {process_id}; "
                "wait for its end, or end it and try again."
            )
        end_session(process_id, engine.environment["PULUMI_BACKEND_URL"])
        path.unlink(missing_ok=True)
        released = True
    return released


def _lock_files(engine: Engine) -> list[Path]:
    """The lock files of pulumi's file backend (pkg/backend/diy/lock.go): one for each holder, JSON with its pid."""
    return sorted(_state_folder(engine).glob(f"locks/**/{engine.stack}/*.json"))


def _state_folder(engine: Engine) -> Path:
    return Path(urlsplit(engine.environment["PULUMI_BACKEND_URL"]).path) / ".pulumi"


def remove_superseded_images(engine: Engine, inventory: Inventory) -> None:
    """Remove the stack's images that are no longer on record, from the controller's engine and from the host's.

    Raises:
        LabError: Pulumi, or the controller's Docker engine, refused.
        HostError: the host can't be reached, or its engine refused.
    """
    recorded = [resource.id for resource in read_state(engine).resources]
    if inventory.host.kind == "container":
        _remove_superseded(LOCAL_DOCKER, engine.stack, recorded)
    with connect(inventory.host) as connection:
        _remove_superseded(HostDocker(connection), engine.stack, recorded)


def _remove_superseded(docker: DockerClient, stack: str, recorded: Collection[str]) -> None:
    for thing in find_labelled(docker, stack):
        if thing.kind == "image" and not _is_image_recorded(thing.name, recorded):
            remove_labelled(docker, thing)


def _is_image_recorded(name: str, recorded: Collection[str]) -> bool:
    """Whether an image is on record: its id there is its name, or ends in its name if Docker's provider created it."""
    return any(identity.endswith(name) for identity in recorded)


_SECRET = "4dabf18193072939515e22adb298388d"  # noqa: S105 - the key by which the engine marks one, and no secret
"""The key that marks a special value in Pulumi's records. Source: sdk/go/common/resource/sig/sig.go."""

_IS_HOST = "fairground:hosts:ContainerHost$docker:index/container:Container::"
"""The part of the URN of a container that is a host of the lab."""

_MEGABYTE = 1024**2


@dataclass(frozen=True)
class DeclaredContainer:
    """A container as the last `lab up` declared it.

    Attributes:
        subject: its name in the program.
        id: its id on its engine.
        inputs: what the program declares for it, by pulumi-docker's names.
    """

    subject: str
    id: str
    inputs: Mapping[str, Any] = field(repr=False)

    @property
    def name(self) -> str:
        """Its name on its engine."""
        return str(self.inputs["name"])

    @property
    def image_id(self) -> str:
        """The id of its image."""
        return str(self.inputs["image"])

    def state(self, image: Mapping[str, str]) -> ContainerState:
        """The container in the words in which a running one is described; `image` has the variables of its image."""
        memory, swap = self.inputs.get("memory", 0), self.inputs.get("memorySwap")
        nano_cpus = round(float(self.inputs.get("cpus", 0)) * 1e9)
        aspects = {
            "CPUs": cpus_in_words(self.inputs.get("cpuSet")),
            # Pulumi-docker has no input for memory nodes, process limit and block I/O weight, so no program sets them.
            "memory nodes": ALL,
            "process limit": NONE,
            "block I/O weight": NONE,
            "CPU quota": quota_in_words(nano_cpus, self.inputs.get("cpuQuota"), self.inputs.get("cpuPeriod")),
            "CPU shares": count_in_words(self.inputs.get("cpuShares")),
            "memory limit": size_in_words(memory * _MEGABYTE),
            "memory reservation": size_in_words(self.inputs.get("memoryReservation", 0) * _MEGABYTE),
            "kernel settings": mapping_in_words(self.inputs.get("sysctls")),
        }
        # Where memory is limited and swap isn't, Docker chooses the limit of both.
        if swap is not None or not memory:
            aspects["memory and swap limit"] = size_in_words((swap or 0) * _MEGABYTE)
        environment = {**image, **split_environment(self.inputs.get("envs"))}
        return ContainerState(image_id=self.image_id, aspects=aspects, environment=environment)


@dataclass(frozen=True)
class DeclaredLab:
    """The lab's hosts on record, where they are containers, and the containers on the lab's host."""

    host: DeclaredContainer | None
    load_hosts: tuple[DeclaredContainer, ...]
    containers: tuple[DeclaredContainer, ...]


def read_declared(engine: Engine) -> DeclaredLab:
    """The containers on record.

    Raises:
        LabError: Pulumi can't read its record.
    """
    containers = [
        one
        for one in _read_deployment(engine).get("resources", [])
        if one["type"].startswith("docker:index/container:") and not one.get("delete")
    ]
    hosts = {one.subject: one for one in (_as_declared(one) for one in containers if _IS_HOST in one["urn"])}
    load_hosts = sorted(hosts.keys() - {"host"}, key=lambda name: int(name.removeprefix(LOAD_HOST)))
    return DeclaredLab(
        host=hosts.get("host"),
        load_hosts=tuple(hosts[name] for name in load_hosts),
        containers=tuple(_as_declared(one) for one in containers if _IS_HOST not in one["urn"]),
    )


def _as_declared(resource: dict[str, Any]) -> DeclaredContainer:
    return DeclaredContainer(resource["urn"].rpartition("::")[2], resource.get("id", ""), _plain(resource["inputs"]))


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever JSON can hold
    """A recorded value with its secrets in plain text."""
    if isinstance(value, dict):
        recorded = cast("dict[str, Any]", value)
        if _SECRET in recorded and "plaintext" in recorded:
            return _plain(json.loads(recorded["plaintext"]))
        return {name: _plain(member) for name, member in recorded.items()}
    if isinstance(value, list):
        return [_plain(member) for member in cast("list[Any]", value)]
    return value
