"""Tables of results on a terminal, wide or narrow, with the characters that it has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ...profiles.base.text import clean_line

GAP = 2
MIN_MODEL_WIDTH = 20  # what a model is folded to before the last column would have to stay out
MODEL = "model"

_NEEDED = "·┝━●┥≈…±‖○◐✓✗■→–×"
_ASCII = str.maketrans(
    {"·": "-", "≈": "~", "…": "...", "✓": "+", "✗": "x", "■": "#", "●": "o", "○": "o", "◐": "o", "‖": "=", "⚠": "!"}
    | {"→": "->", "–": "-", "×": "x"}
)


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column; the one that is called model is folded where it is long, and never cut."""

    name: str
    cells: Sequence[Text]
    right: bool = True

    @property
    def width(self) -> int:
        """In cells of the terminal."""
        return max(cell_len(line) for text in self.cells for line in [*text.plain.split("\n"), *self.name.split("\n")])


class Printer:
    """Writes to a console whose encoding may know only some of our characters."""

    def __init__(self, console: Console) -> None:
        self._console = console
        try:
            _NEEDED.encode(console.encoding)
            self.is_plain = False
        except (UnicodeEncodeError, LookupError):
            self.is_plain = True

    def text(self, words: str, style: str = "") -> Text:
        """Words on one clean line."""
        line = clean_line(words)
        if self.is_plain:
            line = line.translate(_ASCII).encode("ascii", "backslashreplace").decode()
        return Text(line, style)

    def line(self, words: str, style: str = "") -> None:
        """Print a line."""
        self._console.print(self.text(words, style), highlight=False)

    def says(self, summary: str, warnings: Sequence[str]) -> None:
        """Print what it all says, and what to beware of."""
        if summary:
            self.line(summary)
        for warning in warnings:
            self.line(f"⚠ {warning}", "yellow")

    def table(self, columns: Sequence[TableColumn], dropped_first: Sequence[str]) -> None:
        """Print a table.

        Args:
            columns: All that there is to show.
            dropped_first: What their names begin with that leave, in this order, where not all of them fit.
        """
        table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), show_edge=False)
        fitting = self._fitting(columns, dropped_first)
        for column in fitting:
            table.add_column(
                Text(column.name),
                justify="right" if column.right else "left",
                no_wrap=column.name != MODEL,
                overflow="fold",
                header_style="dim",
            )
        for cells in zip(*(column.cells for column in fitting), strict=True):
            table.add_row(*cells)
        self._console.print(table, highlight=False)

    def _fitting(self, columns: Sequence[TableColumn], dropped_first: Sequence[str]) -> Sequence[TableColumn]:
        for name in dropped_first:
            most = MIN_MODEL_WIDTH if name == dropped_first[-1] else self._console.width
            widths = [min(column.width, most) if column.name == MODEL else column.width for column in columns]
            if sum(widths) + GAP * (len(columns) - 1) <= self._console.width:
                break
            columns = [column for column in columns if not column.name.startswith(name)]
        return columns
