"""The report as one self-contained HTML page: no script, no request, light and dark, for print and for a phone.

The verdict comes first. The page is made of `CHAPTERS`; one that a run has nothing for is left out, of the page and of
its table of contents.
"""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from analysis.pages.chapters import CHAPTERS
from analysis.pages.run import grade_name, heading, in_short
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
    chapters: list[tuple[str, str, str]] = []
    for chapter in CHAPTERS:
        if (values := chapter.build(report)) is not None:
            template = ENVIRONMENT.get_template(f"chapters/{chapter.id}.html")
            body = template.render(report=report, grade_name=grade_name(report), **values)
            chapters.append((chapter.id, chapter.title, body))
    return ENVIRONMENT.get_template("report.html").render(
        report=report,
        style=(TEMPLATES / "report.css").read_text(encoding="utf-8"),
        chapters=chapters,
        heading=heading(report),
        in_short=in_short(report),
        grade_name=grade_name(report),
    )
