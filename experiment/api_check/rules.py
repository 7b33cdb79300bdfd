"""The rules of an implementation: its folder, its Dockerfiles, its image."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from documents.errors import DocumentError, RunError
from documents.stack import Implementation
from experiment.facts import FILE_NAME, count_lines, read_implementation
from provision.containers import items, members, split_environment

STAGES = ("source", "floor", "redis-floor", "api")
"""The stages that the lab builds or starts containers of; the last one is the image."""

_CACHE_PREFIX = "fairground-"
_SYNTAX = re.compile(r"^#\s*syntax\s*=", re.IGNORECASE)
_STAGE = re.compile(r"^(?:--\S+ )*(\S+)(?: as (\S+))?$", re.IGNORECASE)
_CACHE_MOUNT = re.compile(r"--mount=(\S*type=cache\S*)")


class _Instruction(NamedTuple):
    """A keyword in capitals, and what follows it with single blanks."""

    keyword: str
    rest: str


def dockerfile_faults(text: str) -> list[str]:
    """What is at fault with the Dockerfile of an image, in the order of its lines."""
    instructions = _instructions(text)
    faults = _common_faults(text, instructions)
    stages = [found[2] or "" for found in map(_STAGE.match, _of(instructions, "FROM")) if found]
    missing = [stage for stage in STAGES if stage not in stages]
    if missing:
        faults.append(f"it has no stage named {' and none named '.join(missing)}")
    if "api" in stages and stages[-1] != "api":
        faults.append(f"its last stage is {stages[-1] or 'one without a name'}; that is to be api, the image")
    return faults


def checks_faults(text: str) -> list[str]:
    """What is at fault with a checks.Dockerfile, in the order of its lines."""
    return _common_faults(text, _instructions(text))


def has_command(text: str, command: str) -> bool:
    """Whether a Dockerfile has a command as it stands, however its lines are broken."""
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
                faults.append(f"a cache mount of it {shown}; one that begins with {_CACHE_PREFIX} is the lab's own")
    return faults


def _options(mount: str) -> list[tuple[str, str, str]]:
    return [option.partition("=") for option in mount.split(",")]


def _of(instructions: list[_Instruction], keyword: str) -> list[str]:
    return [one.rest for one in instructions if one.keyword == keyword]


def _instructions(text: str) -> list[_Instruction]:
    """The instructions, each on one line; comments are gone, those between continued lines, too."""
    lines = [line.strip() for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    found = [" ".join(line.split()).partition(" ") for line in joined.splitlines() if line.strip()]
    return [_Instruction(keyword.upper(), rest) for keyword, _, rest in found]


DOCKERFILE, IGNORED = "Dockerfile", ".dockerignore"
CHECKS, CHECKS_IGNORED = "checks.Dockerfile", "checks.Dockerfile.dockerignore"

FILES = (DOCKERFILE, IGNORED, CHECKS, CHECKS_IGNORED, FILE_NAME, "README.md")
"""What every implementation has in its folder."""


def missing_files(folder: Path) -> list[str]:
    """Those of the files that the folder hasn't, or has empty."""
    return [name for name in FILES if not (folder / name).is_file() or not (folder / name).stat().st_size]


def build_faults(folder: Path) -> list[str]:
    """What is at fault with those of the Dockerfiles, and of the files that say what builds get, that are there."""
    faults: list[str] = []
    for name, rules in ((DOCKERFILE, dockerfile_faults), (CHECKS, checks_faults)):
        if (folder / name).is_file():
            faults += [
                f"{name}: {fault}" for fault in rules((folder / name).read_text(encoding="utf-8", errors="replace"))
            ]
    for name in (IGNORED, CHECKS_IGNORED):
        if (folder / name).is_file() and (first := _first_pattern(folder / name)) != "*":
            faults.append(f"{name}: its first pattern is {first or 'missing'}; * leaves out all that isn't let in")
    return faults


def implementation_faults(project: Path, source: str) -> list[str]:
    """What is at fault with the implementation's document, and where it disagrees with the Dockerfile."""
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
        faults.append(f"{FILE_NAME}: lines.sources: what it names has no line of code")
    if not tests:
        faults.append(f"{FILE_NAME}: lines.tests: what it names has no line of code")
    return faults


def _first_pattern(path: Path) -> str:
    lines = (line.strip() for line in path.read_text(encoding="utf-8", errors="replace").splitlines())
    return next((line for line in lines if line and not line.startswith("#")), "")


USER = "65532:65532"
UPLOADS = "/uploads"

_SECRETS = ("DATABASE_URL", "REDIS_URL", "JWT_SECRET")
_SHELLS = (["/bin/sh", "-c"], ["sh", "-c"])


def image_faults(inspected: Mapping[str, Any], owner: str | None) -> list[str]:
    """What is at fault with an image.

    Args:
        inspected: what `docker image inspect` says of it.
        owner: who owns its folder for uploads, as ``65532/65532``; None where it has none.
    """
    config = members(inspected, "Config")
    entry_point = items(config, "Entrypoint")
    environment = split_environment(items(config, "Env"))
    faults: list[str] = []
    if (user := config.get("User") or "root") != USER:
        faults.append(f"its user is {user}; USER {USER} is what the lab's volumes belong to")
    if not entry_point:
        faults.append("it has no ENTRYPOINT")
    elif entry_point[:2] in _SHELLS:
        faults.append("its ENTRYPOINT is in the shell form, and the shell would get the signals; write a list")
    if environment.get("UPLOAD_DIR") != UPLOADS:
        faults.append(f"its environment doesn't have UPLOAD_DIR={UPLOADS}")
    faults += [f"its environment has {name}, which is the lab's to set" for name in _SECRETS if name in environment]
    if owner is None:
        faults.append(f"it has no folder {UPLOADS}")
    elif owner != USER.replace(":", "/"):
        faults.append(f"its folder {UPLOADS} belongs to {owner.replace('/', ':')}, and so would the volume there")
    return faults
