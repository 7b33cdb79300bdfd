"""Colours: at a terminal there are some, with NO_COLOR there are none, and FORCE_COLOR and TERM=dumb are honoured."""

import re

from tests.conftest import LAB, ROOT
from tests.unit.cli.at_terminal import shown_at_terminal
from tests.unit.cli.lab_command import lab_process

ERROR = ("logs", "--stack", "no-such-stack")
"""What writes in colours."""


def colours(text: str) -> set[str]:
    """The codes in a text that set a colour, of letters or behind them; bold, dim and italic are none.

    Source: ECMA-48, 8.3.117, and 90 to 107 as xterm has them.
    """
    codes = {code for found in re.findall(r"\x1b\[([0-9;]*)m", text) for code in found.split(";") if code}
    return {code for code in codes if re.fullmatch(r"3[0-8]|4[0-8]|9[0-7]|10[0-7]", code)}


def test_no_color_switches_off_the_colours_of_a_terminal():
    coloured = shown_at_terminal([LAB, *ERROR], {}, cwd=ROOT)
    plain = shown_at_terminal([LAB, *ERROR], {"NO_COLOR": "1"}, cwd=ROOT)
    assert plain.status == coloured.status
    assert colours(coloured.text)
    assert colours(plain.text) == set()
    assert len(plain.text) > 50


def test_a_dumb_terminal_gets_no_escape_codes_at_all():
    assert "\x1b" not in shown_at_terminal([LAB, *ERROR], {"TERM": "dumb"}, cwd=ROOT).text


def test_a_pipe_gets_colours_only_where_they_are_forced():
    forced = {"FORCE_COLOR": "1", "TERM": "xterm"}
    assert colours(lab_process(*ERROR, environment=forced).err)
    assert colours(lab_process(*ERROR, environment={**forced, "NO_COLOR": "1"}).err) == set()
