"""A table whose rows have a check box: a click on it picks at once, whichever row the cursor is on."""

from __future__ import annotations

from textual import events

from .table import LineTable, TableCell

PICK = "pick"  # the column with the check boxes
PICKED, NOT_PICKED = TableCell("[x]", "good"), TableCell("[ ]", "dim")


class PickTable(LineTable):
    """Rows that can be picked; the holder says what is."""

    class RowPicked(LineTable.TableMessage):
        """The check box of a row was clicked; the cursor is on it."""

        def __init__(self, table: LineTable, key: str) -> None:
            super().__init__(table)
            self.key = key

    def on_click(self, event: events.Click) -> None:
        """Pick, where a check box was hit; everything else is as in any table."""
        offset = event.get_content_offset(self)
        place = next((place for place in self._places if place.column.key == PICK), None)
        if offset is None or place is None or offset.y == 0 or offset.x not in range(place.x, place.x + place.width):
            return
        index = self._window.top + offset.y - 1
        if index < len(self._rows):
            event.stop()
            event.prevent_default()  # or the table takes the click, too
            self._move_cursor(index)
            self.post_message(self.RowPicked(self, self._key(index)))
