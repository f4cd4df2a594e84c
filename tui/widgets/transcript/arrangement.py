"""Where the entries of a document stand below each other, and the bodies that are at hand. No widget in here."""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

from .folds import Folds
from .lines import GUTTER, Line, entry_lines, guessed_height, indent_of

if TYPE_CHECKING:
    from ....evals.inspect.logs.transcript import Block
    from ....evals.results.reader.documents import Document

KEPT_CHARS = 8_000_000  # of bodies; those that were seen longest ago are read again when they come near
NEAR = 24  # entries before and after those in view whose bodies are read, too


class Arrangement:
    """A document laid out for one width: heights are guessed until a body is at hand.

    Args:
        document: What is laid out.
        width: Of a line, in cells.
    """

    def __init__(self, document: Document, width: int) -> None:
        self.document = document
        self.width = width
        self.folds = Folds(document.entries)
        self.visible: list[int] = []
        self.offsets: list[int] = [0]  # where each visible entry begins, and where the last one ends
        self.bodies: OrderedDict[int, Sequence[Block]] = OrderedDict()
        self.picture_lines: dict[str, int] = {}
        self._lines: dict[int, list[Line]] = {}
        self._heights: dict[int, int] = {}
        self._chars = 0

    @property
    def line_count(self) -> int:
        """How many lines there are, as far as is known."""
        return self.offsets[-1]

    def resize(self, width: int) -> None:
        """Take another width."""
        if width != self.width:
            self.width = width
            self.forget_lines()

    def forget_lines(self, *positions: int) -> None:
        """Lay entries out anew: those, or all."""
        if not positions:
            self._lines, self._heights = {}, {}
        for at in positions:
            self._lines.pop(at, None)
            self._heights.pop(at, None)

    def find_visible(self) -> None:
        """Find anew what is seen, after folds or filters have changed."""
        self.visible = self.folds.visible()
        self.place()

    def place(self) -> None:
        """Place the entries below each other."""
        heights, levels, entries = self._heights, self.folds.level, self.document.entries
        guess = (heights.get(at) or guessed_height(entries[at], levels(at)) for at in self.visible)
        self.offsets = [0, *accumulate(guess)]

    def index_of(self, at: int) -> int | None:
        """Where an entry stands among those that are seen."""
        index = bisect_right(self.visible, at) - 1
        return index if index >= 0 and self.visible[index] == at else None

    def seen_before(self, at: int) -> int:
        """The entry itself where it is seen, else the one before it that is."""
        index = bisect_right(self.visible, at) - 1
        return self.visible[max(index, 0)] if self.visible else 0

    def index_at(self, line: int) -> int:
        """Which of the entries that are seen a line belongs to."""
        return min(max(bisect_right(self.offsets, line) - 1, 0), max(len(self.visible) - 1, 0))

    def lines_of(self, at: int) -> list[Line] | None:
        """The lines of an entry; `None` where its body is not at hand."""
        found = self._lines.get(at)
        if found is None:
            level = self.folds.level(at)
            blocks = self.bodies.get(at) if level else ()
            if blocks is None:
                return None
            entry = self.document.entries[at]
            width = max(self.width - GUTTER - indent_of(entry, self.width) - 3, 8)
            found = self._lines[at] = entry_lines(entry, blocks, level, width, self.picture_lines)
        return found

    def measure(self, positions: Iterable[int]) -> bool:
        """Take the true heights of entries; whether one is another than was thought."""
        changed = False
        for at in positions:
            lines = self.lines_of(at)
            if lines is not None:
                guess = guessed_height(self.document.entries[at], self.folds.level(at))
                changed = changed or (self._heights.get(at) or guess) != len(lines)
                self._heights[at] = len(lines)
        return changed

    def near(self, top: int, height: int) -> list[int]:
        """The entries in view and near it, those in view first."""
        if not self.visible:
            return []
        first, last = self.index_at(top), self.index_at(top + max(height, 1))
        seen = self.visible
        return [*seen[first : last + 1], *seen[last + 1 : last + 1 + NEAR], *seen[max(first - NEAR, 0) : first]]

    def missing(self, positions: Iterable[int]) -> list[int]:
        """Those whose bodies are to be seen and are not at hand."""
        return [at for at in positions if self.folds.level(at) and at not in self.bodies]

    def take(self, found: Mapping[int, Sequence[Block]], near: Iterable[int]) -> None:
        """Keep bodies, and let go of those that were read longest ago and are not near the view."""
        for at, blocks in found.items():
            self.bodies[at] = blocks
            self._chars += sum(len(block.text) for block in blocks)
            self._lines.pop(at, None)
        if self._chars <= KEPT_CHARS:
            return
        kept = {*near, *found}
        for at in [at for at in self.bodies if at not in kept]:
            if self._chars <= KEPT_CHARS:
                break
            self._chars -= sum(len(block.text) for block in self.bodies.pop(at))
            self._lines.pop(at, None)

    def take_picture(self, name: str, lines: int) -> list[int]:
        """Make room for a picture; the entries that hold it."""
        self.picture_lines[name] = lines
        holding = [at for at, blocks in self.bodies.items() if any(block.picture == name for block in blocks)]
        for at in holding:
            self._lines.pop(at, None)
        return holding

    def hides_lines(self, at: int) -> bool:
        """Whether lines of an entry are folded, as far as is known."""
        level = self.folds.level(at)
        if level == 0:
            return self.document.entries[at].lines > 0
        return any(line.what == "note" and line.end for line in self._lines.get(at) or ())
