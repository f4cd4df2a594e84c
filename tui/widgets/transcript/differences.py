"""Which entries of two transcripts belong together, and which words of their texts differ. No widget in here."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from difflib import SequenceMatcher
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ....evals.inspect.logs.transcript import Block, Entry

MOST_WORDS = 2_000  # of a text that is compared word by word; longer ones line by line
MOST_LINES = 5_000
MOST_ENTRIES = 3_000  # that are aligned; of longer transcripts turns are paired by their numbers
_WORD = re.compile(r"\w+|[^\w\s]")
_LINE = re.compile(r"[^\n]+")


def pair_entries(left: Sequence[Entry], right: Sequence[Entry]) -> list[tuple[int, int]]:
    """Positions that belong together, both rising: entries of one kind and label, in the same order."""
    if max(len(left), len(right)) > MOST_ENTRIES:
        turns = {entry.turn: at for at, entry in enumerate(right) if entry.turn}
        return [(at, turns[entry.turn]) for at, entry in enumerate(left) if entry.turn in turns]
    keys = [[(entry.kind, entry.label) for entry in entries] for entries in (left, right)]
    matcher = SequenceMatcher(None, keys[0], keys[1], autojunk=False)
    return [(a + at, b + at) for a, b, size in matcher.get_matching_blocks() for at in range(size)]


def partner(pairs: Sequence[tuple[int, int]], at: int) -> tuple[int, bool] | None:
    """What stands beside an entry: its partner, else that of the last entry before it that has one."""
    index = bisect_right(pairs, at, key=lambda pair: pair[0]) - 1
    return None if index < 0 else (pairs[index][1], pairs[index][0] == at)


def counterpart(block: Block, number: int, own: Sequence[Block], others: Sequence[Block]) -> Block | None:
    """The block of another body that says the same sort of thing: the as-many-eth of its label."""
    nth = sum(one.label == block.label for one in own[:number])
    alike = [one for one in others if one.label == block.label]
    return alike[nth] if nth < len(alike) else None


@lru_cache(maxsize=400)
def differing(text: str, other: str) -> tuple[tuple[int, int, str], ...]:
    """The words of a text that the other has not, in its place; lines where there are very many words."""
    if text == other:
        return ()
    for pattern, most in ((_WORD, MOST_WORDS), (_LINE, MOST_LINES)):
        pieces = [[match.span() for match in pattern.finditer(one)] for one in (text, other)]
        if max(len(one) for one in pieces) <= most:
            break
    else:
        return ((0, len(text), "differs"),)
    words = [text[start:end] for start, end in pieces[0]], [other[start:end] for start, end in pieces[1]]
    spans: list[tuple[int, int, str]] = []
    for tag, begin, end, _, _ in SequenceMatcher(None, *words, autojunk=False).get_opcodes():
        if tag in ("replace", "delete"):
            spans.append((pieces[0][begin][0], pieces[0][end - 1][1], "differs"))
    return tuple(spans)
