"""Choosing one of several things."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Footer, Static

from ..clean import clean, clean_line
from .line_table import Column, LineTable, Row


class ChooseScreen(ModalScreen[str | None]):
    """A table to choose a row from; the key of the row, or `None`.

    Args:
        title: What is chosen.
        columns: Of the table.
        rows: Of the table.
        at: The key of the row that the cursor begins on.
        refusals: Why rows cannot be chosen, by key.
        empty: What stands there where there are no rows.
    """

    DEFAULT_CSS = """
    ChooseScreen {
        align: center middle;
        & > Vertical {
            width: 104; max-width: 96%; height: auto; max-height: 90%; padding: 0 1;
            border: round $accent; background: $surface; color: $foreground;
        }
        & LineTable { height: auto; min-height: 4; max-height: 20; }
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
    ) -> None:
        super().__init__()
        self._title = title
        self._columns = columns
        self._rows = rows
        self._at = at
        self._refusals = refusals or {}
        self._empty = empty

    def compose(self) -> ComposeResult:
        """The title, the table, and why a row cannot be chosen."""
        with Vertical():
            yield Static(clean_line(self._title), classes="choose--title", markup=False)
            yield LineTable(self._columns, empty=self._empty)
            yield Static(classes="choose--words", markup=False)
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Fill the table, as high as its rows."""
        table = self.query_one(LineTable)
        table.styles.height = min(max(len(self._rows) + 1, 4), 20)
        table.show(self._rows)
        if self._at is not None:
            table.move_to(self._at)
        table.focus()

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
