"""How the numbers of a report are made, in words, and how a reader computes its verdicts again."""

import shlex

from analysis.pages.variants import variant_words
from documents.report import Report

CELLS = (
    "The unit is the cell: one restart of an API, one warm-up, one load window. A block gives one value for each API "
    "and load: its cell's, or the mean of both where it measured the API twice. Throughput and latency are geometric "
    "means over blocks with t intervals on the log scale; CPU and memory are arithmetic means. Intervals of two APIs "
    "that overlap, or don't, are no test between them."
)
PAIRS = (
    "Two APIs are compared by the ratio of their values in each block, where what lasts as long as a block cancels: a "
    "paired t test on the log scale, corrected by Holm's method for all pairs and loads of a measure, says whether "
    "they differ, and an equivalence test of its own whether they are the same. The margin of the latter was fixed "
    "before the run."
)
CLOSED_LOOP = (
    "Under a closed loop each connection waits for its answer before it asks again, so a stall hides the requests "
    "that would have been sent meanwhile. Raw latency counts each response once; corrected latency adds those "
    "requests by wrk's own rule, which was inverted exactly to recover the raw counts. Percentiles are exact nearest "
    "ranks from a histogram by the microsecond."
)
OPEN_LOOP = (
    "Under the open loop requests arrive at a given rate, however long the answers take, and each latency runs from "
    "when its request was due. So a stall is met by all who would have come meanwhile, and nothing has to be "
    "corrected."
)
RECOMPUTE = (
    "The project's page on statistics, docs/statistics.md, has each formula with its source, and a short script that "
    "has none of the lab's code in it. In the project's folder, with the run below runs/, it computes every verdict "
    "above from the raw files:"
)


def method_words(report: Report) -> tuple[str, ...]:
    """The paragraphs on how a report's numbers are made; the last one introduces `recompute_command`."""
    return (CELLS, *variant_words(report), PAIRS, CLOSED_LOOP, *((OPEN_LOOP,) if report.open_loop else ()), RECOMPUTE)


def recompute_command(report: Report) -> str:
    """The shell command that computes the verdicts again."""
    return shlex.join([".venv/bin/python", "-m", "benchmarks.recompute", f"runs/{report.run_id}"])
