"""A terminal with kitty's graphics, or sixel: it answers as one, keeps the pictures, and shows which cells they take.

The cells of a picture in sixel hold `COVERED` until something is written there, those of kitty's its placeholder.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from terminal import Terminal

COVERED, PLACEHOLDER = "▒", "\U0010eeee"
ATTRIBUTES = {"sixel": b"\x1b[?62;4;22c", "kitty": b"\x1b[?62;22c"}
_STRING = re.compile(rb"\x1b[P_].*?\x1b\\", re.DOTALL)
_BEGUN = re.compile(rb"\x1b([P_].*)?\Z", re.DOTALL)
_SIXELS = re.compile(rb'\x1bP[\d;]*q"1;1;(\d+);(\d+)')
_QUESTION = re.compile(rb"\x1b_G(?=[^;]*a=q)[^;]*?i=(\d+)")


class PictureTerminal(Terminal):
    """A terminal with graphics.

    Args:
        graphics: Which.
        command: As of any terminal.
        environ: As of any terminal.
        cwd: As of any terminal.
        has_size: Whether it has a size in pixels; where it has none, it tells a cell's when it is asked.
    """

    def __init__(
        self,
        graphics: str,
        command: Sequence[str],
        environ: Mapping[str, str],
        cwd: Path,
        has_size: bool = True,
    ) -> None:
        self.graphics = graphics
        self.cell = (10, 20) if has_size else (0, 0)
        self.pictures: list[str] = []  # as they came, one control string each
        self._begun = b""
        super().__init__(command, environ, cwd)

    def wipe(self) -> None:
        """Lose what is on the screen, as when another program writes there."""
        with self._change:
            self._screen.erase_in_display(2)

    def marks(self) -> list[list[bool]]:
        """Which cells are a picture's."""
        return [[cell.data[:1] in (COVERED, PLACEHOLDER) for cell in line] for line in self.cells()]

    def _show(self, data: bytes) -> None:
        if b"\x1b[c" in data:
            self.send(ATTRIBUTES[self.graphics])
        if b"\x1b[16t" in data:
            self.cell = 9, 18
            self.send("\x1b[6;18;9t")
        data, at = self._begun + data, 0
        for string in _STRING.finditer(data):
            super()._show(data[at : string.start()])
            self._take(string.group())
            at = string.end()
        begun = _BEGUN.search(data, at)
        end = begun.start() if begun else len(data)
        super()._show(data[at:end])
        self._begun = data[end:]

    def _take(self, string: bytes) -> None:
        if question := _QUESTION.match(string):
            if self.graphics == "kitty":
                self.send(b"\x1b_Gi=" + question[1] + b";OK\x1b\\")
            return
        self.pictures.append(string.decode())
        if sixels := _SIXELS.match(string):
            top, left = self._screen.cursor.y, self._screen.cursor.x
            width, height = (-(-int(pixels) // cell) for pixels, cell in zip(sixels.groups(), self.cell, strict=True))
            for y in range(top, top + height):
                for x in range(left, left + width):
                    self._screen.buffer[y][x] = self._screen.default_char._replace(data=COVERED)
