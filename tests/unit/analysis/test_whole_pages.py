"""The HTML page has everything that the Markdown has, and the Markdown each chapter and table of the page."""

import html
import re

from analysis.pages.html import CHAPTERS
from analysis.pages.markdown import render_markdown
from documents.report.report import Report


def plain_text(markup: str) -> str:
    """Text without markup, and without what Markdown sets between a value and its detail, or a name and its value."""
    bare = html.unescape(re.sub(r"<[^>]*>", " ", markup))
    return " ".join(re.sub(r"[():]", " ", bare).split())


def markdown_cells(markdown: str) -> set[str]:
    rows = [line for line in markdown.splitlines() if line.startswith("| ")]
    cells = (cell for row in rows for cell in re.split(r"(?<!\\)\|", row)[1:-1])
    return {plain_text(html.escape(re.sub(r"\\(.)", r"\1", cell))) for cell in cells}


def test_every_section_of_the_markdown_is_on_the_html_page(full_report: Report, full_page: str):
    markdown, page = render_markdown(full_report), full_page
    titles = {re.sub(r"\\(.)", r"\1", title) for title in re.findall(r"^##+ (.*)$", markdown, flags=re.MULTILINE)}
    assert len(titles) > 20
    headed = {plain_text(text) for text in re.findall(r"<(?:h2|h3|summary)[^>]*>(.*?)<(?:/|small)", page)}
    assert {plain_text(title) for title in titles} <= headed


TABLES_OF_THE_PAGE_ALONE = {"verdict", "cells"}
"""The chapters whose tables the Markdown leaves out: the card of each load, and single cells."""


def test_every_chapter_and_table_of_the_page_is_in_the_markdown(full_report: Report, full_page: str):
    lines = render_markdown(full_report).splitlines()
    headed = {re.sub(r"\\(.)", r"\1", line.lstrip("# ")) for line in lines if line.startswith("##")}
    chapters = re.findall(r'<section id="([^"]+)".*?<h2[^>]*>([^<]+)</h2>(.*?)</section>', full_page, flags=re.DOTALL)
    assert [(name, html.unescape(title)) for name, title, _ in chapters] == [(one.id, one.title) for one in CHAPTERS]
    for name, title, body in chapters:
        tables = re.findall(r'<table id="[^"]+" aria-label="([^"]+)"', body)
        if name in TABLES_OF_THE_PAGE_ALONE:
            assert tables, name
        else:
            assert {html.unescape(table) for table in tables or [title]} <= headed, name


def test_every_cell_of_a_markdown_table_is_on_the_html_page(full_report: Report, full_page: str):
    shown = {plain_text(text) for text in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", full_page, flags=re.DOTALL)}
    found = {cell.replace(",", "") for cell in markdown_cells(render_markdown(full_report))}
    assert len(found) > 200
    assert found <= {cell.replace(",", "") for cell in shown}


def test_every_point_of_a_markdown_list_is_on_the_html_page(full_report: Report, full_page: str):
    page = plain_text(full_page)
    points = re.findall(r"^- (.*)$", render_markdown(full_report), flags=re.MULTILINE)
    assert len(points) > 20
    for point in points:
        for part in re.sub(r"\\(.)", r"\1", point).split(": ", maxsplit=1):
            assert plain_text(html.escape(part)) in page


def test_the_grade_stands_at_the_top_of_both(full_report: Report, full_page: str):
    assert '<span class="badge shared"' in full_page[: full_page.index("<main>")]
    assert "Shared cores. The load generator shares CPUs" in render_markdown(full_report).split("\n\n")[1]
