"""The rules of an implementation's Dockerfiles, as far as their text shows them.

Source: the Dockerfile reference, "Format", "Parser directives" and "RUN --mount=type=cache".
"""

import re
from typing import NamedTuple

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
