"""The page in real Chromium: no console error, nothing loaded, readable on a phone, in the dark and on paper."""

from pathlib import Path

import pytest
from pypdf import PdfReader

from analysis.pages.html import render_html
from analysis.raw.run import read_run
from analysis.report.report import analyse
from documents.report.report import Report
from tests.unit.analysis.browser import DARK, LIGHT, look, print_page
from tests.unit.analysis.claims_builder import BASIC
from tests.unit.analysis.run_builder import compared_run

WIDTHS = (1280, 1024, 360)

A4 = (595, 842)
"""In points."""

A4_PRINTED = 695
"""The width between the margins of 13 mm, in CSS pixels of 1/96 inch."""


@pytest.fixture(scope="module")
def page(golden_report: Report) -> str:
    """A page with void attempts, facts, and tables as wide as they get."""
    crowded = tuple(summary.model_copy(update={"void_attempts": 3}) for summary in golden_report.summaries)
    return render_html(golden_report.model_copy(update={"summaries": crowded, "building": (BASIC,)}))


def test_the_page_is_drawn_on_a_phone_without_scrolling_sideways_and_loads_nothing(tmp_path: Path, page: str):
    [found] = look(tmp_path, page, widths=(360,), scheme=LIGHT)
    assert found["width"] <= 360
    assert found["loaded"] == []
    assert found["clipped"] == []
    assert found["plots"] == 20
    assert found["drawn"] > 150
    assert found["text"] >= 4.5


@pytest.mark.nightly
@pytest.mark.parametrize(("scheme", "checked"), [(LIGHT, 360), (DARK, 1280)], ids=["light", "dark"])
def test_the_page_is_readable(tmp_path: Path, page: str, scheme: int, checked: int):
    shown = look(tmp_path, page, widths=WIDTHS, scheme=scheme, checked={checked})
    for width, found in zip(WIDTHS, shown, strict=True):
        assert found["width"] <= width
        assert found["clipped"] == []
        assert found["unreachable"] == []
        assert found["loaded"] == []
        assert found["plots"] == 20
        assert found["drawn"] > 150
        assert found["text"] >= 4.5
        assert found["labels"] >= 4.5
        assert found["shapes"] > 200
        assert found["series"] >= 3
        assert found["smallest"] >= 8
        before, after = found["skip"]
        assert before <= 0 <= after, "the skip link is out of sight until it has the focus"
        assert found["axe"] == []
        assert (found["rules"] > 20) == (width == checked)
        red = int(found["background"].removeprefix("rgb(").split(",")[0])
        assert (red > 200) == (scheme == LIGHT)


@pytest.mark.nightly
def test_it_prints_on_a4_with_nothing_cut_off_or_left_out(tmp_path: Path, page: str):
    reader = PdfReader(print_page(tmp_path, page))
    texts = [printed.extract_text() for printed in reader.pages]
    assert len(texts) > 4
    assert min(len(text.strip()) for text in texts) > 100, "no page is blank"
    sizes = {(round(printed.mediabox.width), round(printed.mediabox.height)) for printed in reader.pages}
    assert sizes == {A4}
    text = " ".join(" ".join(texts).split())
    assert text.index("Verdict") < text.index("Before you quote these numbers") < text.index("Every cell")
    assert "The host under load" not in text, "this run has no watch"
    # What is folded away on a screen, and the last column of the widest tables.
    for said in ("Every valid cell", "net.core.somaxconn", "synchronous_commit", "Generator busy", "Valid cells"):
        assert said in text, said
    assert text.count("Run it again") == 1, "paper has no links to the chapters"


@pytest.mark.nightly
def test_nothing_is_cut_off_on_paper(tmp_path: Path, page: str, many_page: str):
    for name, printed in (("usual", page), ("many", many_page)):
        # Chromium lays a page out for paper only as it prints it, so here the screen takes the rules for paper.
        on_screen = printed.replace("@media print", "@media all").replace("@media screen and", "@media not all and")
        assert on_screen != printed
        (tmp_path / name).mkdir()
        [found] = look(tmp_path / name, on_screen, widths=(A4_PRINTED,), scheme=DARK)
        assert found["width"] <= A4_PRINTED
        assert found["clipped"] == []
        assert found["background"] == "rgb(255, 255, 255)"
        assert found["text"] >= 4.5


@pytest.fixture(scope="module")
def many_page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A page of nine APIs with long names, variants of few, and their 36 pairs."""
    names = [f"{api}-{variant}" for api in ("rust", "go", "kotlin") for variant in ("pool-8", "pool-16", "all-cores")]
    throughputs = {name: 900.0 + 40 * place for place, name in enumerate(names)}
    directory = compared_run(tmp_path_factory.mktemp("many") / "run", throughputs=throughputs, blocks=2, watched=True)
    return render_html(analyse(read_run(directory)))


@pytest.mark.nightly
def test_nine_apis_with_long_names_have_room(tmp_path: Path, many_page: str):
    for width, found in zip(WIDTHS, look(tmp_path, many_page, widths=WIDTHS, scheme=LIGHT), strict=True):
        assert found["width"] <= width
        assert found["unreachable"] == []


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("broken", "rule"),
    [
        ('<img src="data:,">', "image-alt"),
        ('<p style="color:#999;background:#fff">pale</p>', "color-contrast"),
        ("<h2>one</h2><h5>skips</h5>", "heading-order"),
    ],
)
def test_what_keeps_readers_out_would_be_seen(tmp_path: Path, broken: str, rule: str):
    whole = f'<!DOCTYPE html><html lang="en"><title>t</title><main><h1>t</h1>{broken}</main>'
    [found] = look(tmp_path, whole, widths=(360,), scheme=LIGHT, checked={360})
    assert [violation.split(":")[0] for violation in found["axe"]] == [rule]


@pytest.mark.nightly
def test_a_console_message_would_be_seen(tmp_path: Path):
    with pytest.raises(AssertionError, match="CONSOLE"):
        look(tmp_path, "<!DOCTYPE html><script>console.error('seen')</script>", widths=(390,), scheme=LIGHT)
