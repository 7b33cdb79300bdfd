"""Runs that older code measured and reported are read and reported with the same numbers.

Each folder in `earlier/` is a run with the `report.json` that the code of its time wrote. No test writes there: if the
format changes, a run of the old format stays.
"""

import json
import math
from pathlib import Path
from typing import Any, cast

import pytest

from analysis.raw.run import read_run
from analysis.report.report import analyse

RUNS = sorted((Path(__file__).parent / "earlier").iterdir())

NUMBERS = ("grade", "scenarios", "cells", "summaries", "open_loop", "article", "warm_ups")
"""The members of a report that aren't sentences and don't depend on the rule of a verdict."""

OF_A_PAIR = ("scenario", "first", "second", "blocks", "ratio", "p_value", "p_adjusted", "p_equivalence")
"""The numbers of a pair that no rule changes."""


def require_same(found: Any, expected: Any, place: str) -> None:  # noqa: ANN401 - any part of a JSON document
    """Require equal values; numbers may differ by a billionth, as between two releases of a library.

    The report of today's code may have more members.
    """
    if isinstance(expected, dict):
        expected = cast("dict[str, Any]", expected)
        assert found.keys() >= expected.keys(), place
        for key, value in expected.items():
            require_same(found[key], value, f"{place}.{key}")
    elif isinstance(expected, list):
        expected = cast("list[Any]", expected)
        assert len(found) == len(expected), place
        for index, value in enumerate(expected):
            require_same(found[index], value, f"{place}.{index}")
    elif isinstance(expected, float):
        assert math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-12), place
    else:
        assert found == expected, place


def compared(report: dict[str, Any]) -> list[list[dict[str, Any]]]:
    """The numbers of each pair, by measure; without latency, whose deviation had no least value then."""
    return [
        [{name: pair[name] for name in OF_A_PAIR} for pair in comparison["pairs"]]
        for comparison in report["comparisons"]
        if not comparison["measure"].startswith("p")
    ]


def outcomes(report: dict[str, Any]) -> dict[tuple[str, str], str]:
    return {
        (line["line"]["name"], claim["name"]): claim["outcome"] for line in report["claims"] for claim in line["claims"]
    }


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.name)
def test_an_earlier_run_has_the_same_numbers(run: Path):
    expected = json.loads((run / "report.json").read_text(encoding="utf-8"))
    found = json.loads(analyse(read_run(run)).to_json())
    for member in NUMBERS:
        require_same(found[member], expected[member], member)
    require_same(compared(found), compared(expected), "comparisons")
    assert outcomes(found).items() <= outcomes(expected).items(), "claims may have gone since"
