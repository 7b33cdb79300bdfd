"""The page in real Chromium: no console error, nothing loaded, readable on a phone and in the dark."""

import json
import re
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from analysis.pages.html import render_html
from documents.report import Report

CHROMIUM = (
    "chromium",
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--allow-file-access-from-files",
    "--enable-logging=stderr",
    "--virtual-time-budget=5000",
)

LIGHT, DARK = 1, 0

PROBE = """<!DOCTYPE html>
<title>probe</title>
<iframe id="page" src="report.html" style="width:WIDTHpx;height:2000px;border:0"></iframe>
<pre id="found"></pre>
<script>
onload = () => {
  const page = document.getElementById("page").contentWindow, root = page.document;
  const luminance = (color) => {
    const parts = color.match(/[\\d.]+/g).slice(0, 3).map((part) => part / 255)
      .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
  };
  const surface = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = page.getComputedStyle(at).backgroundColor;
      if (!/, 0\\)$/.test(color)) return color;
    }
    return "rgb(255, 255, 255)";
  };
  const contrast = (color, element) => {
    const [low, high] = [luminance(color), luminance(surface(element))].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const text = [...root.querySelectorAll("h1, h2, h3, p, li, th, td, td small, dt, dd, .badge, summary, caption, pre")];
  const labels = [...root.querySelectorAll("svg text")];
  const lines = [...root.querySelectorAll("svg path")].map((path) => [page.getComputedStyle(path).stroke, path]);
  const grid = page.getComputedStyle(root.documentElement).getPropertyValue("--grid").trim();
  document.getElementById("found").textContent = JSON.stringify({
    width: root.documentElement.scrollWidth,
    clipped: [...root.querySelectorAll(".table, section, figure")]
      .filter((element) => element.scrollWidth > element.clientWidth + 1)
      .map((element) => element.textContent.trim().slice(0, 40)),
    background: page.getComputedStyle(root.body).backgroundColor,
    loaded: page.performance.getEntriesByType("resource").map((entry) => entry.name),
    plots: root.querySelectorAll("svg").length,
    drawn: Math.min(...[...root.querySelectorAll("svg")].map((svg) => svg.getBoundingClientRect().height)),
    text: Math.min(...text.map((element) => contrast(page.getComputedStyle(element).color, element))),
    labels: Math.min(...labels.map((label) => contrast(page.getComputedStyle(label).fill, label.closest("section")))),
    smallest: Math.min(...labels.map((label) => label.getBoundingClientRect().height)),
  });
};
</script>
"""


def look(folder: Path, html: str, *, width: int, scheme: int) -> dict[str, Any]:
    """Open the page in a frame of that width and report what a reader would see.

    The frame has the width that a headless window can't: Chromium's own windows are 500 pixels wide at least.
    """
    (folder / "report.html").write_text(html)
    (folder / "probe.html").write_text(PROBE.replace("WIDTH", str(width)))
    completed = subprocess.run(
        [
            *CHROMIUM,
            f"--user-data-dir={folder / 'profile'}",
            f"--blink-settings=preferredColorScheme={scheme}",
            "--window-size=1600,2200",
            "--dump-dom",
            (folder / "probe.html").as_uri(),
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    console = [line for line in completed.stderr.splitlines() if "CONSOLE" in line]
    assert console == []
    found = re.search(r'<pre id="found">(.*?)</pre>', completed.stdout, flags=re.DOTALL)
    assert found is not None
    return json.loads(unescape(found[1]))


@pytest.mark.parametrize("width", [1280, 1024, 390], ids=["desktop", "laptop", "phone"])
@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
def test_the_page_is_readable(tmp_path: Path, golden_report: Report, width: int, scheme: int):
    crowded = tuple(summary.model_copy(update={"void_attempts": 3}) for summary in golden_report.summaries)
    report = golden_report.model_copy(update={"summaries": crowded})
    found = look(tmp_path, render_html(report), width=width, scheme=scheme)
    assert found["width"] <= width
    assert found["clipped"] == []
    assert found["loaded"] == []
    assert found["plots"] == 15 + 2, "with the ratios of the two loads that have an interval"
    assert found["drawn"] > 150
    assert found["text"] >= 4.5
    assert found["labels"] >= 4.5
    assert found["smallest"] >= 8
    red = int(found["background"].removeprefix("rgb(").split(",")[0])
    assert (red > 200) == (scheme == LIGHT)


def test_a_console_message_would_be_seen(tmp_path: Path):
    with pytest.raises(AssertionError, match="CONSOLE"):
        look(tmp_path, "<!DOCTYPE html><script>console.error('seen')</script>", width=390, scheme=LIGHT)
