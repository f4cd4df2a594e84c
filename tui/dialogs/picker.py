"""Choosing one of several things."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from ...profiles.base.text import clean, clean_line
from ..widgets.footer import KeyLine
from ..widgets.table.table import Column, LineTable, Row


class _Filter(Input):
    """What is typed to leave fewer rows; the keys of the rows go to the table."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "screen.move(-1)", "up", show=False, id="choose.up", tooltip="One row up"),
        Binding("down", "screen.move(1)", "down", show=False, id="choose.down", tooltip="One row down"),
        Binding("enter", "screen.take", "choose", id="choose.take", tooltip="Choose the row under the cursor"),
    ]

    def __init__(self) -> None:
        super().__init__(placeholder="type to find", compact=True)
        self.cursor_blink = False


class _Choices(LineTable):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select", "choose", id="choose.select", tooltip="Choose the row under the cursor"),
    ]


class ChooseScreen(ModalScreen[str | None]):
    """A table to choose a row from; the key of the row, or `None`.

    Args:
        title: What is chosen.
        columns: Of the table.
        rows: Of the table.
        at: The key of the row that the cursor begins on.
        refusals: Why rows cannot be chosen, by key.
        empty: What stands there where there are no rows.
        can_filter: What is typed leaves the rows that have all of its words.
    """

    DEFAULT_CSS = """
    ChooseScreen {
        align: center middle;
        & > Vertical {
            width: 104; max-width: 96%; height: auto; max-height: 90%; padding: 0 1;
            border: round $accent; background: $surface; color: $foreground;
        }
        & LineTable { height: auto; min-height: 4; max-height: 20; }
        & Input { height: 1; }
        & .choose--title { height: 1; text-style: bold; }
        & .choose--words { height: auto; max-height: 4; color: $text-error; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "cancel", id="choose.cancel", tooltip="Choose nothing"),
    ]

    def __init__(
        self,
        title: str,
        columns: Sequence[Column],
        rows: Sequence[Row],
        *,
        at: str | None = None,
        refusals: Mapping[str, str] | None = None,
        empty: str = "nothing here",
        can_filter: bool = False,
    ) -> None:
        super().__init__()
        self._title = title
        self._columns = columns
        self._rows = rows
        self._at = at
        self._refusals = refusals or {}
        self._empty = empty
        self._can_filter = can_filter

    def compose(self) -> ComposeResult:
        """The title, the table, and why a row cannot be chosen."""
        with Vertical():
            yield Static(clean_line(self._title), classes="choose--title", markup=False)
            if self._can_filter:
                yield _Filter()
            yield _Choices(self._columns, empty=self._empty)
            yield Static(classes="choose--words", markup=False)
        yield KeyLine(palette=False)

    def on_mount(self) -> None:
        """Fill the table, as high as its rows."""
        table = self.query_one(LineTable)
        table.styles.height = min(max(len(self._rows) + 1, 4), 20)
        table.show(self._rows)
        if self._at is not None:
            table.move_to(self._at)
        (self.query_one(_Filter) if self._can_filter else table).focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Leave what has all the words."""
        event.stop()
        words = event.value.casefold().split()
        table = self.query_one(LineTable)
        found = [row for row in self._rows if all(word in row.cells[0].text.casefold() for word in words)]
        table.empty = self._empty if not words else f"nothing has {event.value}"
        table.show(found)

    def on_click(self, event: events.Click) -> None:
        """A click beside the table chooses nothing."""
        if event.widget is self:
            self.action_cancel()

    def action_move(self, rows: int) -> None:
        """Move the table's cursor while the filter has the focus."""
        self.query_one(LineTable).action_move(rows)

    def action_take(self) -> None:
        """Choose the row under the cursor while the filter has the focus."""
        self.query_one(LineTable).action_select()

    def on_line_table_row_highlighted(self, message: LineTable.RowHighlighted) -> None:
        """Say why it cannot be chosen, where that is so."""
        message.stop()
        words = self._refusals.get(message.key, "")
        self.query_one(".choose--words", Static).update(Content(f"✗ {clean(words)}" if words else ""))

    def on_line_table_row_selected(self, message: LineTable.RowSelected) -> None:
        """Choose it, if it can be chosen."""
        message.stop()
        if message.key not in self._refusals:
            self.dismiss(message.key)

    def action_cancel(self) -> None:
        """Choose nothing."""
        self.dismiss(None)
