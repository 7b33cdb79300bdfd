"""The report as Markdown, for a pull request, a job's summary or a terminal pager."""

import re
from collections.abc import Iterable

from analysis.pages.article import article_table, building_table, claim_tables, claims_table
from analysis.pages.open_loop import open_loop_tables
from analysis.pages.run import (
    grade_text,
    heading,
    host_details,
    in_short,
    knob_table,
    load_host_table,
    method_words,
    recompute_command,
    rerun_commands,
    run_details,
)
from analysis.pages.table import (
    Table,
    TableCell,
    latency_table,
    resource_table,
    short_blocks,
    summary_table,
    void_entries,
    void_note,
    warm_up_table,
    work_table,
)
from analysis.pages.verdicts import load_verdicts, ranking_table, verdict_tables
from documents.report import Report

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&!])")


def markdown_section(shown: Table) -> str:
    """A Markdown table under its title."""
    return f"## {escape(shown.title)}\n\n{table_with_note(shown)}"


def table_with_note(shown: Table) -> str:
    """A Markdown table with its note below it."""
    head = "| " + " | ".join(escape(column.heading) for column in shown.columns) + " |"
    rule = "|" + "|".join("---:" if column.numeric else "---" for column in shown.columns) + "|"
    rows = ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in shown.rows]
    return "\n".join([head, rule, *rows]) + f"\n\n{escape(shown.note)}"


def _cell(cell: TableCell) -> str:
    return escape(f"{cell.value} ({cell.detail})" if cell.detail else cell.value)


def bullets(lines: Iterable[str]) -> str:
    """One item a line."""
    return "\n".join(f"- {escape(line)}" for line in lines)


def escape(text: str) -> str:
    """Text on one line, with Markdown's special characters escaped."""
    return _SPECIAL.sub(r"\\\1", one_line(text))


def one_line(text: str) -> str:
    """Text with single spaces as its only white space."""
    return " ".join(text.split())


def render_markdown(report: Report) -> str:
    """The report as GitHub-flavoured Markdown; texts from the host are escaped.

    It has the tables of the HTML page in the same order, without single cells and plots.
    """
    parts = [f"# {escape(heading(report))}", escape(f"{in_short(report)} {grade_text(report)}")]
    parts += ["## Verdict", bullets(f"{verdict.load}: {verdict.sentence}" for verdict in load_verdicts(report))]
    ranking = ranking_table(report)
    parts += [table_with_note(ranking)] if ranking.rows else []
    if report.caveats:
        parts += ["## Before you quote these numbers", bullets(report.caveats)]
    parts += [markdown_section(summary_table(report)), *map(markdown_section, verdict_tables(report))]
    parts += [markdown_section(latency_table(report)), *map(markdown_section, open_loop_tables(report))]
    parts += [markdown_section(resource_table(report))]
    further = (warm_up_table(report), work_table(report), article_table(report), claims_table(report))
    parts += [markdown_section(table) for table in further if table.rows]
    parts += [f"### {escape(table.title)}\n\n{table_with_note(table)}" for table in claim_tables(report)]
    building = building_table(report)
    if building.rows:
        parts.append(markdown_section(building))
    elif building.note:
        parts += [f"## {building.title}", escape(building.note)]
    parts += [
        "## Run",
        bullets(f"{name}: {value}" for name, value in run_details(report)),
        "## Host",
        bullets(f"{name}: {value}" for name, value in (*host_details(report), *sorted(report.tool_versions.items()))),
    ]
    parts += [markdown_section(table) for table in (load_host_table(report), knob_table(report.knobs)) if table.rows]
    lines = ((entry.cell_id, line) for entry in void_entries(report) for line in (*entry.reasons, entry.outcome))
    voids = [bullets(f"{cell_id}: {line}" for cell_id, line in lines)] if report.void_attempts else []
    parts += ["## Void cells", escape(void_note(report)), *voids]
    parts += [
        *_incomplete(report),
        "## Run it again",
        "\n".join(f"    {one_line(command)}" for command in rerun_commands(report)),
        "## How the numbers are made",
        *map(escape, method_words(report)),
        f"    {one_line(recompute_command(report))}",
    ]
    return "\n\n".join(parts) + "\n"


def render_summary(report: Report) -> str:
    """The verdicts, first tables and caveats of a run; texts from the host are escaped."""
    ranking = ranking_table(report)
    parts = [
        f"## {escape(heading(report))}",
        escape(f"Run {report.run_id} by the protocol {report.protocol}. {in_short(report)} {grade_text(report)}"),
        markdown_section(summary_table(report)),
        *([markdown_section(ranking)] if ranking.rows else []),
        *map(markdown_section, verdict_tables(report)),
        *_incomplete(report),
    ]
    if report.caveats:
        parts += ["## Before you quote these numbers", bullets(report.caveats)]
    return "\n\n".join(parts) + "\n"


def _incomplete(report: Report) -> list[str]:
    """The short blocks and the unfinished cells, each under its heading."""
    parts: list[str] = []
    if report.short_blocks:
        parts += ["## Short blocks", bullets(short_blocks(report))]
    if report.unfinished_cells:
        parts += ["## Unfinished cells", bullets(report.unfinished_cells)]
    return parts
