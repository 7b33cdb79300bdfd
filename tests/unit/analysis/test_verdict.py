"""The rule that makes a verdict, and its words."""

import numpy as np
import pytest

from analysis.statistics.comparison import found_different, verdict_text
from documents.report.comparison import Verdict
from tests.unit.analysis.test_verdict_pages import a_pair


def test_different_is_what_is_significant_after_holm_and_not_within_the_margin():
    within = np.array([False, False, True, True])
    p_adjusted = np.array([0.05, 0.0501, 0.001, 0.9])
    assert found_different(within, p_adjusted).tolist() == [True, False, False, False]


@pytest.mark.parametrize(
    ("verdict", "better", "bound", "words"),
    [
        ("same", None, False, "same"),
        ("same", None, True, "same, bound by PostgreSQL"),
        ("better", "zig", False, "zig faster"),
        ("better", "zig", True, "zig faster"),
        ("cannot-tell", None, False, "can't tell"),
        ("cannot-tell", None, True, "can't tell"),
    ],
)
def test_words(verdict: Verdict, better: str | None, bound: bool, words: str):
    assert verdict_text(a_pair(verdict=verdict, better=better, bound_by_postgres=bound), "throughput") == words
