"""Measure a page in real Chromium."""

import json
import re
import subprocess
from collections.abc import Collection, Sequence
from html import unescape
from importlib.util import find_spec
from pathlib import Path
from typing import Any

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
)

LIGHT, DARK = 1, 0

PROBE = """<!DOCTYPE html>
<title>probe</title>
FRAMES
<pre id="found"></pre>
<script src="axe.min.js"></script>
<script>
const luminance = (color) => {
  const parts = color.match(/[\\d.]+/g).slice(0, 3).map((part) => part / 255)
    .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
};
const measure = async (frame) => {
  const page = frame.contentWindow, root = page.document;
  const all = (selector) => [...root.querySelectorAll(selector)];
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
  const least = (elements, read) => elements.reduce((found, element) => Math.min(found, read(element)), Infinity);
  const start = (element) => element.textContent.trim().slice(0, 40);
  const text = all("a, h1, h2, h3, p, li, th, td, td small, dt, dd, .badge, summary, caption, pre, figcaption");
  const labels = all("svg text");
  // What an API or a role is drawn with; the grid and the axes are in colours of their own.
  const drawn = all("svg [style*='--series']").flatMap((shape) =>
    ["stroke", "fill"].filter((way) => shape.getAttribute("style").includes(`${way}: var(--series`))
      .map((way) => [page.getComputedStyle(shape)[way], shape]));
  const scrolling = all("*").filter((element) => /auto|scroll/.test(page.getComputedStyle(element).overflowX)
    && element.scrollWidth > element.clientWidth);
  const skip = root.querySelector(".skip");
  const before = skip && skip.getBoundingClientRect().bottom;
  skip && skip.focus();
  const after = skip && skip.getBoundingClientRect().top;
  const audit = {violations: [], passes: []};
  if (frame.dataset.checked) {
    page.eval(AXE);
    Object.assign(audit, await page.axe.run(root, {resultTypes: ["violations"]}));
  }
  return {
    width: root.documentElement.scrollWidth,
    clipped: all(".table, section, figure, pre")
      .filter((element) => element.scrollWidth > element.clientWidth + 1).map(start),
    // What has links in it comes into view with the link that has the focus.
    unreachable: scrolling
      .filter((element) => !element.querySelector("a") && (element.tabIndex < 0 || !element.ariaLabel)).map(start),
    skip: [before, after],
    background: page.getComputedStyle(root.body).backgroundColor,
    loaded: page.performance.getEntriesByType("resource").map((entry) => entry.name),
    plots: all("svg").length,
    drawn: least(all("svg"), (svg) => svg.getBoundingClientRect().height),
    text: least(text, (element) => contrast(page.getComputedStyle(element).color, element)),
    labels: least(labels, (label) => contrast(page.getComputedStyle(label).fill, label.closest("section"))),
    series: least(drawn, ([color, shape]) => contrast(color, shape.closest("section"))),
    shapes: drawn.length,
    smallest: least(labels, (label) => label.getBoundingClientRect().height),
    axe: audit.violations.map((found) => `${found.id}: ${found.help}: ${found.nodes[0].html.slice(0, 200)}`),
    rules: audit.passes.length,
  };
};
onload = async () => {
  const found = [];
  for (const frame of document.querySelectorAll("iframe")) found.push(await measure(frame));
  document.getElementById("found").textContent = JSON.stringify(found);
};
</script>
"""
"""Each frame is measured by itself; where it is asked for, axe is run in it as well."""


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Start Chromium with a profile of its own, to its end; whatever it writes to the console fails the test."""
    completed = subprocess.run(
        [*CHROMIUM, f"--user-data-dir={folder / 'profile'}", *arguments],
        capture_output=True,
        text=True,
        check=True,
        timeout=180,
    )
    console = [line for line in completed.stderr.splitlines() if "CONSOLE" in line]
    assert not console, "\n".join(console)
    return completed


def look(
    folder: Path, html: str, *, widths: Sequence[int], scheme: int, checked: Collection[int] = ()
) -> list[dict[str, Any]]:
    """Open the page in a frame of each width and report what a reader would see there.

    A frame has the width that a headless window can't: Chromium's own windows are 500 pixels wide at least. At the
    widths in `checked` axe looks for what keeps readers out, which takes it some seconds.
    """
    package = find_spec("axe_core_python")
    assert package is not None
    assert package.origin is not None
    axe = Path(package.origin).with_name("axe.min.js").read_text(encoding="utf-8")
    frame = '<iframe title="WIDTH" src="report.html" style="width:WIDTHpx;height:2000px;border:0" CHECKED></iframe>'
    frames = "\n".join(
        frame.replace("WIDTH", str(width)).replace("CHECKED", "data-checked=yes" if width in checked else "")
        for width in widths
    )
    (folder / "report.html").write_text(html)
    (folder / "axe.min.js").write_text(f"const AXE = {json.dumps(axe)};")
    (folder / "probe.html").write_text(PROBE.replace("FRAMES", frames))
    completed = run(
        folder,
        f"--blink-settings=preferredColorScheme={scheme}",
        "--window-size=1600,2200",
        "--virtual-time-budget=60000",
        "--dump-dom",
        (folder / "probe.html").as_uri(),
    )
    found = re.search(r'<pre id="found">(.+?)</pre>', completed.stdout, flags=re.DOTALL)
    assert found is not None
    return json.loads(unescape(found[1]))


def print_page(folder: Path, html: str) -> Path:
    """The page as a PDF, as a reader would print it."""
    (folder / "printed.html").write_text(html)
    run(
        folder,
        "--no-pdf-header-footer",
        f"--print-to-pdf={folder / 'printed.pdf'}",
        (folder / "printed.html").as_uri(),
    )
    return folder / "printed.pdf"
