"""The parts that every page in Markdown is made of; what comes from a host or a user is escaped."""

import re
from collections.abc import Iterable

from analysis.pages.table import Table, TableCell

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&!])")


def section(shown: Table) -> str:
    """A table under its title."""
    return f"## {escape(shown.title)}\n\n{table(shown)}"


def table(shown: Table) -> str:
    """A table with its note below it."""
    head = "| " + " | ".join(escape(column.heading) for column in shown.columns) + " |"
    rule = "|" + "|".join("---:" if column.numeric else "---" for column in shown.columns) + "|"
    rows = ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in shown.rows]
    return "\n".join([head, rule, *rows]) + f"\n\n{escape(shown.note)}"


def _cell(cell: TableCell) -> str:
    return escape(f"{cell.value} ({cell.detail})" if cell.detail else cell.value)


def bullets(lines: Iterable[str]) -> str:
    """One item a line."""
    return "\n".join(f"- {escape(line)}" for line in lines)


def escape(text: str) -> str:
    """Text in one line that means itself, whatever Markdown makes of its characters."""
    return _SPECIAL.sub(r"\\\1", one_line(text))


def one_line(text: str) -> str:
    """Text whose white space is single spaces."""
    return " ".join(text.split())
