"""`lab api check`: an entry in a stack, the rules of folder, Dockerfiles and image, and the contract's checks."""

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from documents.errors import DocumentError, FairgroundError, RunError
from documents.lab import UPLOAD_FOLDER, ApiService, Inventory, Secrets, short_image_id
from documents.report import ApiCheck, ApiCheckStep
from documents.stack import SECRET_ENVIRONMENT, Api, Implementation, Stack
from experiment.bench import CHECK_READY_SECONDS, held, verify_api, wait_until_ready
from experiment.facts import FILE_NAME, count_lines, read_implementation
from provision.containers import folder_owner, inspect_image, items, members, split_environment
from provision.images import hash_build_context, image_bytes
from provision.services import wait_for_api
from provision.ssh import Connection, connect

STAGES = ("source", "floor", "redis-floor", "api")
"""The stages that the lab builds or runs; the last one is the image."""

_CACHE_PREFIX = "fairground-"
_SYNTAX = re.compile(r"^#\s*syntax\s*=", re.IGNORECASE)
_STAGE = re.compile(r"^(?:--\S+ )*(\S+)(?: as (\S+))?$", re.IGNORECASE)
_CACHE_MOUNT = re.compile(r"--mount=(\S*type=cache\S*)")


class _Instruction(NamedTuple):
    """A keyword in capitals, and its arguments separated by single blanks."""

    keyword: str
    rest: str


def dockerfile_faults(text: str) -> list[str]:
    """The faults of an image's Dockerfile, in the order of its lines."""
    instructions = _instructions(text)
    faults = _common_faults(text, instructions)
    stages = [found[2] or "" for found in map(_STAGE.match, _of(instructions, "FROM")) if found]
    missing = [stage for stage in STAGES if stage not in stages]
    if missing:
        faults.append(f"it lacks these stages: {', '.join(missing)}")
    if "api" in stages and stages[-1] != "api":
        faults.append(f"its last stage is {stages[-1] or 'one without a name'}; it must be api, the image")
    return faults


def checks_faults(text: str) -> list[str]:
    """The faults of a checks.Dockerfile, in the order of its lines."""
    return _common_faults(text, _instructions(text))


def has_command(text: str, command: str) -> bool:
    """Whether a Dockerfile has exactly this command, wherever its lines break."""
    return " ".join(command.split()) in " ".join(text.replace("\\\n", " ").split())


def _common_faults(text: str, instructions: list[_Instruction]) -> list[str]:
    faults: list[str] = []
    if any(_SYNTAX.match(line) for line in text.splitlines()):
        faults.append("it has a line # syntax=, whose image would have to be pulled")
    before = next((place for place, one in enumerate(instructions) if one.keyword == "FROM"), len(instructions))
    if not any(rest.partition("=")[0] == "BASE" for rest in _of(instructions[:before], "ARG")):
        faults.append("it has no ARG BASE in front of its first FROM")
    if not any(found and found[1] in {"${BASE}", "$BASE"} for found in map(_STAGE.match, _of(instructions, "FROM"))):
        faults.append("no stage of it is FROM ${BASE}, the lab's base")
    for rest in _of(instructions, "RUN"):
        for mount in _CACHE_MOUNT.findall(rest):
            name = next((value for key, _, value in _options(mount) if key == "id"), None)
            if name is None or not name.startswith(_CACHE_PREFIX):
                shown = "has no id" if name is None else f"has the id {name}"
                faults.append(f"a cache mount {shown}; give it an id that begins with {_CACHE_PREFIX}")
    return faults


def _options(mount: str) -> list[tuple[str, str, str]]:
    return [option.partition("=") for option in mount.split(",")]


def _of(instructions: list[_Instruction], keyword: str) -> list[str]:
    return [one.rest for one in instructions if one.keyword == keyword]


