"""Tables on a terminal: as many columns as fit, and names folded, never cut."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from rich.cells import cell_len
from rich.table import Table as RichTable
from rich.text import Text

from ....profiles.base.text import clean_line
from ..column import BAR, GAP, Column, narrowed

R = TypeVar("R")

STYLES = {"good": "green", "bad": "red", "warn": "yellow", "dim": "dim", "accent": "cyan"}  # by tone
ASCII_BAR = ".[-o]"


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
    columns = [column for column in columns if any(column.terminal_words(row) for row in rows)]
    needed = [_needed(column, rows, characters, clean) for column in columns]
    folded = [min(own, one.least) if _folds(one) else own for one, own in zip(columns, needed, strict=True)]
    columns = narrowed(columns, folded, width)
    needed = [_needed(column, rows, characters, clean) for column in columns]
    kept = list(range(len(columns)))

    def least() -> int:
        folded = (min(needed[at], columns[at].least) if _folds(columns[at]) else needed[at] for at in kept)
        return sum(folded) + GAP * (len(kept) - 1)

    while least() > width and (droppable := [at for at in kept if columns[at].priority]):
        kept.remove(max(droppable, key=lambda at: (columns[at].priority, at)))
    table = RichTable(box=None, pad_edge=False, padding=(0, GAP, 0, 0), show_edge=False, header_style="dim")
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
    for row in rows:
        table.add_row(*(_text(columns[at], row, characters, clean) for at in kept))
    return table


def _needed(column: Column[R], rows: Sequence[R], characters: str, clean: Callable[[str], str]) -> int:
    texts = (_text(column, row, characters, clean).plain for row in rows)
    return max(map(cell_len, (column.title, *texts)))


def _folds(column: Column[R]) -> bool:
    return column.kind == "name" or column.width == 0


def _text(column: Column[R], row: R, characters: str, clean: Callable[[str], str]) -> Text:
    if column.picture is not None:
        return Text(column.terminal_words(row, characters))
    return Text(clean(column.words(row)), STYLES.get(column.tone_of(row), ""))
