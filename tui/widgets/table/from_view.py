"""Tables of the application from the columns of `evals/views`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from rich.cells import cell_len

from ....evals.views import column as views
from ....profiles.base.text import clean_line
from .layout import END, MARKER, Column, Row, TableCell

R = TypeVar("R")

_ARROW = 2  # cells behind a title: the sort arrow stands there


def table_columns(
    columns: Sequence[views.Column[R]],
    rows: Sequence[R] = (),
    *,
    name_most: int | None = None,
    names: Sequence[str] = (),
) -> tuple[Column, ...]:
    """The columns as a table lays them out.

    Args:
        columns: Those of the view.
        rows: What columns without a width of their own are measured by.
        name_most: The most cells of a column of names without a width of its own.
        names: What stands in it besides, as headings do.
    """
    made: list[Column] = []
    for column in columns:
        width = column.width
        if width is None:
            is_name = column.kind == "name"
            texts = [column.terminal_words(row) for row in rows] + list(names if is_name else ())
            most = column.bar_width if column.picture else name_most if is_name and name_most else column.most
            longest = max((cell_len(clean_line(text[:most])) for text in texts), default=0)
            width = min(max(longest, cell_len(column.title) + (_ARROW if column.title else 0), 1), most)
        made.append(Column(column.key, column.title, width, column.align, column.priority, column.least))
    return tuple(made)


def fitted(
    columns: Sequence[views.Column[R]], made: Sequence[Column], width: int
) -> tuple[tuple[views.Column[R], ...], tuple[Column, ...]]:
    """Both kinds of columns with pictures drawn narrow where they would not fit on lines of `width` cells."""
    shown = views.narrowed(columns, [column.width for column in made], width - len(MARKER) - END)
    return shown, tuple(
        column if one.picture is None else replace(column, title=one.title, width=one.bar_width)
        for one, column in zip(shown, made, strict=True)
    )


def table_row(key: str, columns: Sequence[views.Column[R]], row: R) -> Row:
    """A row of these columns.

    Args:
        key: The row's name.
        columns: Those of the view.
        row: What it shows.
    """
    return Row(key, tuple(table_cell(column, row) for column in columns))


def table_cell(column: views.Column[R], row: R) -> TableCell:
    """A row's cell in a column."""
    return TableCell(column.terminal_words(row), "" if column.picture else column.tone_of(row))
