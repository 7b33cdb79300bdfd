"""The page of a comparison of two runs."""

from pathlib import Path

from analysis.formatting import MISSING, counted, listing, plain, ratio_text
from analysis.pages.html import ENVIRONMENT, write_page
from analysis.pages.markdown import bullets, escape, markdown_section
from analysis.pages.table import (
    BLOCKS_NOTE,
    INTERVAL_NOTE,
    Column,
    Table,
    TableCell,
    blocks_needed,
    ratio_cell,
    verdict_rule,
)
from analysis.statistics import MEASURES, verdict_text
from documents.lab import short_image_id
from documents.report import ComparedResult, ComparedRun, ComparedSubject, Measure, MeasureChanges, RunComparison

UNLIKE = "Different conditions"
"""The beginning of the title of a comparison of two runs whose conditions differ."""


def comparison_heading(comparison: RunComparison) -> str:
    """The page's title: the two runs, and whether their conditions differ."""
    apis = listing([subject.api for subject in comparison.subjects])
    mark = f"{UNLIKE}: " if comparison.differences else ""
    return f"{mark}{apis} in {comparison.second.run_id} and {comparison.first.run_id}"


def change_tables(comparison: RunComparison) -> tuple[Table, ...]:
    """A table for each measure, throughput first."""
    return tuple(_changes_table(comparison, changes) for changes in comparison.measures)


def run_lines(comparison: RunComparison) -> tuple[tuple[str, str], ...]:
    """Each run, and the changes of the APIs between them."""
    return (
        ("First run", _describe(comparison.first)),
        ("Second run", _describe(comparison.second)),
        *((subject.api, _build(subject)) for subject in comparison.subjects),
    )


def render_comparison_markdown(comparison: RunComparison) -> str:
    """The comparison as GitHub-flavoured Markdown; texts from the runs are escaped."""
    parts = [f"# {escape(comparison_heading(comparison))}"]
    if comparison.differences:
        parts += ["## What differs", escape(_WARNING), bullets(comparison.differences)]
    parts += ["## Before you quote these numbers", bullets(comparison.notes)]
    parts += [markdown_section(table) for table in change_tables(comparison)]
    parts += ["## Runs", bullets(f"{name}: {value}" for name, value in run_lines(comparison))]
    return "\n\n".join(parts) + "\n"


def render_comparison_html(comparison: RunComparison) -> str:
    """The comparison as a self-contained HTML page; texts from the runs are escaped."""
    return ENVIRONMENT.get_template("run_comparison.html").render(
        comparison=comparison,
        heading=comparison_heading(comparison),
        unlike=UNLIKE,
        warning=_WARNING,
        tables=change_tables(comparison),
        runs=run_lines(comparison),
    )


def write_comparison(comparison: RunComparison, second_run: Path) -> Path:
    """Write the comparison into the second run's folder: `compared/<id of the first>` as .json, .md and .html.

    Returns:
        The path of the HTML page.

    Raises:
        AnalysisError: a file can't be written.
    """
    page = second_run / "compared" / f"{comparison.first.run_id}.html"
    write_page(page.with_suffix(".json"), comparison.to_json())
    write_page(page.with_suffix(".md"), render_comparison_markdown(comparison))
    write_page(page, render_comparison_html(comparison))
    return page


_WARNING = (
    "The conditions of these runs differ. Each ratio below includes the effect of all these differences, besides that "
    "of the builds."
)


def _changes_table(comparison: RunComparison, changes: MeasureChanges) -> Table:
    terms = MEASURES[changes.measure]
    columns = (
        Column("Load", numeric=False),
        Column("API", numeric=False),
        Column("First", terms.unit),
        Column("Second", terms.unit),
        Column("Second over first"),
        Column("Over the controls"),
        Column("Verdict", numeric=False),
        Column("Blocks needed"),
    )
    return Table(
        title=terms.title,
        note=(
            "Geometric means over blocks. Over the controls: the ratio of an API's change to that of the others with "
            f"the same build in both runs, with its interval by Welch's t, and the verdict on it. {INTERVAL_NOTE} "
            f"{verdict_rule(comparison.margin, comparison.significance)} for {counted(changes.tests, 'test')}. "
            f"Blocks, of each run: {BLOCKS_NOTE}"
            if changes.tests
            else "Geometric means over blocks. Without a control, an API with the same build in both runs, there is no "
            "verdict."
        ),
        columns=columns,
        rows=tuple(_change_row(change, changes.measure, terms.per) for change in changes.changes),
        named_by=2,
    )


def _change_row(change: ComparedResult, measure: Measure, per: float) -> tuple[TableCell, ...]:
    return (
        TableCell(change.scenario),
        TableCell(change.api),
        _value(change.first, change.first_blocks, per),
        _value(change.second, change.second_blocks, per),
        TableCell(MISSING if change.change is None else ratio_text(change.change)),
        ratio_cell(change.ratio, change.interval),
        TableCell(verdict_text(change, measure), change.reason or ""),
        blocks_needed(change),
    )


def _value(value: float | None, blocks: int, per: float) -> TableCell:
    return TableCell(MISSING if value is None else plain(value / per), counted(blocks, "block"))


def _describe(run: ComparedRun) -> str:
    cells = f"{run.valid_cells} valid cells, {run.void_cells} void, {run.unfinished_cells} unfinished"
    started = run.started_at.isoformat(sep=" ", timespec="seconds")
    what = f"protocol {run.protocol}, stack {run.stack}, commit {run.git_commit}"
    return f"{run.run_id}, started {started}, {what}; {cells}"


def _build(subject: ComparedSubject) -> str:
    if not subject.changed:
        return "a control, the same build in both runs"
    changed = f"{listing([*subject.changed])} changed"
    return f"{changed}; image {short_image_id(subject.first_image_id)}, then {short_image_id(subject.second_image_id)}"
