"""The gate: compare a candidate with its base, two builds of one API that take turns in one run.

The judged measures, by default throughput, are one family of tests over measures and loads: the chance of any false
regression or improvement is at most 5%, and that of a false regression about half of it. A regression is a difference
to the worse that is significant after Holm's correction and isn't within the margin. A candidate that failed in a
cell, while its base failed in none, is a regression too. To pass, the candidate must be *shown* to be the same or
better by every judged measure under every load; that no difference was found isn't enough.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence

import numpy as np

from analysis.cells import mostly_bound_by
from analysis.formatting import counted, is_are, ratio_interval, ratio_text
from analysis.statistics import (
    HEADLINE,
    MEASURES,
    POWER,
    SIGNIFICANCE,
    blocks_text,
    blocks_to_show_same,
    compare_all,
    holm,
    holm_levels,
    judge_pair,
    needed_blocks,
    uncompared,
    verdict_text,
)
from documents.errors import AnalysisError
from documents.report import BlocksNeeded, Comparison, Finding, Gate, Measure, Outcome, Report, Subject, VoidAttempt

JUDGED: tuple[Measure, ...] = (HEADLINE,)
"""The measures that a gate judges by default."""


def judge_gate(
    report: Report,
    *,
    base: str,
    candidate: str,
    judged: Collection[Measure] = JUDGED,
) -> Gate:
    """Judge a candidate by a run that measured it and its base. Other APIs of the run are ignored.

    Args:
        report: the run's report.
        base: the name of the API with the current code.
        candidate: the name of the API with the changed code.
        judged: the measures that decide the outcome, at least one; the others are only reported.

    Raises:
        AnalysisError: the run didn't measure both, or a judged measure isn't above 0 in one of their cells.
    """
    subjects = _subjects(report, base, candidate)
    cells = [cell for cell in report.cells if cell.api in {base, candidate}]
    if lacking := [*uncompared(cells, judged)]:
        raise AnalysisError(f"{' '.join(lacking)} Judge by another measure, or measure again.")
    comparisons = {
        comparison.measure: comparison
        for comparison in compare_all(
            cells,
            apis=(candidate, base),
            scenarios=[scenario.name for scenario in report.scenarios],
            margin=report.margin,
            bound_by_postgres=mostly_bound_by("postgres", cells),
            # What the base failed in is missing from its numbers, which is in its favour: it may be the same.
            failed=[(candidate, load) for load in _failures(report, candidate)],
        )
    }
    together = _as_one_family([comparisons[measure] for measure in MEASURES if measure in judged])
    findings = (
        *together,
        *(
            Finding(measure=comparison.measure, judged=False, pair=pair)
            for comparison in comparisons.values()
            if comparison.measure not in judged
            for pair in comparison.pairs
        ),
    )
    outcome, reasons = _conclude(report, together, base=base, candidate=candidate)
    return Gate(
        run_id=report.run_id,
        protocol=report.protocol,
        stack=report.stack,
        base=subjects[base],
        candidate=subjects[candidate],
        outcome=outcome,
        reasons=reasons,
        margin=report.margin,
        significance=SIGNIFICANCE,
        power=POWER,
        tests=len(together),
        blocks=report.blocks,
        blocks_needed=_blocks_needed(together, report.margin) if outcome == "cannot-tell" else None,
        findings=findings,
        twins=comparisons[HEADLINE].twins,
        caveats=(*_same_build(subjects[base], subjects[candidate]), *report.caveats),
    )


def _subjects(report: Report, base: str, candidate: str) -> dict[str, Subject]:
    if base == candidate:
        raise AnalysisError(
            f"{base} can't be compared with itself: name two APIs of the stack, the base and the candidate."
        )
    subjects = {api.name: api for api in report.apis}
    if missing := [name for name in (base, candidate) if name not in subjects]:
        raise AnalysisError(
            f"The run {report.run_id} didn't measure {' and '.join(missing)}, only {', '.join(subjects)}. Name two of "
            "these, or another run."
        )
    return subjects


def _as_one_family(comparisons: Sequence[Comparison]) -> list[Finding]:
    """All pairs of several measures, with Holm's correction over all of them instead of each measure."""
    pairs = [(comparison, pair) for comparison in comparisons for pair in comparison.pairs]
    p_values = np.array([1.0 if pair.p_value is None else pair.p_value for _, pair in pairs])
    return [
        Finding(
            measure=comparison.measure,
            judged=True,
            pair=judge_pair(
                pair,
                p_adjusted=float(p_adjusted),
                level=float(level),
                tests=len(pairs),
                measure=comparison.measure,
                margin=comparison.margin,
            ),
        )
        for (comparison, pair), p_adjusted, level in zip(
            pairs, holm(p_values), holm_levels(p_values, SIGNIFICANCE), strict=True
        )
    ]


