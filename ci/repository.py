"""What git says of a change: where it left its base, which sources it touches, and how these were before it."""

import shutil
import subprocess
import tarfile
from collections.abc import Collection, Sequence
from io import BytesIO
from pathlib import Path

from documents.errors import RunError


def merge_base(project: Path, base: str) -> str:
    """The commit at which the change left its base, in full.

    Args:
        project: the checkout, whose HEAD is the change.
        base: a branch or commit.

    Raises:
        RunError: git knows no such base, or the history that the two share isn't there.
    """
    try:
        return _git(project, "merge-base", base, "HEAD").decode().strip()
    except subprocess.CalledProcessError as error:
        raise RunError(
            f"git can't tell where HEAD left {base}: {_said(error)}. Name a branch or commit that was fetched, and let "
            "the job fetch the whole history (fetch-depth: 0, GIT_DEPTH: 0)."
        ) from error


def touched(project: Path, commit: str, sources: Collection[str]) -> tuple[str, ...]:
    """Those of some folders in which a file differs between a commit and HEAD, in the order in which they are given."""
    # Without renames: a file that left a folder has touched it as well.
    listing = _git(project, "diff", "--name-only", "--no-renames", "-z", commit, "HEAD").decode()
    files = [name for name in listing.split("\0") if name]
    return tuple(source for source in sources if any(name.startswith(f"{source}/") for name in files))


def has_folder(project: Path, commit: str, folder: str) -> bool:
    """Whether a commit has such a folder."""
    return bool(_git(project, "ls-tree", "-d", commit, "--", folder))


def lay_out(project: Path, commit: str, folders: Sequence[str], target: Path) -> None:
    """Put folders as a commit has them below a target, and nothing else: what was there is removed.

    Raises:
        RunError: the commit lacks one of them.
    """
    try:
        archive = _git(project, "archive", "--format=tar", commit, "--", *folders)
    except subprocess.CalledProcessError as error:
        raise RunError(f"git can't lay out {', '.join(folders)} of {commit}: {_said(error)}.") from error
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    with tarfile.open(fileobj=BytesIO(archive)) as packed:
        packed.extractall(target, filter="data")


def _git(project: Path, *arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=project, check=True, capture_output=True).stdout


def _said(error: subprocess.CalledProcessError) -> str:
    return " ".join(error.stderr.decode("utf-8", "replace").split()).removesuffix(".")
