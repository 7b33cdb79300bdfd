"""The report as one self-contained HTML page: no script, no request, light and dark, for print and for a phone."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from analysis.pages.article import article_table
from analysis.pages.building import building_table
from analysis.pages.claims import claim_tables, claims_table
from analysis.pages.facts import (
    grade_meaning,
    grade_name,
    heading,
    host_facts,
    in_short,
    rerun_commands,
    run_facts,
)
from analysis.pages.knobs import knob_table
from analysis.pages.load_hosts import load_host_table
from analysis.pages.method import method_words, recompute_command
from analysis.pages.open_loop import open_loop_tables
from analysis.pages.plots import plot_groups
from analysis.pages.table import cell_table, latency_table, resource_table, summary_table
from analysis.pages.verdict_plots import verdict_plots
from analysis.pages.verdicts import other_table, pair_table, ranking_table, twin_table
from analysis.pages.void_cells import short_blocks, void_entries, void_note
from analysis.pages.warm_up import warm_up_table
from analysis.pages.watch import watch_table
from documents.report import Report

TEMPLATES = Path(__file__).with_name("templates")

ENVIRONMENT = Environment(
    loader=FileSystemLoader(TEMPLATES),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


def render_html(report: Report) -> str:
    """The report as an HTML document. What comes from the run is escaped; our style sheet and plots go in as markup."""
    return ENVIRONMENT.get_template("report.html").render(
        report=report,
        style=(TEMPLATES / "report.css").read_text(encoding="utf-8"),
        heading=heading(report),
        in_short=in_short(report),
        grade_name=grade_name(report),
        grade_meaning=grade_meaning(report),
        summary=summary_table(report),
        ranking=ranking_table(report),
        pairs=pair_table(report),
        twins=twin_table(report),
        other_measures=other_table(report),
        verdict_plots=verdict_plots(report),
        plot_groups=plot_groups(report),
        latency=latency_table(report),
        open_loop=open_loop_tables(report),
        resources=resource_table(report),
        warm_ups=warm_up_table(report),
        article=article_table(report),
        claims=claims_table(report),
        claim_tables=claim_tables(report),
        building=building_table(report),
        load_hosts=load_host_table(report),
        void_note=void_note(report),
        void_entries=void_entries(report),
        short_blocks=short_blocks(report),
        cells=cell_table(report),
        watch=watch_table(report),
        knobs=knob_table(report.knobs),
        run_facts=run_facts(report),
        host_facts=host_facts(report),
        rerun=rerun_commands(report),
        method=method_words(report),
        recompute=recompute_command(report),
    )
