"""The way of an implementation: from an entry in a stack until `lab verify` finds nothing."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from documents.errors import FairgroundError, RunError
from documents.lab import ApiService, Inventory, Secrets
from documents.stack import Api, ApiCheck, ApiCheckStep, Stack
from experiment.api_check.rules import UPLOADS, build_faults, image_faults, implementation_faults, missing_files
from experiment.bench import held, verify_api, wait_until_ready
from experiment.running import name_holder
from provision.containers import folder_owner, inspect_image
from provision.images import hash_build_context, image_bytes
from provision.services import wait_for_api
from provision.ssh import Connection, connect

SECTIONS = {
    "entry": "An entry in a stack",
    "files": "The folder",
    "builds": "Dockerfile",
    "implementation.yaml": "implementation.yaml",
    "lab": "Stand it up",
    "image": "The image",
    "container": "The container",
    "contract": "The contract",
}
"""The steps in their order, each with the heading of docs/adding-an-api.md that tells of it."""

_VALID = "it is valid, and the Dockerfile builds by it"
_READY_SECONDS = 20

Lab = tuple[Inventory, Secrets]

Value = TypeVar("Value")


class _FaultsError(RunError):
    """What is at fault in a step."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = tuple(faults)


class _Way:
    """The steps that were gone, each told as soon as it is known."""

    def __init__(self, tell: Callable[[ApiCheckStep], None]) -> None:
        self._tell = tell
        self.steps: list[ApiCheckStep] = []

    def go(self, name: str, look: Callable[[], tuple[Value, str]]) -> Value | None:
        """Go one step: what was found, or None where it failed. An error made on purpose is what is at fault."""
        try:
            found, good = look()
        except FairgroundError as error:
            faults = error.faults if isinstance(error, _FaultsError) else (str(error),)
            self._add(ApiCheckStep(name=name, outcome="failed", details=faults, section=SECTIONS[name]))
            return None
        self._add(ApiCheckStep(name=name, outcome="passed", details=(good,), section=SECTIONS[name]))
        return found

    def leave_out(self, names: Sequence[str], why: str) -> None:
        """Say of these steps that they weren't looked at."""
        for name in names:
            self._add(ApiCheckStep(name=name, outcome="not looked at", details=(why,), section=SECTIONS[name]))

    def _add(self, step: ApiCheckStep) -> None:
        self.steps.append(step)
        self._tell(step)


def check_api(
    project: Path,
    name: str,
    *,
    stack: str,
    read_document: Callable[[], Stack],
    read_lab: Callable[[], Lab],
    tell: Callable[[ApiCheckStep], None],
) -> ApiCheck:
    """Go the way with one API, on past a step that failed wherever the next ones can be looked at.

    The contract's checks leave the database as `verify_api` does. While a run holds the host they aren't run.

    Args:
        project: the checkout.
        name: the API's, in the stack's document.
        stack: the stack's name.
        read_document: reads the stack's document.
        read_lab: reads the lab as it stands.
        tell: is told of each step as soon as it is known.
    """
    way = _Way(tell)
    entry = way.go("entry", lambda: _find_entry(stack, read_document(), name))
    if entry is None:
        way.leave_out([*SECTIONS][1:], "without an entry nothing tells where its folder is")
    else:
        folder = project / entry.source
        way.go("files", lambda: _all_good(_missing(folder, entry.source), f"{entry.source} has them all"))
        way.go("builds", lambda: _all_good(build_faults(folder), "the Dockerfiles keep the lab's rules"))
        way.go("implementation.yaml", lambda: _all_good(implementation_faults(project, entry.source), _VALID))
        _go_on_to_the_lab(way, entry, folder, stack, read_lab)
    return ApiCheck(stack=stack, api=name, steps=tuple(way.steps))


def _go_on_to_the_lab(way: _Way, entry: Api, folder: Path, stack: str, read_lab: Callable[[], Lab]) -> None:
    on_the_host = ["image", "container", "contract"]
    lab = way.go("lab", lambda: _look_at_lab(entry, folder, stack, read_lab()))
    if lab is None:
        way.leave_out(on_the_host, "nothing that runs was made of the sources as they are")
        return
    inventory, secrets = lab
    service = inventory.api(entry.name)
    try:
        connection = connect(inventory.host)
    except FairgroundError as error:
        way.leave_out(on_the_host, str(error))
        return
    with connection:
        way.go("image", lambda: _look_at_image(connection, service))
        if way.go("container", lambda: _look_at_container(connection, inventory, service)):
            way.go("contract", lambda: _check_contract(connection, inventory, secrets, service))
        else:
            way.leave_out(["contract"], "nothing answers")


def _all_good(faults: Sequence[str], good: str) -> tuple[bool, str]:
    if faults:
        raise _FaultsError(faults)
    return True, good


def _find_entry(stack: str, document: Stack, name: str) -> tuple[Api, str]:
    for api in document.apis:
        if api.name == name:
            return api, f"stacks/{stack}.yaml: {api.source} at port {api.port}"
    known = ", ".join(api.name for api in document.apis)
    raise _FaultsError([f"stacks/{stack}.yaml has no API named {name}; it has {known}"])


def _missing(folder: Path, source: str) -> list[str]:
    return [f"there is no {source}/{name}, or it is empty" for name in missing_files(folder)]


def _look_at_lab(entry: Api, folder: Path, stack: str, lab: Lab) -> tuple[Lab, str]:
    service = next((api for api in lab[0].apis if api.name == entry.name), None)
    up = f"run `lab up --stack {stack}`"
    if service is None:
        raise _FaultsError([f"the lab {stack} is up without it; {up}"])
    if _as_declared(service) != _as_declared(entry):
        raise _FaultsError([f"its entry was changed since the lab was stood up; {up}"])
    if hash_build_context(folder) != service.source_sha256:
        raise _FaultsError([f"its image was made of other sources than {entry.source} has now; {up}"])
    return lab, f"the lab {stack} is up, with an image of these very sources ({service.image_id[7:19]})"


def _as_declared(api: Api | ApiService) -> tuple[object, ...]:
    return api.source, api.port, api.target, api.environment


def _look_at_image(connection: Connection, service: ApiService) -> tuple[bool, str]:
    inspected = inspect_image(connection, service.image_id)
    faults = image_faults(inspected, folder_owner(connection, service.image_id, UPLOADS))
    size = image_bytes(connection, service.image_id)
    return _all_good(faults, f"{size / 1e6:.1f} MB; user, entry point and {UPLOADS} are as they are to be")


def _look_at_container(connection: Connection, inventory: Inventory, service: ApiService) -> tuple[bool, str]:
    wait_for_api(connection, service, inventory.api_address)
    with connection.forward(service.port, inventory.api_address) as port:
        seen = wait_until_ready(f"http://127.0.0.1:{port}", deadline_seconds=_READY_SECONDS)
    faults = [] if seen is None else [f"it isn't ready after {_READY_SECONDS} s. {seen}"]
    return _all_good(faults, f"it listens at port {service.port} and is ready, its root file system read-only")


def _check_contract(
    connection: Connection, inventory: Inventory, secrets: Secrets, service: ApiService
) -> tuple[bool, str]:
    with held(connection, name_holder("lab api check")):
        results = verify_api(connection, inventory, secrets, service)
    faults = [f"{one.check}: {one.outcome}: {one.detail}" for one in results if one.outcome != "passed"]
    return _all_good(faults, f"all {len(results)} checks of `lab verify` passed")
