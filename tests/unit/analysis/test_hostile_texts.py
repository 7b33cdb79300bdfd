"""The pages show every string of a run as text, whatever a host, a user or an API put into it."""

import csv
import io
import re
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

import pytest
from pydantic import BaseModel

from analysis.pages.html import render_html
from analysis.pages.markdown import render_markdown
from analysis.pages.summary_csv import COLUMNS, render_csv
from documents.report.report import Report
from tests.unit.analysis.test_pages import Page

MARKUP = (
    "<script>alert(1)</script>\"'><img src=x onerror=alert(2)></title></desc></style>&lt;{{ 7*7 }}]]>-->|`[a](b)"
    "\n# b $x^2$"
)


def chosen_words(annotation: Any, seen: set[type]) -> Iterator[str]:  # noqa: ANN401 - whatever a field is declared as
    """The strings that a type restricts a field to: no one from outside can put another one there."""
    if get_origin(annotation) is Literal:
        yield from (word for word in get_args(annotation) if isinstance(word, str))
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel) and annotation not in seen:
        seen.add(annotation)
        for field in annotation.model_fields.values():
            yield from chosen_words(field.annotation, seen)
    for part in () if get_origin(annotation) is Literal else get_args(annotation):
        yield from chosen_words(part, seen)


CHOSEN = frozenset(chosen_words(Report, set()))


def hostile(value: Any) -> Any:  # noqa: ANN401 - whatever a document holds
    """The same with the markup before each free string; equal ones stay equal, so that they are still found."""
    if isinstance(value, BaseModel):
        fields = type(value).model_fields
        return value.model_copy(update={name: hostile(getattr(value, name)) for name in fields})
    if isinstance(value, tuple):
        return tuple(hostile(item) for item in value)  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, dict):
        return {hostile(key): hostile(item) for key, item in value.items()}  # pyright: ignore[reportUnknownVariableType]
    return f"{MARKUP}{value}" if isinstance(value, str) and value not in CHOSEN else value


# Names so long leave a plot no room, which those of a stack can't be.
pytestmark = pytest.mark.filterwarnings("ignore:constrained_layout not applied")


def test_every_free_string_is_hostile(full_report: Report):
    changed: Report = hostile(full_report)
    assert changed.apis[0].name == f"{MARKUP}go"
    assert changed.void_attempts[0].voids[0].message.startswith(MARKUP)
    assert changed.host.cpu_model.startswith(MARKUP)
    assert f"{MARKUP}wrk" in changed.tool_versions
    assert changed.grade == full_report.grade


def test_html_shows_it_as_text(full_report: Report, full_page: str):
    usual, page = Page(full_page), Page(render_html(hostile(full_report)))
    assert {*page.tags} <= {*usual.tags}
    assert {name for name, _ in page.attributes} <= {name for name, _ in usual.attributes}
    assert not {*page.tags} & {"script", "img"}
    assert page.text.count(MARKUP) > 300


def test_markdown_shows_it_as_text(full_report: Report):
    text = render_markdown(hostile(full_report))
    outside_code = re.sub(r"^    .*$", "", text, flags=re.MULTILINE)
    assert len(re.findall(r"\\<script\\>", outside_code)) > 200
    assert re.search(r"(?<!\\)[<`\[]", outside_code) is None
    assert "\n# b" not in text
    for table in (block for block in text.split("\n\n") if block.startswith("|")):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1, table


def test_csv_keeps_it_in_its_field(full_report: Report):
    changed: Report = hostile(full_report)
    [heading, first, *_] = csv.reader(io.StringIO(render_csv(changed)))
    assert tuple(heading) == COLUMNS
    assert len(first) == len(COLUMNS)
    assert first[0] == changed.run_id
