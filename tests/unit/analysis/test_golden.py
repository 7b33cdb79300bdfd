"""Pages are those of the files in `golden/`.

If a page changes on purpose, this writes the files, and `git diff` shows what changed:

    FAIRGROUND_GOLDEN=write .venv/bin/python -m pytest tests/unit/analysis/test_golden.py
"""

import os
import re
from html import unescape
from pathlib import Path

from analysis.pages.markdown import render_markdown
from analysis.pages.terminal import terminal_tables
from documents.report.report import Report

GOLDEN = Path(__file__).parent / "golden"


def require_golden(name: str, text: str) -> None:
    """Require the text to be that of the file, or write it there if that is asked for."""
    path = GOLDEN / name
    if os.environ.get("FAIRGROUND_GOLDEN") == "write":
        path.write_text(text, encoding="utf-8")
    assert text.splitlines() == path.read_text(encoding="utf-8").splitlines(), f"see {__name__} for how to renew {name}"


def section(markdown: str, first: str, after: str) -> str:
    """The part of a page from one heading to before another."""
    return markdown[markdown.index(f"## {first}\n") : markdown.index(f"## {after}\n")]


def test_the_markdown_of_a_report_with_something_of_everything(full_report: Report):
    require_golden("full.md", render_markdown(full_report))


def test_verdicts_with_ties_a_difference_and_the_twin(compared_report: Report):
    require_golden("verdicts.md", section(render_markdown(compared_report), "Verdict", "Latency with intervals"))


def test_void_attempts_and_a_short_block(repeated_report: Report):
    text = render_markdown(repeated_report)
    caveats = section(text, "Before you quote these numbers", "Summary")
    require_golden("void-cells.md", caveats + section(text, "Void cells", "Run it again"))


def test_a_terminal_has_the_verdicts_first_and_no_table_that_is_too_wide(compared_report: Report):
    tables = terminal_tables(compared_report)
    assert [table.title for table in tables][:4] == [
        "Summary",
        "Ranking by throughput",
        "Throughput, pair by pair",
        "The A/A twin",
    ]
    for table in tables:
        assert {len(row) for row in table.rows} <= {len(table.columns)}, table.title
        assert len(table.columns) <= 9, table.title


def test_each_plot_has_its_data_in_words(compared_page: str):
    plots = re.findall(
        r'<svg role="img" aria-labelledby="([^"]+)" aria-describedby="([^"]+)"[^>]*>'
        r'<title id="\1">([^<]+)</title><desc id="\2">([^<]+)</desc>(.*?)</svg>',
        compared_page,
        flags=re.DOTALL,
    )
    assert len(plots) == compared_page.count("<svg")
    assert not [title for _, _, title, _, svg in plots if re.search(r"#[0-9a-f]{6}\b", svg)], "colours are the page's"
    words = (unescape(f"{title}: {data}").replace("; ", ";\n    ") for _, _, title, data, _ in plots)
    require_golden("plots.txt", "".join(f"{text}\n" for text in words))
