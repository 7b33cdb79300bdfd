"""The report of a run, from its folder."""

from analysis.report.caveats import grade_of, hardware_differences
from analysis.report.report import analyse, facts_file_name, find_facts, summarise_facts

__all__ = [
    "analyse",
    "facts_file_name",
    "find_facts",
    "grade_of",
    "hardware_differences",
    "summarise_facts",
]
