"""Tables on a terminal: as many columns as fit, and names folded, never cut."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from rich.cells import cell_len
from rich.table import Table as RichTable
from rich.text import Text

from ....profiles.base.text import clean_line
from ..column import BAR, Column

R = TypeVar("R")

STYLES = {"good": "green", "bad": "red", "warn": "yellow", "dim": "dim", "accent": "cyan"}  # by tone
ASCII_BAR = ".[-o]"
_GAP = 2


def rich_table(
    columns: Sequence[Column[R]],
    rows: Sequence[R],
    width: int,
    *,
    characters: str = BAR,
    clean: Callable[[str], str] = clean_line,
) -> RichTable:
    """A table without lines, its columns two cells apart.

    Args:
        columns: All that could be shown; where it is too narrow, those of the highest priority number are left out.
        rows: The rows.
        width: Of the terminal, in cells.
        characters: What intervals are drawn with.
        clean: Makes foreign text safe to print, on one line.
    """
    texts = [[_text(column, row, characters, clean) for row in rows] for column in columns]
    widths = [max((cell_len(text.plain) for text in column_texts), default=0) for column_texts in texts]
    needed = [max(cell_len(column.title), own) for column, own in zip(columns, widths, strict=True)]
    kept = [at for at, own in enumerate(widths) if own]

    def least() -> int:
        folded = (min(needed[at], columns[at].least) if _folds(columns[at]) else needed[at] for at in kept)
        return sum(folded) + _GAP * (len(kept) - 1)

    while least() > width and (droppable := [at for at in kept if columns[at].priority]):
        kept.remove(max(droppable, key=lambda at: (columns[at].priority, at)))
    table = RichTable(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), show_edge=False, header_style="dim")
    for at in kept:
        column = columns[at]
        folds = _folds(column)
        table.add_column(
            Text(clean(column.title)),
            justify=column.align,
            no_wrap=not folds,
            overflow="fold",
            min_width=None if folds else needed[at],
        )
    for row in zip(*(texts[at] for at in kept), strict=True):
        table.add_row(*row)
    return table


def _folds(column: Column[R]) -> bool:
    return column.kind == "name" or column.width == 0


def _text(column: Column[R], row: R, characters: str, clean: Callable[[str], str]) -> Text:
    if column.picture is not None:
        return Text(column.terminal_words(row, characters))
    return Text(clean(column.words(row)), STYLES.get(column.tone_of(row), ""))
