"""Colours: at a terminal there are some, with NO_COLOR there are none, and FORCE_COLOR and TERM=dumb are honoured."""

import re
import shutil
import sys
from pathlib import Path

import pytest

from tests.unit.analysis.pair_run import pair_run
from tests.unit.analysis.run_builder import golden_run
from tests.unit.cli.at_terminal import shown_at_terminal
from tests.unit.cli.lab_command import LAB, ROOT, lab
from tests.unit.cli.test_live_run import RUN

_RENDITION = re.compile(r"\x1b\[([0-9;]*)m")


def colours(text: str) -> set[str]:
    """The codes in a text that set a colour, of letters or behind them; bold, dim and italic are none.

    Source: ECMA-48, 8.3.117, and 90 to 107 as xterm has them.
    """
    codes = {code for found in _RENDITION.findall(text) for code in found.split(";") if code}
    return {code for code in codes if re.fullmatch(r"3[0-8]|4[0-8]|9[0-7]|10[0-7]", code)}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the run `golden`, and two runs of one pair: `first` and `second`."""
    folder = tmp_path_factory.mktemp("runs")
    golden_run(folder / "golden")
    pair_run(folder / "first", (501, 499, 500))
    shutil.copytree(folder / "first", folder / "second")
    manifest = folder / "second" / "manifest.json"
    manifest.write_text(manifest.read_text().replace("20260131-120000-quick", "20260201-120000-quick"))
    return folder


COMMANDS = {
    "help": ("--help",),
    "help of a subcommand": ("run", "--help"),
    "doctor": ("doctor",),
    "report": ("report", "golden"),
    "compare": ("compare", "first", "second"),
    "gate": ("gate", "go-base", "go-new", "--run", "first"),
    "wrong use": ("run", "--bogus"),
    "an error": ("report", "no-such-run"),
    "an error of a lab": ("logs", "--stack", "no-such-stack"),
}
COLOURED = {"help", "help of a subcommand", "wrong use", "an error", "an error of a lab"}

every_command = pytest.mark.parametrize("name", COMMANDS)


@every_command
def test_no_color_switches_all_colours_off_those_of_errors_too(runs: Path, name: str):
    coloured = shown_at_terminal([LAB, *COMMANDS[name]], {}, cwd=runs)
    plain = shown_at_terminal([LAB, *COMMANDS[name]], {"NO_COLOR": "1"}, cwd=runs)
    assert plain.status == coloured.status
    assert bool(colours(coloured.text)) is (name in COLOURED)
    assert colours(plain.text) == set()
    assert len(plain.text) > 50


@every_command
def test_a_dumb_terminal_gets_no_escape_codes_at_all(runs: Path, name: str):
    assert "\x1b" not in shown_at_terminal([LAB, *COMMANDS[name]], {"TERM": "dumb"}, cwd=runs).text


@pytest.mark.parametrize("name", sorted(COLOURED))
def test_colours_can_be_forced_into_a_pipe_and_switched_off_there(runs: Path, name: str):
    # COLUMNS would be that of the tests' own command.
    forced = lab(*COMMANDS[name], cwd=runs, environment={"FORCE_COLOR": "1", "TERM": "xterm"})
    assert colours(forced.out + forced.err)
    off = lab(*COMMANDS[name], cwd=runs, environment={"FORCE_COLOR": "1", "TERM": "xterm", "NO_COLOR": "1"})
    assert colours(off.out + off.err) == set()
    assert "\x1b" not in lab(*COMMANDS[name], cwd=runs).out


def test_the_view_of_a_run_has_colours_and_none_with_no_color():
    program = [sys.executable, "-c", RUN.format(count=60, forever=False)]
    assert colours(shown_at_terminal(program, {}, cwd=ROOT).text)
    plain = shown_at_terminal(program, {"NO_COLOR": "1"}, cwd=ROOT).text
    assert colours(plain) == set()
    assert "\x1b[?25l" in plain, "it is drawn all the same"
