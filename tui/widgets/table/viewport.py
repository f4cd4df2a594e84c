"""Which of many rows are seen, and which of them the cursor is on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Window:
    """`height` rows of `count` are seen, from `top` on. Every change keeps the cursor and the view among the rows."""

    count: int = 0
    height: int = 0
    cursor: int = 0
    top: int = 0

    def sees(self, index: int) -> bool:
        """Whether a row is in view."""
        return 0 <= index - self.top < self.height

    def resize(self, count: int, height: int) -> None:
        """Take other numbers; no lines are left empty under the last row while there are rows above."""
        self.count, self.height = count, height
        self._hold()

    def put_cursor(self, index: int) -> None:
        """Put the cursor among other rows than before. It stays in view where it was, at its line."""
        was, followed = self.cursor, self.sees(self.cursor)
        self.cursor = max(min(index, self.count - 1), 0)
        if followed and not self.sees(self.cursor):
            self.top += self.cursor - was
        self._hold()

    def move_cursor(self, index: int, ahead: int = 0) -> None:
        """Move the cursor to a row; where it leaves the view, that goes `ahead` rows further than it must."""
        self.cursor = max(min(index, self.count - 1), 0)
        ahead = max(min(ahead, self.height - 1), 0)
        if self.cursor < self.top:
            self.top = self.cursor - ahead
        elif self.cursor >= self.top + self.height:
            self.top = self.cursor - self.height + 1 + ahead
        self._hold()

    def scroll(self, rows: int) -> None:
        """Move the view; the cursor stays where it is."""
        self.top += rows
        self._hold()

    def _hold(self) -> None:
        self.top = max(min(self.top, self.count - self.height), 0)