def _conclude(
    report: Report, judged: Sequence[Finding], *, base: str, candidate: str
) -> tuple[Outcome, tuple[str, ...]]:
    """The outcome and its reasons; a shown regression has precedence over a missing answer."""
    worse = tuple(_in_words(finding, base) for finding in judged if finding.pair.better == base)
    failures, of_base = (tuple(_failures_in_words(report, api)) for api in (candidate, base))
    if worse or (failures and not of_base):
        return "regression", (*worse, *failures)
    both = (*failures, *of_base) if failures else ()
    missing = (*_unfinished(report, {base, candidate}), *both, *_too_few(judged))
    if missing:
        return "no-answer", missing
    open_questions = tuple(_in_words(finding, base) for finding in judged if finding.pair.verdict == "cannot-tell")
    if open_questions:
        return "cannot-tell", open_questions
    return "passed", tuple(_in_words(finding, base) for finding in judged)


def _in_words(finding: Finding, base: str) -> str:
    pair = finding.pair
    said = f"{MEASURES[finding.measure].title} under {pair.scenario}: {verdict_text(pair, finding.measure)}"
    if pair.ratio is None or pair.interval is None:
        return f"{said}. {pair.reason}"
    said += f"; {ratio_text(pair.ratio.value)} times that of {base}, interval {ratio_interval(pair.interval)}"
    to_detect, to_show_same = pair.blocks_to_detect, pair.blocks_to_show_same
    if to_detect is not None and to_show_same is not None:
        said += f". A difference as large as this takes {blocks_text(to_detect)} blocks to be found; "
        if to_show_same.blocks is not None and to_show_same.blocks <= pair.blocks:
            said += (
                f"the {pair.blocks} blocks of this run would have shown that there is no difference: this one is too "
                "near the margin"
            )
        else:
            said += f"if there is no difference, {blocks_text(to_show_same)} would show it"
    return f"{said}."


def _unfinished(report: Report, apis: Collection[str]) -> Iterator[str]:
    open_loop = () if report.open_loop is None else report.open_loop.summaries
    summaries = (*report.summaries, *open_loop)
    cells = sum(summary.unfinished_cells for summary in summaries if summary.api in apis)
    if cells:
        yield (
            f"The run {report.run_id} isn't finished: {cells} of the two builds' cells {is_are(cells)} still to be "
            "measured. “lab run --resume” measures them; then judge the run with --run."
        )


def _failures(report: Report, api: str) -> dict[str, list[VoidAttempt]]:
    """By load the first failed attempt at each cell in which an API failed; those of the open loop included."""
    first: dict[str, VoidAttempt] = {}
    for attempt in report.void_attempts:
        if attempt.api == api and attempt.failed:
            first.setdefault(attempt.cell_id, attempt)
    loads = dict.fromkeys(attempt.scenario for attempt in first.values())
    return {load: [attempt for attempt in first.values() if attempt.scenario == load] for load in loads}


def _failures_in_words(report: Report, api: str) -> Iterator[str]:
    for load, attempts in _failures(report, api).items():
        why = "; ".join(f"{void.message.removesuffix('.')} ({void.reason})" for void in attempts[0].voids)
        more = f"in {counted(len(attempts), 'cell')} under {load}, first in" if attempts[1:] else "in the cell"
        yield f"{api} failed {more} {attempts[0].cell_id}: {why}."


def _too_few(judged: Sequence[Finding]) -> Iterator[str]:
    for finding in judged:
        if finding.pair.reason is not None:
            yield f"{MEASURES[finding.measure].title} under {finding.pair.scenario}: {finding.pair.reason}"


def _blocks_needed(judged: Sequence[Finding], margin: float) -> BlocksNeeded:
    """The number of blocks with which a candidate without any difference would pass, at the measured noise.

    All k comparisons that aren't shown to be better must be shown to be the same. Together they fail with a probability
    of at most 20% if each fails with at most 20% / k, however they depend on each other (Bonferroni's inequality).
    """
    pairs = [finding.pair for finding in judged if finding.pair.verdict != "better"]
    power = power_of_all(len(pairs))
    needed = [
        needed_blocks(lambda of: blocks_to_show_same(of, margin=margin, power=power), pair.ratio.noise, pair.blocks - 1)
        for pair in pairs
        if pair.ratio is not None and pair.ratio.noise is not None
    ]
    return BlocksNeeded(
        blocks=_most(found.blocks for found in needed),
        low=_most(found.low for found in needed),
        high=_most(found.high for found in needed),
    )


def _most(blocks: Iterable[int | None]) -> int | None:
    """The largest of some numbers of blocks; None if one of them is."""
    found = [*blocks]
    known = [number for number in found if number is not None]
    return max(known) if len(known) == len(found) else None


def power_of_all(comparisons: int) -> float:
    """The power that each comparison needs so that all of them together have the power of one."""
    return 1 - (1 - POWER) / comparisons


def _same_build(base: Subject, candidate: Subject) -> Iterator[str]:
    if (base.image_id, base.environment) == (candidate.image_id, candidate.environment):
        yield (
            f"{base.name} and {candidate.name} are the same image with the same environment: there is no difference to "
            "find."
        )
