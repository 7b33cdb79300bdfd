"""The report as a self-contained HTML page, and the three files of a report.

The page has no script and makes no request; it has a light and a dark scheme, and works in print and on a phone. The
verdict comes first. The page consists of `CHAPTERS`, each with a template of its name in `templates/chapters/`. A
chapter without content is left out of the page and of its table of contents.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from analysis.formatting import listing
from analysis.pages.article import article_table, building_table, claim_tables, claims_table
from analysis.pages.markdown import render_markdown
from analysis.pages.open_loop import open_loop_plots, open_loop_tables
from analysis.pages.plots import distribution_plots, load_plots, series_plots, use_plots, verdict_plots, work_plots
from analysis.pages.run import (
    grade_meaning,
    grade_name,
    heading,
    host_details,
    in_short,
    knob_table,
    load_host_table,
    method_words,
    recompute_command,
    rerun_commands,
    run_details,
    watch_table,
)
from analysis.pages.table import (
    cell_table,
    latency_table,
    resource_table,
    short_blocks,
    summary_table,
    void_entries,
    void_note,
    warm_up_table,
    work_table,
)
from analysis.pages.verdicts import VERDICT_NOTE, load_verdicts, other_table, pair_table, twin_table
from analysis.raw import read_run
from analysis.report import analyse
from documents.errors import AnalysisError
from documents.files import replace_file
from documents.lab import short_image_id
from documents.report import Report

Values = Mapping[str, object]


@dataclass(frozen=True)
class Chapter:
    """A chapter of the page.

    Attributes:
        id: the anchor of its heading, and the name of its template.
        title: its heading.
        build: returns the values for its template, besides the report; None leaves the chapter out.
    """

    id: str
    title: str
    build: Callable[[Report], Values | None]


def _verdict(report: Report) -> Values:
    return {
        "load_verdicts": load_verdicts(report),
        "verdict_note": VERDICT_NOTE,
        "grade_meaning": grade_meaning(report),
    }


def _caveats(report: Report) -> Values | None:
    return {} if report.caveats else None


def _load(report: Report) -> Values:
    return {"load_plots": load_plots(report), "summary": summary_table(report)}


def _pairs(report: Report) -> Values | None:
    pairs, twins, others = pair_table(report), twin_table(report), other_table(report)
    if not pairs.rows and not twins.rows:
        return None
    return {
        "verdict_plots": verdict_plots(report),
        "pairs": pairs,
        "twins": twins,
        "other_measures": others,
        "other_measures_hold": f"{listing([column.title for column in others.columns[2:]])} of each pair",
    }


def _distribution(report: Report) -> Values | None:
    latency = latency_table(report)
    if not latency.rows:
        return None
    return {
        "distribution_plots": distribution_plots(report),
        "latency": latency,
        "open_loop_plots": open_loop_plots(report),
        "open_loop": open_loop_tables(report),
    }


def _resources(report: Report) -> Values | None:
    resources = resource_table(report)
    if not resources.rows:
        return None
    return {
        "series_plots": series_plots(report),
        "use_plots": use_plots(report),
        "resources": resources,
        "warm_ups": warm_up_table(report),
    }


def _work(report: Report) -> Values | None:
    work = work_table(report)
    return {"work_plots": work_plots(report), "work": work} if work.rows else None


def _article(report: Report) -> Values | None:
    article, claims = article_table(report), claims_table(report)
    if not article.rows and not claims.rows:
        return None
    return {"article": article, "claims": claims, "claim_tables": claim_tables(report)}


def _building(report: Report) -> Values | None:
    building = building_table(report)
    return {"building": building} if building.rows or building.note else None


def _host(report: Report) -> Values:
    return {
        "host_details": host_details(report),
        "run_details": run_details(report),
        "load_hosts": load_host_table(report),
        "knobs": knob_table(report.knobs),
    }


def _void(report: Report) -> Values:
    return {
        "void_note": void_note(report),
        "void_entries": void_entries(report),
        "short_blocks": short_blocks(report),
    }


def _again(report: Report) -> Values:
    return {"rerun": rerun_commands(report)}


def _method(report: Report) -> Values:
    return {"method": method_words(report), "recompute": recompute_command(report)}


def _cells(report: Report) -> Values | None:
    cells = cell_table(report)
    return {"cells": cells, "watch": watch_table(report)} if cells.rows else None


CHAPTERS = (
    Chapter("verdict", "Verdict", _verdict),
    Chapter("caveats", "Before you quote these numbers", _caveats),
    Chapter("load", "Throughput and latency by load", _load),
    Chapter("pairs", "Pair by pair", _pairs),
    Chapter("distribution", "Latency distribution", _distribution),
    Chapter("resources", "Memory and CPU over time", _resources),
    Chapter("work", "Work for each CPU second", _work),
    Chapter("article", "The article's claims beside ours", _article),
    Chapter("building", "Facts about building", _building),
    Chapter("host", "Host and run", _host),
    Chapter("void", "Void cells", _void),
    Chapter("again", "Run it again", _again),
    Chapter("method", "How the numbers are made", _method),
    Chapter("cells", "Every cell", _cells),
)


PAGE = "report.html"
"""The report for readers, in the run's folder."""


def write_report(run_directory: Path, facts_directory: Path | None = None) -> Report:
    """Analyse a run and write `report.json`, `report.md` and `report.html` into its folder.

    The same run and the same facts give the same bytes.

    Raises:
        AnalysisError: a raw file can't be used, or a report can't be written.
        DocumentError: a document of the run is invalid.
    """
    report = analyse(read_run(run_directory), facts_directory)
    write_page(run_directory / "report.json", report.to_json())
    write_page(run_directory / "report.md", render_markdown(report))
    write_page(run_directory / PAGE, render_html(report))
    return report


def write_page(path: Path, text: str) -> None:
    """Write a page in place of the one that is there, if any, and create the folders that are missing.

    Raises:
        AnalysisError: it can't be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, text)
    except OSError as error:
        raise AnalysisError(
            f"{path} can't be written: {error.strerror}. Free some space or fix its folder's mode."
        ) from error


TEMPLATES = Path(__file__).with_name("templates")

ENVIRONMENT = Environment(
    loader=FileSystemLoader(TEMPLATES),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
ENVIRONMENT.filters["short_image_id"] = short_image_id


def render_html(report: Report) -> str:
    """The report as an HTML document. Texts from the run are escaped; our style sheet and plots are markup."""
    chapters: list[tuple[str, str, str]] = []
    for chapter in CHAPTERS:
        if (values := chapter.build(report)) is not None:
            template = ENVIRONMENT.get_template(f"chapters/{chapter.id}.html")
            body = template.render(report=report, grade_name=grade_name(report), **values)
            chapters.append((chapter.id, chapter.title, body))
    return ENVIRONMENT.get_template("report.html").render(
        report=report,
        chapters=chapters,
        heading=heading(report),
        in_short=in_short(report),
        grade_name=grade_name(report),
    )
