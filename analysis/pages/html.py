"""The report as one self-contained HTML page: no script, no request, light and dark, for print and for a phone.

The verdict comes first. A page is made of chapters, each a template of its own in `templates/chapters/`; one that a run
has nothing for is left out, of the page and of its table of contents.
"""

from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from analysis.pages.building import building_table
from analysis.pages.cells import short_blocks, void_entries, void_note, warm_up_table, work_table
from analysis.pages.claims import article_table, claim_tables, claims_table
from analysis.pages.host import knob_table, load_host_table, watch_table
from analysis.pages.open_loop import open_loop_plots, open_loop_tables
from analysis.pages.plots import distribution_plots, load_plots, series_plots, use_plots, verdict_plots, work_plots
from analysis.pages.run import (
    grade_meaning,
    grade_name,
    heading,
    host_facts,
    in_short,
    method_words,
    recompute_command,
    rerun_commands,
    run_facts,
)
from analysis.pages.table import cell_table, latency_table, resource_table, summary_table
from analysis.pages.verdicts import VERDICT_NOTE, load_verdicts, other_table, pair_table, ranking_table, twin_table
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


@dataclass(frozen=True)
class Chapter:
    """A chapter of the page: its id, by which it is linked to and its template is found, and its title."""

    id: str
    title: str


CHAPTERS = (
    Chapter("verdict", "Verdict"),
    Chapter("caveats", "Before you quote these numbers"),
    Chapter("load", "Throughput and latency by load"),
    Chapter("pairs", "Pair by pair"),
    Chapter("distribution", "Latency distribution"),
    Chapter("resources", "Memory and CPU over time"),
    Chapter("work", "Work for each CPU second"),
    Chapter("article", "The article's claims beside ours"),
    Chapter("building", "Facts about building"),
    Chapter("host", "Host and run"),
    Chapter("void", "Void cells"),
    Chapter("again", "Run it again"),
    Chapter("method", "How the numbers are made"),
    Chapter("cells", "Every cell"),
)
"""In the order of the page."""


def render_html(report: Report) -> str:
    """The report as an HTML document. What comes from the run is escaped; our style sheet and plots go in as markup."""
    ranking, twins = ranking_table(report), twin_table(report)
    latency, resources, work = latency_table(report), resource_table(report), work_table(report)
    article, claims, building = article_table(report), claims_table(report), building_table(report)
    cells = cell_table(report)
    there = {
        "caveats": report.caveats,
        "pairs": ranking.rows or twins.rows,
        "distribution": latency.rows,
        "resources": resources.rows,
        "work": work.rows,
        "article": article.rows or claims.rows,
        "building": building.rows,
        "cells": cells.rows,
    }
    return ENVIRONMENT.get_template("report.html").render(
        report=report,
        style=(TEMPLATES / "report.css").read_text(encoding="utf-8"),
        chapters=[chapter for chapter in CHAPTERS if there.get(chapter.id, True)],
        heading=heading(report),
        in_short=in_short(report),
        grade_name=grade_name(report),
        grade_meaning=grade_meaning(report),
        load_verdicts=load_verdicts(report),
        verdict_note=VERDICT_NOTE,
        load_plots=load_plots(report),
        summary=summary_table(report),
        ranking=ranking,
        verdict_plots=verdict_plots(report),
        pairs=pair_table(report),
        twins=twins,
        other_measures=other_table(report),
        distribution_plots=distribution_plots(report),
        latency=latency,
        open_loop_plots=open_loop_plots(report),
        open_loop=open_loop_tables(report),
        series_plots=series_plots(report),
        use_plots=use_plots(report),
        resources=resources,
        warm_ups=warm_up_table(report),
        work_plots=work_plots(report),
        work=work,
        article=article,
        claims=claims,
        claim_tables=claim_tables(report),
        building=building,
        load_hosts=load_host_table(report),
        knobs=knob_table(report.knobs),
        run_facts=run_facts(report),
        host_facts=host_facts(report),
        void_note=void_note(report),
        void_entries=void_entries(report),
        short_blocks=short_blocks(report),
        rerun=rerun_commands(report),
        method=method_words(report),
        recompute=recompute_command(report),
        cells=cells,
        watch=watch_table(report),
    )
