"""A run's folder to the report's three files in it."""

from pathlib import Path

from analysis.pages.html import render_html
from analysis.pages.markdown import render_markdown
from analysis.raw import read_run
from analysis.report import analyse
from documents.errors import AnalysisError
from documents.files import replace_file
from documents.report import Report

PAGE = "report.html"
"""The report for readers, in the run's folder."""


def write_report(run_directory: Path, facts_directory: Path | None = None) -> Report:
    """Analyse a run and write `report.json`, `report.md` and `report.html` into its folder.

    Each file is replaced whole; the same run and the same facts give the same bytes.

    Args:
        run_directory: the run's folder.
        facts_directory: where `lab facts` keeps what it measured.

    Returns:
        The report.

    Raises:
        AnalysisError: a raw file can't be used, or a report can't be written.
        DocumentError: a document of the run isn't of its shape.
    """
    report = analyse(read_run(run_directory), facts_directory)
    replace_whole(run_directory / "report.json", report.to_json())
    replace_whole(run_directory / "report.md", render_markdown(report))
    replace_whole(run_directory / PAGE, render_html(report))
    return report


def replace_whole(path: Path, text: str) -> None:
    """Write a page in place of the one that is there, if any, and create its folder if it is missing.

    Raises:
        AnalysisError: it can't be written.
    """
    try:
        path.parent.mkdir(exist_ok=True)
        replace_file(path, text)
    except OSError as error:
        raise AnalysisError(
            f"{path} can't be written: {error.strerror}. Free some space or mend its folder's mode."
        ) from error
