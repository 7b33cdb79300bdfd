"""The report as pages: Markdown, a self-contained HTML file, and rows for a terminal."""

from analysis.pages.markdown import render_summary
from analysis.pages.run import grade_text
from analysis.pages.terminal import screen, terminal_tables

__all__ = [
    "grade_text",
    "render_summary",
    "screen",
    "terminal_tables",
]
