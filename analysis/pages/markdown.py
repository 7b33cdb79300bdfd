"""The report as Markdown, for a pull request or a terminal pager."""

from analysis.pages.article import article_table
from analysis.pages.building import building_table
from analysis.pages.claims import claim_tables, claims_table
from analysis.pages.facts import grade_text, heading, host_facts, in_short, rerun_commands, run_facts
from analysis.pages.knobs import knob_table
from analysis.pages.load_hosts import load_host_table
from analysis.pages.markdown_text import bullets as _list
from analysis.pages.markdown_text import escape as _escape
from analysis.pages.markdown_text import one_line as _one_line
from analysis.pages.markdown_text import section as _section
from analysis.pages.markdown_text import table as _table
from analysis.pages.method import method_words, recompute_command
from analysis.pages.open_loop import open_loop_tables
from analysis.pages.table import latency_table, resource_table, summary_table
from analysis.pages.verdict import load_verdicts
from analysis.pages.verdicts import verdict_tables
from analysis.pages.void_cells import short_blocks, void_entries, void_note
from analysis.pages.warm_up import warm_up_table
from analysis.pages.work import work_table
from documents.report import Report


def render_markdown(report: Report) -> str:
    """The report as GitHub-flavoured Markdown; what comes from the host is escaped.

    Its order and its tables are those of the HTML page, but for single cells and what the watch saw of them. It has no
    plots.
    """
    parts = [f"# {_escape(heading(report))}", _escape(f"{in_short(report)} {grade_text(report)}")]
    parts += ["## Verdict", _list(f"{verdict.load}: {verdict.sentence}" for verdict in load_verdicts(report))]
    if report.caveats:
        parts += ["## Before you quote these numbers", _list(report.caveats)]
    parts += [_section(summary_table(report)), *map(_section, verdict_tables(report))]
    parts += [_section(latency_table(report)), *map(_section, open_loop_tables(report))]
    parts += [_section(resource_table(report))]
    further = (warm_up_table(report), work_table(report), article_table(report), claims_table(report))
    parts += [_section(table) for table in further if table.rows]
    parts += [f"### {_escape(table.title)}\n\n{_table(table)}" for table in claim_tables(report)]
    parts += [_section(building)] if (building := building_table(report)).rows else []
    parts += [
        "## Run",
        _list(f"{name}: {value}" for name, value in run_facts(report)),
        "## Host",
        _list(f"{name}: {value}" for name, value in (*host_facts(report), *sorted(report.tool_versions.items()))),
    ]
    parts += [_section(table) for table in (load_host_table(report), knob_table(report.knobs)) if table.rows]
    lines = ((entry.cell_id, line) for entry in void_entries(report) for line in (*entry.reasons, entry.outcome))
    voids = [_list(f"{cell_id}: {line}" for cell_id, line in lines)] if report.void_attempts else []
    parts += ["## Void cells", _escape(void_note(report)), *voids]
    if report.short_blocks:
        parts += ["## Short blocks", _list(short_blocks(report))]
    if report.unfinished_cells:
        parts += ["## Unfinished cells", _list(report.unfinished_cells)]
    parts += [
        "## Run it again",
        "\n".join(f"    {_one_line(command)}" for command in rerun_commands(report)),
        "## How the numbers are made",
        *map(_escape, method_words(report)),
        f"    {_one_line(recompute_command(report))}",
    ]
    return "\n\n".join(parts) + "\n"
