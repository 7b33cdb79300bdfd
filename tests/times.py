"""What a run of the tests took: its parts, its slowest tests and fixtures, and what had to be run once more."""

import os
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from tests.conftest import ROOT

_SLOWEST = 30


@dataclass(frozen=True)
class Part:
    """A part of a run, and its wall time in seconds."""

    name: str
    seconds: float


@dataclass(frozen=True)
class Outcomes:
    """How a run's tests ended.

    Attributes:
        passed: How many passed; of a test that ran twice the second result counts.
        failed: Those that failed.
        again: Those that hold a time limit, failed, and ran once more with nothing beside them; whether they passed.
    """

    passed: int
    failed: frozenset[str]
    again: dict[str, bool]


def read_outcomes(folder: Path) -> Outcomes:
    """Read the JUnit files of a run."""
    passed: dict[str, bool] = {}
    again: dict[str, bool] = {}
    for path in sorted(folder.glob("*.xml"), key=lambda path: path.name.endswith("-again.xml")):
        results = dict(_read_results(path))
        passed |= results
        if path.name.endswith("-again.xml"):
            again |= results
    return Outcomes(list(passed.values()).count(True), frozenset(n for n, ok in passed.items() if not ok), again)


def _read_results(path: Path) -> Iterator[tuple[str, bool]]:
    cases = ElementTree.parse(path).findall("*/testcase")  # noqa: S314 - pytest wrote it
    # What fails when it is torn down is listed twice: the failure comes last.
    for case in sorted(cases, key=_has_failed):
        if case.find("skipped") is None:
            yield f"{case.get('classname')}::{case.get('name')}", not _has_failed(case)


def _has_failed(case: ElementTree.Element) -> bool:
    return case.find("failure") is not None or case.find("error") is not None


def describe(folder: Path, parts: Sequence[Part], outcomes: Outcomes, *, seconds: float) -> str:
    """The page of a run, in Markdown.

    Args:
        folder: Where its results are, and whose name is its start in UTC.
        parts: Its parts in the order of their ends.
        outcomes: How its tests ended.
        seconds: Its wall time.
    """
    commit = subprocess.run(
        ["git", "log", "-1", "--format=%h"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()
    lines = [
        f"# Tests of {folder.name[:10]}",
        "",
        f"Begun {folder.name}, at commit {commit}, on {os.cpu_count()} CPUs: {_clock(seconds)} in all.",
        f"{outcomes.passed} passed, {len(outcomes.failed)} failed, {len(outcomes.again)} ran once more alone.",
        *(f"- failed: `{name}`" for name in sorted(outcomes.failed)),
        *(f"- once more: `{name}`: {'passed' if ok else 'failed'}" for name, ok in outcomes.again.items()),
        "",
        "| part | wall time | tests | failed |",
        "|---|---|---|---|",
    ]
    for part in parts:
        path = folder / f"{part.name}.xml"
        results = dict(_read_results(path)) if path.exists() else {}
        failures = list(results.values()).count(False)
        lines.append(f"| {part.name} | {_clock(part.seconds)} | {len(results) or ''} | {failures or ''} |")
    lines += ["", "| seconds | slowest tests, and fixtures of the first test that asks for them |", "|---|---|"]
    measured = [line.split("\t") for path in folder.glob("*.tsv") for line in path.read_text().splitlines()]
    for spent, phase, test in sorted(measured, key=lambda row: -float(row[0]))[:_SLOWEST]:
        lines.append(f"| {float(spent):.1f} | {'' if phase == 'call' else f'{phase} of '}`{test}` |")
    return "\n".join([*lines, ""])


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60} min {int(seconds) % 60:02} s"
