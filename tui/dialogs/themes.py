"""Choosing the colours."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..themes import THEME_WORDS
from ..widgets.table.table import Column, Row, TableCell
from .picker import ChooseScreen

if TYPE_CHECKING:
    from textual.app import App


def ask_for_theme(app: App[Any], use: Callable[[str], object]) -> None:
    """Show the themes, and use the one that is chosen."""
    columns = (Column("theme", "theme", 14), Column("text", "", 0))
    rows = [Row(name, (TableCell(name), TableCell(text, "dim"))) for name, text in THEME_WORDS.items()]

    def take(name: str | None) -> None:
        if name is not None:
            use(name)

    app.push_screen(ChooseScreen("Theme", columns, rows, at=app.theme), take)
