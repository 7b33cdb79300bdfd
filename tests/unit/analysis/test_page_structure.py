"""The page for readers who hear it, use a keyboard, or can't distinguish its colours."""

import re
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from analysis.pages.html import TEMPLATES


class Structure(HTMLParser):
    """The elements of a page in their order, each with its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def all(self, *tags: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.elements if tag in tags]


@pytest.fixture(scope="module")
def structure(full_page: str) -> Structure:
    return Structure(full_page)


def test_the_page_has_one_language_one_title_and_headings_in_order(structure: Structure):
    assert structure.all("html") == [{"lang": "en"}]
    levels = [int(tag[1]) for tag, _ in structure.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(level <= before + 1 for before, level in pairwise(levels))


def test_the_contents_name_every_chapter_and_a_link_skips_them(full_page: str, structure: Structure):
    listed = re.findall(r'<li><a href="#([^"]+)">([^<]+)</a></li>', full_page)
    chapters = re.findall(r'<section id="([^"]+)"[^>]*>\s*<h2[^>]*>([^<]+)</h2>', full_page)
    assert listed == chapters
    assert len(chapters) == full_page.count("<h2")
    first = structure.all("a")[0]
    assert (first["class"], first["href"]) == ("skip", f"#{chapters[0][0]}")


def test_tables_have_names_captions_and_headings_of_rows_and_columns(structure: Structure):
    tables = structure.all("table")
    names = [table["aria-label"] for table in tables]
    assert len(tables) > 20
    assert len(names) == len(set(names))
    assert len(structure.all("caption")) == len(tables) - 3, "the verdicts on the three loads have one note together"
    assert all(heading.get("scope") in {"row", "col"} for heading in structure.all("th"))
    rows = len(structure.all("tr")) - len(tables)
    assert sum(heading["scope"] == "row" for heading in structure.all("th")) >= rows


def test_what_may_scroll_can_be_reached_and_is_named(structure: Structure):
    scrolling = [attributes for attributes in structure.all("div") if attributes.get("class") == "table"]
    assert len(scrolling) == len(structure.all("table"))
    assert all((found["role"], found["tabindex"]) == ("region", "0") and found["aria-label"] for found in scrolling)


# Contrast, by WCAG 2.2: https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio


def luminance(color: str) -> float:
    parts = [int(color[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first: str, second: str) -> float:
    low, high = sorted(map(luminance, (first, second)))
    return (high + 0.05) / (low + 0.05)


SCHEMES: dict[str, dict[str, str]] = dict(
    zip(
        ("light", "dark", "print"),
        (
            dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6});", block))
            for block in re.findall(r":root \{(.*?)\}", (TEMPLATES / "report.css").read_text(), flags=re.DOTALL)
        ),
        strict=True,
    )
)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_colours_stand_out_from_what_they_are_on(scheme: str):
    colors = SCHEMES[scheme]
    for ground in ("page", "surface", "warn-surface"):
        for text in ("ink", "muted", "accent"):
            assert contrast(colors[text], colors[ground]) >= 4.5, (text, ground)
    assert contrast(colors["warn-ink"], colors["warn-surface"]) >= 4.5
    assert contrast(colors["good-ink"], colors["good-surface"]) >= 4.5
    series = [name for name in colors if name.startswith("series-")]
    assert len(series) == 8
    for name in series:
        assert contrast(colors[name], colors["surface"]) >= 3, name
