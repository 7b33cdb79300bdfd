"""Two runs beside each other: tables, and the page in Markdown and HTML."""

from pathlib import Path

from analysis.numbers import MISSING, listing, plain
from analysis.pages.html import ENVIRONMENT, TEMPLATES
from analysis.pages.markdown import bullets, escape, markdown_section
from analysis.pages.table import Column, Table, TableCell, ratio_cell
from analysis.pages.write import replace_whole
from analysis.statistics import MEASURE_TITLES, MEASURE_UNITS, MEASURES, MOST_BLOCKS, blocks_text
from documents.report import Change, ComparedRun, ComparedSubject, Measure, MeasureChanges, RunComparison

UNLIKE = "Unlike conditions"
"""What the title of a comparison begins with that was made although the runs' conditions differ."""


def comparison_heading(comparison: RunComparison) -> str:
    """The page's title: what was compared, and whether it could be."""
    apis = listing([subject.api for subject in comparison.subjects])
    mark = f"{UNLIKE}: " if comparison.differences else ""
    return f"{mark}{apis} in {comparison.second.run_id} and {comparison.first.run_id}"


def change_tables(comparison: RunComparison) -> tuple[Table, ...]:
    """A table for each measure, throughput first."""
    return tuple(_table(comparison, changes) for changes in comparison.measures)


def change_text(change: Change, measure: Measure) -> str:
    """The verdict in words: "same", "second run faster", "can't tell"."""
    if change.verdict == "better":
        return f"{change.better} run {MEASURES[measure].better}"
    if change.verdict == "same":
        return "same, bound by PostgreSQL" if change.bound_by_postgres else "same"
    return "can't tell"


def run_lines(comparison: RunComparison) -> tuple[tuple[str, str], ...]:
    """What each run was, and what of the APIs changed between them."""
    return (
        ("First run", _describe(comparison.first)),
        ("Second run", _describe(comparison.second)),
        *((subject.api, _build(subject)) for subject in comparison.subjects),
    )


def render_comparison_markdown(comparison: RunComparison) -> str:
    """The comparison as GitHub-flavoured Markdown; what comes from the runs is escaped."""
    parts = [f"# {escape(comparison_heading(comparison))}"]
    if comparison.differences:
        parts += ["## What differs", escape(_WARNING), bullets(comparison.differences)]
    parts += ["## Before you quote these numbers", bullets(comparison.notes)]
    parts += [markdown_section(table) for table in change_tables(comparison)]
    parts += ["## Runs", bullets(f"{name}: {value}" for name, value in run_lines(comparison))]
    return "\n\n".join(parts) + "\n"


def render_comparison_html(comparison: RunComparison) -> str:
    """The comparison as one self-contained HTML page; what comes from the runs is escaped."""
    return ENVIRONMENT.get_template("run_comparison.html").render(
        comparison=comparison,
        style=(TEMPLATES / "report.css").read_text(encoding="utf-8"),
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
    replace_whole(page.with_suffix(".json"), comparison.to_json())
    replace_whole(page.with_suffix(".md"), render_comparison_markdown(comparison))
    replace_whole(page, render_comparison_html(comparison))
    return page


_WARNING = (
    "These runs weren't measured under the same conditions. A ratio below holds all of these differences as well as "
    "that of the builds."
)


def _table(comparison: RunComparison, changes: MeasureChanges) -> Table:
    unit, per = MEASURE_UNITS[changes.measure]
    columns = (
        Column("Load", numeric=False),
        Column("API", numeric=False),
        Column("First", unit),
        Column("Second", unit),
        Column("Second over first"),
        Column("Verdict", numeric=False),
        Column("Blocks that would tell"),
    )
    return Table(
        title=MEASURE_TITLES[changes.measure],
        note=(
            "Geometric means over blocks, and their ratio with its 95% interval by Welch's t. Same: the 90% interval "
            f"lies within {comparison.margin:.0%}. Better: significant at {comparison.significance:.0%} after Holm's "
            f"correction for {changes.tests} {'test' if changes.tests == 1 else 'tests'}. Blocks, of each run: to find "
            "a difference as large as it looks; to show that there is none, if there is none."
        ),
        columns=columns,
        rows=tuple(_row(change, changes.measure, per) for change in changes.changes),
        named_by=2,
    )


def _row(change: Change, measure: Measure, per: float) -> tuple[TableCell, ...]:
    return (
        TableCell(change.scenario),
        TableCell(change.api),
        _value(change.first, change.first_blocks, per),
        _value(change.second, change.second_blocks, per),
        ratio_cell(change.ratio, change.interval_95),
        TableCell(change_text(change, measure), change.reason or ""),
        _blocks(change),
    )


def _value(value: float | None, blocks: int, per: float) -> TableCell:
    counted = f"{blocks} {'block' if blocks == 1 else 'blocks'}"
    return TableCell(MISSING if value is None else plain(value / per), counted)


def _blocks(change: Change) -> TableCell:
    if change.verdict != "cannot-tell" or change.ratio is None:
        return TableCell(MISSING)
    return TableCell(
        f"{blocks_text(change.blocks_to_detect, MOST_BLOCKS)}; "
        f"{blocks_text(change.blocks_to_show_same, MOST_BLOCKS)} if the same"
    )


def _describe(run: ComparedRun) -> str:
    cells = f"{run.valid_cells} valid cells, {run.void_cells} void, {run.unfinished_cells} unfinished"
    started = run.started_at.isoformat(sep=" ", timespec="seconds")
    what = f"protocol {run.protocol}, stack {run.stack}, commit {run.git_commit}"
    return f"{run.run_id}, started {started}, {what}; {cells}"


def _build(subject: ComparedSubject) -> str:
    if not subject.changed:
        return "the same build in both runs"
    changed = f"{listing([*subject.changed])} changed"
    return f"{changed}; image {subject.first_image_id[:19]}, then {subject.second_image_id[:19]}"
