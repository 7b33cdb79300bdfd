"""An implementation's sources: its `implementation.yaml`, and its lines of code as pygount counts them."""

from collections.abc import Iterable
from pathlib import Path

from pygount import SourceAnalysis  # pyright: ignore[reportMissingTypeStubs]
from pygount.analysis import SourceState  # pyright: ignore[reportMissingTypeStubs]

from documents.errors import DocumentError, RunError
from documents.stack import Implementation, Lines

FILE_NAME = "implementation.yaml"


def read_implementation(project: Path, source: str) -> Implementation:
    """Read and check the document of the implementation in the folder `source` of the project.

    Raises:
        DocumentError: there is no such file, it is invalid, or its change can't be applied.
    """
    shown = f"{source}/{FILE_NAME}"
    try:
        text = (project / shown).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise DocumentError(
            f"There is no {shown}, which says how the implementation is built. docs/adding-an-api.md has an example."
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise DocumentError(f"{shown} can't be read: {error}. Check its mode and that it is UTF-8.") from error
    implementation = Implementation.from_yaml(text, name=shown)
    changed_file(project / source, implementation)
    return implementation


def changed_file(folder: Path, implementation: Implementation) -> bytes:
    """The changed file: the content after the document's change.

    Raises:
        DocumentError: there is no such file, or it doesn't have the old text exactly once.
    """
    change = implementation.build.change
    try:
        text = (folder / change.file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DocumentError(
            f"{folder.name}/{FILE_NAME}: build.change.file: {change.file} can't be read: {error}."
        ) from error
    if (count := text.count(change.old)) != 1:
        raise DocumentError(
            f"{folder.name}/{FILE_NAME}: build.change.old: {change.file} has this text {count} times; choose one that "
            "it has once."
        )
    return text.replace(change.old, change.new).encode()


def count_lines(folder: Path, lines: Lines) -> tuple[int, int]:
    """The lines of code of an implementation's sources and of its tests.

    A line counts if it has code: not if it is blank, or has only comments, brackets or the text of a string. pygount
    treats Rust's doc comments as such texts.

    Raises:
        RunError: a pattern matches no file, or a file's language isn't known.
    """
    others = _matches(folder, lines.others)
    tests = _matches(folder, lines.tests) - others
    sources = _matches(folder, lines.sources) - tests - others
    return _count(sources), _count(tests)


def _matches(folder: Path, patterns: Iterable[str]) -> set[Path]:
    found: set[Path] = set()
    for pattern in patterns:
        matched = {path for path in folder.glob(pattern) if path.is_file()}
        if not matched:
            raise RunError(f"{folder.name}: no file matches {pattern}. Fix the lines of its implementation.yaml.")
        found |= matched
    return found


def _count(paths: Iterable[Path]) -> int:
    total = 0
    for path in sorted(paths):
        analysis = SourceAnalysis.from_file(str(path), "code", encoding="utf-8")  # pyright: ignore[reportUnknownMemberType]
        if analysis.state not in {SourceState.analyzed, SourceState.empty}:
            raise RunError(f"The lines of {path} can't be counted: {analysis.state.name} {analysis.state_info or ''}.")
        total += analysis.code_count
    return total
