"""The stack of a gate: each API that a change touches is in it twice, built from its base and from the change."""

import shutil
import subprocess
import tarfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import yaml

from documents.errors import DocumentError, RunError
from documents.files import replace_file
from documents.stack import Api, Stack

STACK = "ci-gate"
"""The gate's stack. Its document is written for each change; git ignores it."""

BASE_SOURCES = ".lab/ci-base"
"""The folder of the base's sources. It is inside the checkout, as an image's sources must be."""

FIRST_PORT = 24080
"""The first port of the APIs: no other stack of the lab uses it, and the kernel assigns ports from 32768 on."""


@dataclass(frozen=True)
class Pair:
    """The two entries of an API in the gate's stack."""

    api: str
    base: str
    candidate: str


@dataclass(frozen=True)
class Change:
    """A change as the gate sees it.

    Attributes:
        commit: where it left its base.
        pairs: what to measure.
        new: the APIs that the base doesn't have.
    """

    commit: str
    pairs: tuple[Pair, ...]
    new: tuple[str, ...]


def write_gate_stack(project: Path, base: str, like: str) -> Change:
    """Write the gate's stack, and extract the base's sources for it.

    Both are written only if there is a pair to measure. Except for its name and APIs, the stack is the one named
    `like`.

    Args:
        project: the checkout, whose HEAD is the change.
        base: the branch or commit that the change will be merged into.
        like: the name of the stack whose APIs are guarded.

    Raises:
        DocumentError: there is no such stack, or the gate's stack would be invalid.
        RunError: git doesn't know the base.
    """
    name = f"stacks/{like}.yaml"
    try:
        text = (project / name).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise DocumentError(f"There is no {name} to make the gate's stack from; name another with --like.") from error
    apis = Stack.from_yaml(text, name=name).apis
    commit = merge_base(project, base)
    sources = touched(project, commit, list(dict.fromkeys(api.source for api in apis)))
    known = tuple(source for source in sources if _git(project, "ls-tree", "-d", commit, "--", source))
    measured = [api for api in apis if api.source in known]
    pairs = tuple(Pair(api.name, f"{api.name}-base", f"{api.name}-candidate") for api in measured)
    new = tuple(api.name for api in apis if api.source in sources and api.source not in known)
    if pairs:
        extract(project, commit, known, project / BASE_SOURCES)
        document = yaml.safe_load(text) | {"name": STACK, "apis": _entries(pairs, measured)}
        written = yaml.safe_dump(document, sort_keys=False)
        Stack.from_yaml(written, name=f"the gate's stack, made from {name}")
        replace_file(project / f"stacks/{STACK}.yaml", written)
    return Change(commit, pairs, new)


def _entries(pairs: Sequence[Pair], apis: Sequence[Api]) -> list[dict[str, object]]:
    entries: list[dict[str, object]] = []
    for pair, api in zip(pairs, apis, strict=True):
        for name, source in ((pair.base, f"{BASE_SOURCES}/{api.source}"), (pair.candidate, api.source)):
            # A new copy for each entry: YAML would write a shared one as an alias, which a stack can't have.
            shared = api.model_dump(mode="json", exclude={"name", "source", "port"}, exclude_defaults=True)
            entries.append({"name": name, "source": source, "port": FIRST_PORT + len(entries), **shared})
    return entries


def merge_base(project: Path, base: str) -> str:
    """The full name of the commit at which HEAD left a branch or commit.

    Raises:
        RunError: git doesn't know the base, or the common history wasn't fetched.
    """
    try:
        return _git(project, "merge-base", base, "HEAD").decode().strip()
    except subprocess.CalledProcessError as error:
        raise RunError(
            f"git can't find where HEAD left {base}: {_error_of(error)}. Name a branch or commit that was fetched, and "
            "let the job fetch the whole history (fetch-depth: 0, GIT_DEPTH: 0)."
        ) from error


def touched(project: Path, commit: str, sources: Collection[str]) -> tuple[str, ...]:
    """Those of these folders in which a file differs between a commit and HEAD, in the given order."""
    # Without renames, so that a file that left a folder touches it too.
    listing = _git(project, "diff", "--name-only", "--no-renames", "-z", commit, "HEAD").decode()
    files = [name for name in listing.split("\0") if name]
    return tuple(source for source in sources if any(name.startswith(f"{source}/") for name in files))


def extract(project: Path, commit: str, folders: Sequence[str], target: Path) -> None:
    """Replace the target by these folders of a commit.

    Raises:
        RunError: the commit lacks one of them.
    """
    try:
        archive = _git(project, "archive", "--format=tar", commit, "--", *folders)
    except subprocess.CalledProcessError as error:
        raise RunError(f"git can't extract {', '.join(folders)} of {commit}: {_error_of(error)}.") from error
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    with tarfile.open(fileobj=BytesIO(archive)) as packed:
        packed.extractall(target, filter="data")


def _git(project: Path, *arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=project, check=True, capture_output=True).stdout


def _error_of(error: subprocess.CalledProcessError) -> str:
    return " ".join(error.stderr.decode("utf-8", "replace").split()).removesuffix(".")
