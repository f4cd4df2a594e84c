"""Which entries of a document are seen: lanes that are folded, kinds that are left out. No widget in here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from ....evals.inspect.logs.transcript import Entry

Level = Literal[0, 1, 2]  # only the head; long texts and quiet lanes folded; everything
Stop = Literal["turn", "tool", "error", "agent"]
_AGENTS = frozenset({"agent", "subtask", "handoff", "fork"})
LEVEL_WORDS = ("all folded", "", "all unfolded")


class Folds:
    """How far each entry is unfolded, and what is seen then."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = entries
        self.every: Level = 1  # of entries that nobody has folded by themselves
        self.kinds: frozenset[str] = frozenset()  # those that are shown; empty: all
        self._own: dict[int, Level] = {}

    def level(self, at: int) -> Level:
        """How far an entry is unfolded."""
        return self._own.get(at, self.every)

    def is_open(self, at: int) -> bool:
        """Whether what is in an entry's lane is seen."""
        level = self.level(at)
        return level == 2 or (level == 1 and not self.entries[at].closed)

    def toggle(self, at: int, hides_text: bool) -> None:
        """Unfold an entry where anything of it is hidden, else fold it.

        Args:
            at: Its position.
            hides_text: Whether a text of it is cut.
        """
        level = self.level(at)
        if level == 0:
            self._own[at] = 1
        elif level == 1:
            hides_lane = self.entries[at].below > 0 and not self.is_open(at)
            self._own[at] = 2 if hides_text or hides_lane else 0
        else:
            self._own[at] = 1

    def unfold(self, at: int) -> None:
        """Show everything of an entry."""
        self._own[at] = 2

    def cycle(self) -> Level:
        """Fold all, then unfold all, then as at first."""
        self._own.clear()
        order: dict[Level, Level] = {1: 0, 0: 2, 2: 1}
        self.every = order[self.every]
        return self.every

    def reveal(self, at: int) -> None:
        """Open the lanes that an entry stands in."""
        parent = self.entries[at].parent
        while parent >= 0:
            if not self.is_open(parent):
                self._own[parent] = 1 if not self.entries[parent].closed else 2
            parent = self.entries[parent].parent

    def passes(self, at: int) -> bool:
        """Whether the filter lets an entry through by itself."""
        return not self.kinds or self.entries[at].kind in self.kinds

    def visible(self) -> list[int]:
        """The positions of what is seen, in order. A lane is seen with what the filter leaves in it."""
        entries = self.entries
        shown = [True] * len(entries)
        if self.kinds:
            shown = [entry.kind in self.kinds for entry in entries]
            for at in range(len(entries) - 1, -1, -1):
                parent = entries[at].parent
                if shown[at] and parent >= 0:
                    shown[parent] = True
        found: list[int] = []
        at, end = 0, len(entries)
        while at < end:
            if shown[at]:
                found.append(at)
            at += 1 if not entries[at].below or self.is_open(at) else 1 + entries[at].below
        return found


def find_stop(
    entries: Sequence[Entry], start: int, by: int, is_stop: Callable[[int], bool], *, wraps: bool = False
) -> int | None:
    """The next entry of a kind after one, or before it with `by` -1; `None` where there is none."""
    positions = range(start + 1, len(entries)) if by > 0 else range(start - 1, -1, -1)
    found = next((at for at in positions if is_stop(at)), None)
    if found is None and wraps:
        again = range(start + 1) if by > 0 else range(len(entries) - 1, start - 1, -1)
        found = next((at for at in again if is_stop(at)), None)
    return found


def is_stop(entry: Entry, stop: Stop) -> bool:
    """Whether an entry is one that can be jumped to as such."""
    if stop == "turn":
        return entry.kind == "model"
    if stop == "tool":
        return entry.kind == "tool"
    if stop == "error":
        return entry.kind == "error" or entry.failed
    return entry.kind == "span" and entry.label in _AGENTS
