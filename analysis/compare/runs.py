"""Compare two runs: the same APIs under the same loads, before and after.

Whatever differed between the two times, such as a warmer host, another neighbour or a fuller disk, is in the change of
every API, and no interval covers it: intervals come from the scatter of blocks within a run. So an API is judged
against its controls, the other APIs that both runs have with the same build: by the ratio of its change over theirs.
What affects all APIs of a run alike cancels; what affects one alone doesn't, and `analysis.compare.gate` avoids that by
interleaving two builds in one run. Without a control there are numbers and no verdict.

A block gives the log of an API less the mean log of its controls. The blocks of two runs aren't paired, so these are
two independent samples (`analysis.statistics.estimates`). The rule of the verdict is the same as within a run.

Two runs must have the same conditions (`analysis.compare.conditions`).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Literal

import numpy as np

from analysis.cells import mostly_bound_by
from analysis.claims import size_text
from analysis.compare.conditions import Conditions, differences
from analysis.formatting import counted, is_are, listing
from analysis.raw import read_run
from analysis.report import analyse
from analysis.statistics import (
    CONFIDENCE,
    EQUIVALENCE_CONFIDENCE,
    LEAST_BLOCKS,
    MEASURES,
    POWER,
    SIGNIFICANCE,
    BlockMeans,
    StudentMean,
    TwoNoises,
    equivalence_p_value,
    has_ratio,
    holm,
    holm_levels,
    interval_of,
    judge,
    least_deviation,
    logs_of,
    needed_blocks,
    over_blocks,
    uncompared,
    welch,
    within_margin,
)
from documents.errors import AnalysisError
from documents.report import (
    BlocksNeeded,
    CellNumbers,
    ComparedResult,
    ComparedRun,
    ComparedSubject,
    Measure,
    MeasureChanges,
    Report,
    RunComparison,
    Side,
    Subject,
    Verdict,
)

_AT_TWO_TIMES = (
    "The two runs were measured at two times. Whatever else changed between them, such as the host's heat, its "
    "neighbours or the state of its disk, is in every change"
)
_GATE = "To see what a change of the code did, measure both builds in one run, interleaved: “lab gate” does."


def _confounded(controls: Sequence[str]) -> str:
    """What these ratios may have in them besides the effect of a change of the code."""
    if not controls:
        return (
            f"{_AT_TWO_TIMES}, and no other API has the same build in both runs to show it. So there is no verdict. "
            f"{_GATE}"
        )
    return (
        f"{_AT_TWO_TIMES}. What changed for all APIs alike cancels over the controls, which have the same build in "
        f"both runs: {listing([*controls])}. What changed for one API alone is still in its ratio. {_GATE}"
    )


def compare_folders(first: Path, second: Path, *, anyway: bool = False) -> RunComparison:
    """Compare two runs by their folders; ratios are those of the second over the first.

    Args:
        first: the folder of the run that the other is compared with.
        second: the folder of the other.
        anyway: compare them even if their conditions differ; the result then has the differences.

    Raises:
        AnalysisError: the conditions differ, with all differences; the runs have no API or no load in common, or are
            the same; or a raw file can't be used.
        DocumentError: a document of a run is invalid.
    """
    runs = [read_run(folder) for folder in (first, second)]
    ids = [run.manifest.run_id for run in runs]
    if ids[0] == ids[1]:
        raise AnalysisError(f"{first} and {second} are the same run, {ids[0]}. Name another one to compare.")
    found = differences(*(Conditions(run.manifest, run.host) for run in runs))
    if found and not anyway:
        raise AnalysisError(
            f"{ids[0]} and {ids[1]} can't be compared, because their conditions differ: {'; '.join(found)}. Measure "
            "one of them again under the conditions of the other, or use --anyway, which marks the page."
        )
    first_report, second_report = map(analyse, runs)
    return compare_runs(first_report, second_report, found)


def compare_runs(
    first: Report, second: Report, found: Sequence[str] = (), *, measures: Collection[Measure] = tuple(MEASURES)
) -> RunComparison:
    """Compare what two runs have in common: APIs and loads of the same name.

    A measure without a ratio in some cell is left out, with a note. If the protocols' margins differ, the smaller one
    is used.

    Raises:
        AnalysisError: they have no API or no load in common.
    """
    subjects = [(api, same) for api in first.apis for same in second.apis if same.name == api.name]
    names = [load.name for load in second.scenarios]
    scenarios = [load.name for load in first.scenarios if load.name in names]
    if not subjects or not scenarios:
        raise AnalysisError(
            f"{first.run_id} and {second.run_id} have no {'load' if subjects else 'API'} of the same name, so there is "
            "nothing to compare."
        )
    planned = [(scenario, api.name) for scenario in scenarios for api, _ in subjects]
    cells = tuple([cell for cell in run.cells if (cell.scenario, cell.api) in planned] for run in (first, second))
    bound = mostly_bound_by("postgres", cells[0]) & mostly_bound_by("postgres", cells[1])
    margin = min(first.margin, second.margin)
    compared = tuple(_subject(*pair) for pair in subjects)
    controls = tuple(subject.api for subject in compared if not subject.changed)
    return RunComparison(
        first=_run(first),
        second=_run(second),
        differences=tuple(found),
        notes=(
            *_missing(first, second),
            *(
                f"{run.run_id}: {said}"
                for run, own in zip((first, second), cells, strict=True)
                for said in uncompared(own)
            ),
            *_hosts(first, second),
            _confounded(controls if len(compared) > 1 else ()),
        ),
        margin=margin,
        significance=SIGNIFICANCE,
        power=POWER,
        subjects=compared,
        controls=controls,
        measures=tuple(
            _compare(
                cells,
                measure,
                planned,
                controls=controls,
                margin=margin,
                bound=bound if terms.waits_for_postgres else frozenset(),
            )
            for measure, terms in MEASURES.items()
            if measure in measures and all(has_ratio(cell, measure) for cell in chain(*cells))
        ),
    )


def _run(report: Report) -> ComparedRun:
    return ComparedRun(
        run_id=report.run_id,
        started_at=report.started_at,
        git_commit=report.git_commit,
        stack=report.stack,
        protocol=report.protocol,
        valid_cells=len(report.cells),
        void_cells=len(report.void_cells),
        unfinished_cells=len(report.unfinished_cells),
    )


def _subject(first: Subject, second: Subject) -> ComparedSubject:
    parts: dict[Literal["image", "sources", "environment"], bool] = {
        "image": first.image_id != second.image_id,
        "sources": first.source_sha256 != second.source_sha256,
        "environment": first.environment != second.environment,
    }
    return ComparedSubject(
        api=first.name,
        first_image_id=first.image_id,
        second_image_id=second.image_id,
        changed=tuple(part for part, differs in parts.items() if differs),
    )


def _missing(first: Report, second: Report) -> list[str]:
    """Notes on what isn't compared, and on missing cells."""
    notes: list[str] = []
    for report in (first, second):
        if unfinished := len(report.unfinished_cells):
            left = f"{unfinished} of its cells {is_are(unfinished)} still to be measured"
            notes.append(f"{report.run_id} isn't finished: {left}.")
        if void := len(report.void_cells):
            notes.append(f"{report.run_id} has {counted(void, 'void cell')}; its report says why.")
    for report, other in ((first, second), (second, first)):
        for what, mine, theirs in (
            ("API", report.apis, {api.name for api in other.apis}),
            ("load", report.scenarios, {load.name for load in other.scenarios}),
        ):
            notes += [
                f"Only {report.run_id} has the {what} {one.name}, so it isn't compared."
                for one in mine
                if one.name not in theirs
            ]
    return notes


