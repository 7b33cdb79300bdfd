"""A run in short, as Markdown: what the page of a job in continuous integration shows."""

from analysis.pages.facts import grade_text, heading, in_short
from analysis.pages.markdown_text import bullets, escape, section
from analysis.pages.table import summary_table
from analysis.pages.verdicts import verdict_tables
from analysis.pages.void_cells import short_blocks
from documents.report import Report


def render_summary(report: Report) -> str:
    """What is known after a run, and what must be known before it is quoted; what comes from the host is escaped.

    Its tables are those that the report begins with.
    """
    parts = [
        f"## {escape(heading(report))}",
        escape(f"Run {report.run_id} by the protocol {report.protocol}. {in_short(report)} {grade_text(report)}"),
        section(summary_table(report)),
        *map(section, verdict_tables(report)),
    ]
    if report.short_blocks:
        parts += ["## Short blocks", bullets(short_blocks(report))]
    if report.unfinished_cells:
        parts += ["## Unfinished cells", bullets(report.unfinished_cells)]
    if report.caveats:
        parts += ["## Before you quote these numbers", bullets(report.caveats)]
    return "\n\n".join(parts) + "\n"
