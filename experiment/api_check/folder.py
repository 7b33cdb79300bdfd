"""The rules of an implementation's folder: its files, and that they agree with each other."""

from pathlib import Path

from documents.errors import DocumentError, RunError
from documents.implementation import Implementation
from experiment.api_check.dockerfile import checks_faults, dockerfile_faults, has_command
from experiment.facts.implementation_file import FILE_NAME, read_implementation
from experiment.facts.lines import count_lines

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
