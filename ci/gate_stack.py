"""The stack of a gate: each API that a change touches stands in it twice, as its base has it and as the change does."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from ci.repository import has_folder, lay_out, merge_base, touched
from documents.errors import DocumentError
from documents.stack import Api, Stack

STACK = "ci-gate"
"""The gate's stack; its document is made for each change, and git ignores it."""

BASE_SOURCES = ".lab/ci-base"
"""Where the sources of the base lie, inside the checkout: an image's sources may not be elsewhere."""

FIRST_PORT = 24080
"""Of the APIs. The lab's other stacks use others, and the kernel gives none below 32768 to anybody."""


@dataclass(frozen=True)
class Pair:
    """The two entries of a gate's stack that are one API of the lab's."""

    api: str
    base: str
    candidate: str


@dataclass(frozen=True)
class Change:
    """What a change is to a gate: where it left its base, what to measure, and the APIs that the base doesn't have."""

    commit: str
    pairs: tuple[Pair, ...]
    new: tuple[str, ...]


def write_gate_stack(project: Path, base: str, like: str) -> Change:
    """Make the document of the gate's stack, and lay the base's sources out for it.

    Both are made only where there is a pair to be measured. All but its name and APIs is as in the stack `like`.

    Args:
        project: the checkout, whose HEAD is the change.
        base: the branch or commit that the change will be merged into.
        like: the name of the stack whose APIs are guarded.

    Raises:
        DocumentError: there is no such stack, or it can't be made a gate's.
        RunError: git doesn't know the base.
    """
    name = f"stacks/{like}.yaml"
    try:
        text = (project / name).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise DocumentError(f"There is no {name} to make the gate's stack like; name another with --like.") from error
    apis = Stack.from_yaml(text, name=name).apis
    commit = merge_base(project, base)
    sources = touched(project, commit, list(dict.fromkeys(api.source for api in apis)))
    known = tuple(source for source in sources if has_folder(project, commit, source))
    measured = [api for api in apis if api.source in known]
    pairs = tuple(Pair(api.name, f"{api.name}-base", f"{api.name}-candidate") for api in measured)
    new = tuple(api.name for api in apis if api.source in sources and api.source not in known)
    if pairs:
        lay_out(project, commit, known, project / BASE_SOURCES)
        document = yaml.safe_load(text) | {"name": STACK, "apis": _entries(pairs, measured)}
        written = yaml.safe_dump(document, sort_keys=False)
        Stack.from_yaml(written, name=f"the gate's stack, made from {name}")
        (project / f"stacks/{STACK}.yaml").write_text(written, encoding="utf-8")
    return Change(commit, pairs, new)


def _entries(pairs: Sequence[Pair], apis: Sequence[Api]) -> list[dict[str, object]]:
    entries: list[dict[str, object]] = []
    for pair, api in zip(pairs, apis, strict=True):
        for name, source in ((pair.base, f"{BASE_SOURCES}/{api.source}"), (pair.candidate, api.source)):
            # A copy for each entry: YAML would write what two of them share as an alias, which no stack may have.
            shared = api.model_dump(mode="json", exclude={"name", "source", "port"}, exclude_defaults=True)
            entries.append({"name": name, "source": source, "port": FIRST_PORT + len(entries), **shared})
    return entries
