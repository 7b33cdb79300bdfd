"""The report as Markdown, for a pull request or a terminal pager."""

from analysis.pages.article import article_table
from analysis.pages.building import building_table
from analysis.pages.facts import heading, host_facts, in_short, rerun_commands, run_facts
from analysis.pages.markdown_text import bullets as _list
from analysis.pages.markdown_text import escape as _escape
from analysis.pages.markdown_text import one_line as _one_line
from analysis.pages.markdown_text import section as _section
from analysis.pages.markdown_text import table as _table
from analysis.pages.table import latency_table, resource_table, summary_table
from documents.report import Report


def render_markdown(report: Report) -> str:
    """The report as GitHub-flavoured Markdown; what comes from the host is escaped."""
    parts = [f"# {_escape(heading(report))}", _escape(in_short(report)), _table(summary_table(report))]
    if report.caveats:
        parts += ["## Before you quote these numbers", _list(report.caveats)]
    parts += [_section(latency_table(report)), _section(resource_table(report))]
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