def _hosts(first: Report, second: Report) -> list[str]:
    """Notes on the grades of the hosts, which affect every ratio; none for a full host."""
    return [
        f"The host of {report.run_id} has {size_text(report.size)} for the lab and is graded “{report.grade}”, "
        f"{report.control}; its report explains the effect on the numbers."
        for report in (first, second)
        if report.grade != "full"
    ]


@dataclass(frozen=True)
class _Sample:
    """One API under one load in one run: the logs of its blocks, and of those that have its controls, less theirs."""

    logs: list[float]
    over_controls: list[float]
    least_deviation: float

    def means(self) -> BlockMeans:
        """Of the logs less the controls'; of at least two."""
        return over_blocks(np.array(self.over_controls), least_deviation=self.least_deviation)


def _sample(
    cells: Sequence[CellNumbers], scenario: str, api: str, controls: Sequence[str], measure: Measure
) -> _Sample:
    """A block's value of an API is the mean of both if the block measured it twice."""
    logs = logs_of([cell for cell in cells if cell.api in {api, *controls}], scenario, measure)
    blocks = [{name: float(np.mean(values)) for name, values in logs[block].items()} for block in sorted(logs)]
    every = [value for block in blocks for value in block.values()]
    return _Sample(
        logs=[block[api] for block in blocks if api in block],
        over_controls=[
            block[api] - float(np.mean([block[name] for name in controls]))
            for block in blocks
            if controls and {api, *controls} <= block.keys()
        ],
        least_deviation=least_deviation(every, measure) if every else 0.0,
    )


