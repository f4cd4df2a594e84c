"""A table whose cursor is on one cell: rows up and down, columns left and right."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip

from .layout import MARKER, is_thumb, row_segments
from .table import LineTable


class GridTable(LineTable, inherit_bindings=True):
    """Rows that begin with a name; the cursor goes over the columns behind it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "move_across(-1)", "Left", show=False, id="plan.left", tooltip="The cell to the left"),
        Binding("right", "move_across(1)", "Right", show=False, id="plan.right", tooltip="The cell to the right"),
    ]

    class CellHighlighted(Message):
        """The cursor is on another column."""

    _across = 0

    @property
    def cursor_column(self) -> str | None:
        """The key of the column under the cursor; `None` where there is none behind the names."""
        columns = self._columns[1:]
        return columns[min(self._across, len(columns) - 1)].key if columns else None

    def move_across_to(self, column_key: str) -> None:
        """Put the cursor on a column, if it is there."""
        at = self._column_at.get(column_key, 0)
        if at:
            self._go(at - 1)

    def action_move_across(self, columns: int) -> None:
        """Move the cursor by so many columns."""
        self._go(min(self._across, len(self._columns) - 2) + columns)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave Enter out: there is nothing behind a cell."""
        return action != "select" and super().check_action(action, parameters)

    def on_click(self, event: events.Click) -> None:
        """Go to the column that was hit; the row is the table's to go to."""
        offset = event.get_content_offset(self)
        hit = [place for place in self._places if offset is not None and place.x <= offset.x < place.x + place.width]
        if hit and hit[0].index:
            self._go(hit[0].index - 1)

    def _go(self, across: int) -> None:
        across = max(min(across, len(self._columns) - 2), 0)
        if across != self._across:
            self._across = across
            self._redraw((self._line_of(self._window.cursor),))
            self.post_message(self.CellHighlighted())

    def _draw(self, y: int) -> Strip:
        window = self._window
        index = window.top + y - 1
        if y == 0 or index != window.cursor or index >= len(self._rows):
            return super()._draw(y)
        width = self.size.width
        thumb = is_thumb(y - 1, window.top, window.height, window.count)
        segments = row_segments(self._rows[index], self._places, width, self._style, False, thumb)
        line = Strip(segments).adjust_cell_length(width, self._style(""))
        key = self.cursor_column
        place = next((place for place in self._places if place.column.key == key), None)
        if place is None:
            return super()._draw(y)
        before, cell, after = line.divide([place.x - 1, place.x + place.width + 1, width])
        before = Strip([Segment(MARKER, self._style("")), *before.crop(len(MARKER), before.cell_length)])
        marked = Strip([Segment(cell.text, self._style("cursor"))], cell.cell_length)
        return Strip.join([before, marked, after])
