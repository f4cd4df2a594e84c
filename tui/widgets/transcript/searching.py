"""A search in a document: its matches as they come, and which of them is the current one. No widget in here."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ....evals.inspect.logs.transcript import Query, parse_query
from ....profiles.base.errors import UsageError

if TYPE_CHECKING:
    from ....evals.inspect.logs.transcript import Block, Entry


class Search:
    """What is searched for, and where it stands."""

    def __init__(self) -> None:
        self.text = ""
        self.query: Query | None = None
        self.failure = ""
        self.number = 0  # of the search: what another one has found is not taken
        self.current = -1  # of all matches
        self.is_done = True
        self.shown: tuple[int, tuple[int, int] | None] = (-1, None)  # the current match: entry, and block with start
        self._entries: list[int] = []
        self._counts: list[int] = [0]  # matches before each entry, and all of them

    def start(self, text: str) -> None:
        """Search for something else."""
        self.text = text
        self.query, self.failure = None, ""
        try:
            self.query = parse_query(text)
        except UsageError as error:
            self.failure = error.message
        self.restart()

    def restart(self) -> None:
        """Search again from the beginning."""
        self.number += 1
        self.current, self.is_done = -1, False
        self.shown = (-1, None)
        self._entries, self._counts = [], [0]

    @property
    def count(self) -> int:
        """How many matches are known."""
        return self._counts[-1]

    def take(self, matches: Sequence[tuple[int, int]], *, is_done: bool) -> None:
        """Take further matches: positions of entries, and how many each holds."""
        for at, count in matches:
            self._entries.append(at)
            self._counts.append(self._counts[-1] + count)
        self.is_done = is_done

    def first_from(self, entry: int) -> int | None:
        """The first match in an entry or after it; at the end of the search the very first."""
        at = bisect_left(self._entries, entry)
        if at < len(self._entries):
            return self._counts[at]
        return 0 if self.is_done and self._entries else None

    def place(self, number: int) -> tuple[int, int]:
        """The entry of a match, and which one in it."""
        at = bisect_right(self._counts, number) - 1
        return self._entries[at], number - self._counts[at]

    def spot(self, entry: Entry, blocks: Sequence[Block], nth: int) -> tuple[int, int] | None:
        """The block and the place in it of an entry's match; `None` for one in its title."""
        if self.query is None:
            return None
        nth -= len(self.query.spans_in_title(entry))
        for number, block in enumerate(blocks):
            spans = self.query.spans_in(block)
            if 0 <= nth < len(spans):
                return number, spans[nth][0]
            nth -= len(spans)
        return None