def _compare(
    cells: tuple[Sequence[CellNumbers], ...],
    measure: Measure,
    planned: Sequence[tuple[str, str]],
    *,
    controls: Sequence[str],
    margin: float,
    bound: Collection[tuple[str, str]],
) -> MeasureChanges:
    controls_of = {api: [name for name in controls if name != api] for _, api in planned}
    samples = {
        (scenario, api): tuple(_sample(own, scenario, api, controls_of[api], measure) for own in cells)
        for scenario, api in planned
    }
    means = {
        pair: tuple(sample.means() for sample in both)
        for pair, both in samples.items()
        if min(len(sample.over_controls) for sample in both) >= LEAST_BLOCKS
    }
    found = {pair: welch(*both) for pair, both in means.items()}
    tested = [pair for pair in planned if controls_of[pair[1]]]
    p_values = np.array([float(found[pair].p_value()) if pair in found else 1.0 for pair in tested])
    p_adjusted = dict(zip(tested, holm(p_values).tolist(), strict=True))
    levels = dict(zip(tested, holm_levels(p_values, SIGNIFICANCE).tolist(), strict=True))
    return MeasureChanges(
        measure=measure,
        tests=len(tested),
        changes=tuple(
            _change(
                *pair,
                samples[pair],
                found.get(pair),
                noises=TwoNoises(*(float(of.standard_deviation) for of in means[pair])) if pair in means else None,
                controls=controls_of[pair[1]],
                p_adjusted=p_adjusted.get(pair, 1.0),
                level=levels.get(pair, SIGNIFICANCE),
                tests=len(tested),
                higher_is_better=MEASURES[measure].higher_is_better,
                margin=margin,
                bound_by_postgres=(pair[1], pair[0]) in bound,
            )
            for pair in planned
        ),
    )


def _change(
    scenario: str,
    api: str,
    samples: tuple[_Sample, ...],
    ratio: StudentMean | None,
    *,
    noises: TwoNoises | None,
    controls: Sequence[str],
    p_adjusted: float,
    level: float,
    tests: int,
    higher_is_better: bool,
    margin: float,
    bound_by_postgres: bool,
) -> ComparedResult:
    before, after = samples
    first, second = (float(np.exp(np.mean(sample.logs))) if sample.logs else None for sample in samples)
    verdict: Verdict = "cannot-tell"
    better: Side | None = None
    to_detect: BlocksNeeded | None = None
    to_show_same: BlocksNeeded | None = None
    if ratio is not None and noises is not None:
        blocks = min(len(sample.over_controls) for sample in samples)
        verdict = judge(within=bool(within_margin(ratio, margin)), blocks=blocks, p_adjusted=p_adjusted)
        if verdict == "better":
            better = "second" if (ratio.mean > 0) == higher_is_better else "first"
        elif verdict == "cannot-tell":
            # Holm's strictest level, as within a run.
            strictest, freedom, difference = SIGNIFICANCE / tests, float(ratio.degrees_of_freedom), float(ratio.mean)
            to_detect = needed_blocks(
                lambda share: noises.times(share).blocks_to_detect(difference, significance=strictest), 1.0, freedom
            )
            to_show_same = needed_blocks(
                lambda share: noises.times(share).blocks_to_show_same(margin=margin), 1.0, freedom
            )
    return ComparedResult(
        api=api,
        scenario=scenario,
        first_blocks=len(before.logs),
        second_blocks=len(after.logs),
        first=first,
        second=second,
        change=None if first is None or second is None else second / first,
        ratio=ratio and float(np.exp(ratio.mean)),
        interval_95=ratio and interval_of(ratio, CONFIDENCE),
        interval_90=ratio and interval_of(ratio, EQUIVALENCE_CONFIDENCE),
        interval=ratio and interval_of(ratio, 1 - level),
        first_noise=noises and noises.first,
        second_noise=noises and noises.second,
        degrees_of_freedom=ratio and float(ratio.degrees_of_freedom),
        p_value=ratio and float(ratio.p_value()),
        p_adjusted=ratio and p_adjusted,
        p_equivalence=ratio and float(equivalence_p_value(ratio, margin)),
        verdict=verdict,
        better=better,
        bound_by_postgres=bound_by_postgres,
        reason=None if ratio else _without_ratio(api, scenario, samples, controls),
        blocks_to_detect=to_detect,
        blocks_to_show_same=to_show_same,
    )


def _without_ratio(api: str, scenario: str, samples: tuple[_Sample, ...], controls: Sequence[str]) -> str:
    if not controls:
        return f"No other API has the same build in both runs, so {api} can't be judged."
    before, after = (counted(len(sample.over_controls), "block") for sample in samples)
    return (
        f"The first run has {before} with valid cells of {listing([api, *controls])} under {scenario}, the second "
        f"{after}; a comparison needs {LEAST_BLOCKS} of each."
    )
