"""The simulation's command: what the page on statistics says that it printed, and what it refuses."""

import re

import pytest

from benchmarks.simulation import main
from tests.conftest import ROOT

pytestmark = pytest.mark.nightly


@pytest.mark.parametrize("refused", [["--blocks", "1"], ["--experiments", "0"], ["--margin", "0"], ["--margin", "nan"]])
def test_numbers_that_allow_no_verdict_are_refused(
    refused: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    # Where it weren't refused, it would be over at once.
    rest = [word for name in ("--blocks", "--experiments") if name not in refused for word in (name, "2")]
    monkeypatch.setattr("sys.argv", ["simulation", *refused, *rest])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "give 1 experiment or more, 2 blocks or more, and a margin above 0" in capsys.readouterr().err


def test_the_page_on_statistics_has_what_it_prints(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """False differences, power by effect and noise, false sameness, and false changes."""
    monkeypatch.setattr("sys.argv", ["simulation"])
    main()
    printed = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    page = (ROOT / "docs" / "statistics.md").read_text(encoding="utf-8").partition("## How often it errs")[2]
    shown = "".join(re.findall(r"```text\n(.*?)```", page, flags=re.DOTALL)[:4])
    assert shown.splitlines() == printed
