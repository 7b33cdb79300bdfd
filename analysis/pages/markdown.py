"""The report as Markdown, for a pull request or a terminal pager."""

import re
from collections.abc import Iterable

from analysis.pages.article import article_table
from analysis.pages.building import building_table
from analysis.pages.facts import heading, host_facts, in_short, rerun_commands, run_facts
from analysis.pages.open_loop import open_loop_tables
from analysis.pages.table import Table, TableCell, latency_table, resource_table, summary_table
from documents.report import Report

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&!])")


def render_markdown(report: Report) -> str:
    """The report as GitHub-flavoured Markdown; what comes from the host is escaped."""
    parts = [f"# {_escape(heading(report))}", _escape(in_short(report)), _table(summary_table(report))]
    if report.caveats:
        parts += ["## Before you quote these numbers", _list(report.caveats)]
    parts += [_section(latency_table(report)), *map(_section, open_loop_tables(report))]
    parts += [_section(resource_table(report))]
    parts += [_section(table) for table in (article_table(report), building_table(report)) if table.rows]
    if report.void_cells:
        parts += [
            "## Void cells",
            _list(
                f"{cell.cell_id}: {void.message} ({void.reason})" for cell in report.void_cells for void in cell.voids
            ),
        ]
    if report.unfinished_cells:
        parts += ["## Unfinished cells", _list(report.unfinished_cells)]
    parts += [
        "## Run",
        _list(f"{name}: {value}" for name, value in run_facts(report)),
        "## Host",
        _list(f"{name}: {value}" for name, value in (*host_facts(report), *sorted(report.tool_versions.items()))),
        "## Run it again",
        "\n".join(f"    {_one_line(command)}" for command in rerun_commands(report)),
    ]
    return "\n\n".join(parts) + "\n"


def _section(table: Table) -> str:
    return f"## {_escape(table.title)}\n\n{_table(table)}"


def _table(table: Table) -> str:
    head = "| " + " | ".join(_escape(column.heading) for column in table.columns) + " |"
    rule = "|" + "|".join("---:" if column.numeric else "---" for column in table.columns) + "|"
    rows = ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in table.rows]
    return "\n".join([head, rule, *rows]) + f"\n\n{_escape(table.note)}"


def _cell(cell: TableCell) -> str:
    return _escape(f"{cell.value} ({cell.detail})" if cell.detail else cell.value)


def _list(lines: Iterable[str]) -> str:
    return "\n".join(f"- {_escape(line)}" for line in lines)


def _escape(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", _one_line(text))


def _one_line(text: str) -> str:
    return " ".join(text.split())
