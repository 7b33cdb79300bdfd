"""Lines of code, counted by pygount."""

# pygount is typed, one parameter by halves, and doesn't say so by a marker.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false

from collections.abc import Iterable
from pathlib import Path

from pygount import SourceAnalysis
from pygount.analysis import SourceState

from documents.errors import RunError
from documents.implementation import Lines


def count_lines(folder: Path, lines: Lines) -> tuple[int, int]:
    """The lines of code of an implementation's sources and of its tests.

    A line counts if it holds code. Those that are blank, or have nothing but comments, brackets or the text of a string
    (to pygount the comments that document Rust are such texts) don't.

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
            raise RunError(f"{folder.name}: no file matches {pattern}. Mend the lines of its implementation.yaml.")
        found |= matched
    return found


def _count(paths: Iterable[Path]) -> int:
    total = 0
    for path in sorted(paths):
        analysis = SourceAnalysis.from_file(str(path), "code", encoding="utf-8")
        if analysis.state not in {SourceState.analyzed, SourceState.empty}:
            raise RunError(f"The lines of {path} can't be counted: {analysis.state.name} {analysis.state_info or ''}.")
        total += analysis.code_count
    return total
