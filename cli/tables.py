"""A report's table on a terminal."""

from rich.table import Table as RichTable
from rich.text import Text

from analysis.pages.table import Table


def as_rich(table: Table) -> RichTable:
    """The table as the terminal's library draws it."""
    shown = RichTable(title=table.title, title_justify="left", box=None, padding=(0, 1, 0, 0))
    for column in table.columns:
        shown.add_column(
            f"{column.title}\n{column.unit}",
            justify="right" if column.numeric else "left",
            overflow="fold",
            # A heading breaks between its words, never within one.
            min_width=max(map(len, (*column.title.split(), *column.unit.split()))),
        )
    for row in table.rows:
        cells = (Text.assemble(cell.value, (f"\n{cell.detail}" if cell.detail else "", "dim")) for cell in row)
        shown.add_row(*cells)
    return shown