def _instructions(text: str) -> list[_Instruction]:
    """The instructions, each on one line, without comments."""
    lines = [line.strip() for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    found = [" ".join(line.split()).partition(" ") for line in joined.splitlines() if line.strip()]
    return [_Instruction(keyword.upper(), rest) for keyword, _, rest in found]


DOCKERFILE, IGNORED = "Dockerfile", ".dockerignore"
CHECKS, CHECKS_IGNORED = "checks.Dockerfile", "checks.Dockerfile.dockerignore"

FILES = (DOCKERFILE, IGNORED, CHECKS, CHECKS_IGNORED, FILE_NAME, "README.md")
"""The files that every implementation has in its folder."""


def missing_files(folder: Path) -> list[str]:
    """The files that are missing in the folder or empty."""
    return [name for name in FILES if not (folder / name).is_file() or not (folder / name).stat().st_size]


def build_faults(folder: Path) -> list[str]:
    """The faults of the Dockerfiles and ignore files that exist."""
    faults: list[str] = []
    for name, rules in ((DOCKERFILE, dockerfile_faults), (CHECKS, checks_faults)):
        if (folder / name).is_file():
            faults += [
                f"{name}: {fault}" for fault in rules((folder / name).read_text(encoding="utf-8", errors="replace"))
            ]
    for name in (IGNORED, CHECKS_IGNORED):
        if (folder / name).is_file() and (first := _first_pattern(folder / name)) != "*":
            faults.append(
                f"{name}: its first pattern is {first or 'missing'}; * leaves out everything that isn't listed below it"
            )
    return faults


def implementation_faults(project: Path, source: str) -> list[str]:
    """The faults of the implementation's document, and its differences from the Dockerfile."""
    try:
        implementation = read_implementation(project, source)
    except DocumentError as error:
        return [str(error)]
    return _disagreements(project / source, implementation)


def _disagreements(folder: Path, implementation: Implementation) -> list[str]:
    faults: list[str] = []
    dockerfile = folder / DOCKERFILE
    if dockerfile.is_file() and not has_command(
        dockerfile.read_text(encoding="utf-8", errors="replace"), implementation.build.command
    ):
        faults.append(
            f"{FILE_NAME}: build.command: the {DOCKERFILE} doesn't have this command: {implementation.build.command}"
        )
    try:
        code, tests = count_lines(folder, implementation.lines)
    except RunError as error:
        return [*faults, str(error)]
    if not code:
        faults.append(f"{FILE_NAME}: lines.sources: its files have no line of code")
    if not tests:
        faults.append(f"{FILE_NAME}: lines.tests: its files have no line of code")
    return faults


def _first_pattern(path: Path) -> str:
    lines = (line.strip() for line in path.read_text(encoding="utf-8", errors="replace").splitlines())
    return next((line for line in lines if line and not line.startswith("#")), "")


USER = "65532:65532"

_SHELLS = (["/bin/sh", "-c"], ["sh", "-c"])


def image_faults(inspected: Mapping[str, Any], owner: str | None) -> list[str]:
    """The faults of an image.

    Args:
        inspected: the result of `docker image inspect`.
        owner: the owner of its folder for uploads, as ``65532/65532``; None if it lacks that folder.
    """
    config = members(inspected, "Config")
    entry_point = items(config, "Entrypoint")
    environment = split_environment(items(config, "Env"))
    faults: list[str] = []
    if (user := config.get("User") or "root") != USER:
        faults.append(f"its user is {user}; the lab's volumes belong to USER {USER}")
    if not entry_point:
        faults.append("it has no ENTRYPOINT")
    elif entry_point[:2] in _SHELLS:
        faults.append("its ENTRYPOINT has the shell form, so the shell would get the signals; write a list")
    if environment.get("UPLOAD_DIR") != UPLOAD_FOLDER:
        faults.append(f"its environment doesn't have UPLOAD_DIR={UPLOAD_FOLDER}")
    secret = sorted(SECRET_ENVIRONMENT & environment.keys())
    faults += [f"its environment has {name}, which only the lab may set" for name in secret]
    if owner is None:
        faults.append(f"it has no folder {UPLOAD_FOLDER}")
    elif owner != USER.replace(":", "/"):
        faults.append(f"its folder {UPLOAD_FOLDER} belongs to {owner.replace('/', ':')}, and so would the volume there")
    return faults


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
"""The steps in their order, each with the heading of docs/adding-an-api.md that explains it."""

_VALID = "it is valid, and the Dockerfile has its build command"

Lab = tuple[Inventory, Secrets]

Value = TypeVar("Value")


class _FaultsError(RunError):
    """The faults of a step."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = tuple(faults)


class _Steps:
    """The steps so far; each is shown as soon as its outcome is known."""

    def __init__(self, show: Callable[[ApiCheckStep], None]) -> None:
        self._show = show
        self.results: list[ApiCheckStep] = []

    def run(self, name: str, look: Callable[[], tuple[Value, str]]) -> Value | None:
        """Run a step and return its value, or None if it failed. A `FairgroundError` counts as a fault."""
        try:
            found, good = look()
        except FairgroundError as error:
            faults = error.faults if isinstance(error, _FaultsError) else (str(error),)
            self._add(ApiCheckStep(name=name, outcome="failed", details=faults, section=SECTIONS[name]))
            return None
        self._add(ApiCheckStep(name=name, outcome="passed", details=(good,), section=SECTIONS[name]))
        return found

    def leave_out(self, names: Sequence[str], why: str) -> None:
        """Record that these steps weren't checked."""
        for name in names:
            self._add(ApiCheckStep(name=name, outcome="not checked", details=(why,), section=SECTIONS[name]))

    def _add(self, step: ApiCheckStep) -> None:
        self.results.append(step)
        self._show(step)


def check_api(
    project: Path,
    name: str,
    *,
    stack: str,
    read_document: Callable[[], Stack],
    read_lab: Callable[[], Lab],
    show: Callable[[ApiCheckStep], None],
) -> ApiCheck:
    """Check an API step by step; after a failed step, go on with those that don't depend on it.

    The contract's checks reset the database to its seed. While a run holds the host, nothing on it is checked.
    """
    steps = _Steps(show)
    entry = steps.run("entry", lambda: _find_entry(stack, read_document(), name))
    if entry is None:
        steps.leave_out([*SECTIONS][1:], "its folder isn't known without an entry in the stack")
    else:
        folder = project / entry.source
        steps.run("files", lambda: _all_good(_missing(folder, entry.source), f"{entry.source} has them all"))
        steps.run("builds", lambda: _all_good(build_faults(folder), "the Dockerfiles keep the lab's rules"))
        steps.run("implementation.yaml", lambda: _all_good(implementation_faults(project, entry.source), _VALID))
        _check_on_the_lab(steps, entry, folder, stack, read_lab)
    return ApiCheck(stack=stack, api=name, steps=tuple(steps.results))


def _check_on_the_lab(steps: _Steps, entry: Api, folder: Path, stack: str, read_lab: Callable[[], Lab]) -> None:
    on_the_host = ["image", "container", "contract"]
    lab = steps.run("lab", lambda: _look_at_lab(entry, folder, stack, read_lab()))
    if lab is None:
        steps.leave_out(on_the_host, "no running image was built from the current sources")
        return
    inventory, secrets = lab
    service = inventory.api(entry.name)
    with ExitStack() as opened:
        try:
            connection = opened.enter_context(connect(inventory.host))
            opened.enter_context(held(connection, "lab api check"))
        except FairgroundError as error:
            steps.leave_out(on_the_host, str(error))
            return
        steps.run("image", lambda: _look_at_image(connection, inventory, service))
        if steps.run("container", lambda: _look_at_container(connection, inventory, service)):
            steps.run("contract", lambda: _check_contract(connection, inventory, secrets, service))
        else:
            steps.leave_out(["contract"], "nothing answers")


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
        raise _FaultsError([f"the lab {stack} was stood up without this API; {up}"])
    if _as_declared(service) != _as_declared(entry):
        raise _FaultsError([f"its entry was changed since the lab was stood up; {up}"])
    if hash_build_context(folder) != service.source_sha256:
        raise _FaultsError([f"the sources in {entry.source} have changed since its image was built; {up}"])
    return lab, f"the lab {stack} is up, with an image of these sources ({short_image_id(service.image_id)})"


def _as_declared(api: Api | ApiService) -> tuple[object, ...]:
    return api.source, api.port, api.target, api.environment


def _look_at_image(connection: Connection, inventory: Inventory, service: ApiService) -> tuple[bool, str]:
    inspected = inspect_image(connection, service.image_id)
    faults = image_faults(inspected, folder_owner(connection, inventory.stack, service.image_id, UPLOAD_FOLDER))
    size = image_bytes(connection, service.image_id)
    return _all_good(faults, f"{size / 1e6:.1f} MB; user, entry point and {UPLOAD_FOLDER} are right")


def _look_at_container(connection: Connection, inventory: Inventory, service: ApiService) -> tuple[bool, str]:
    wait_for_api(connection, service, inventory.api_address)
    with connection.forward(service.port, inventory.api_address) as port:
        seen = wait_until_ready(f"http://127.0.0.1:{port}")
    faults = [] if seen is None else [f"it isn't ready after {CHECK_READY_SECONDS} s. {seen}"]
    return _all_good(faults, f"it listens at port {service.port} and is ready, its root file system read-only")


def _check_contract(
    connection: Connection, inventory: Inventory, secrets: Secrets, service: ApiService
) -> tuple[bool, str]:
    results = verify_api(connection, inventory, secrets, service)
    faults = [f"{one.check}: {one.outcome}: {one.detail}" for one in results if one.outcome != "passed"]
    return _all_good(faults, f"all {len(results)} checks of `lab verify` passed")
