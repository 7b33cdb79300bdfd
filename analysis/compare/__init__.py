"""Comparisons of runs and builds: conditions, gate, history."""

from analysis.compare.conditions import Conditions, differences
from analysis.compare.gate import JUDGED, judge_gate
from analysis.compare.history import read_history
from analysis.compare.runs import compare_folders

__all__ = [
    "JUDGED",
    "Conditions",
    "compare_folders",
    "differences",
    "judge_gate",
    "read_history",
]
