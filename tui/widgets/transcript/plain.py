"""A document as plain text, for the clipboard and a pager."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import IO, TYPE_CHECKING

from ....profiles.base.text import clean_line
from .lines import facts_text, offset_text

if TYPE_CHECKING:
    from ....evals.inspect.logs.transcript import Block, Entry
    from ....evals.results.reader.documents import Document

_AT_ONCE = 200  # entries whose bodies are asked for together


def plain_text(document: Document, most_chars: int | None = None) -> str:
    """All of a document, or its beginning. Blocks: for a thread of its own."""
    parts: list[str] = []
    chars = 0
    for part in _parts(document):
        parts.append(part)
        chars += len(part) + 1
        if most_chars is not None and chars > most_chars:
            break
    return "\n".join(parts)


def write_plain(document: Document, file: IO[str]) -> None:
    """Write all of a document. Blocks: for a thread of its own.

    Raises:
        ProctorError: A part of it cannot be read.
    """
    for part in _parts(document):
        file.write(part + "\n")


def _parts(document: Document) -> Iterator[str]:
    entries = document.entries
    total = max((entry.at_s or 0.0 for entry in entries), default=0.0)
    at = 0
    while at < len(entries):
        bodies = document.bodies(range(at, min(at + _AT_ONCE, len(entries))))
        while at in bodies:
            yield from _entry_text(entries[at], bodies[at], total)
            at += 1


def _entry_text(entry: Entry, blocks: Sequence[Block], total: float) -> Iterator[str]:
    pad = "  " * entry.depth
    head = "  ".join(filter(None, (offset_text(entry.at_s, total), entry.label, entry.title, facts_text(entry))))
    head = clean_line(head)
    yield f"\n{pad}{head}" if entry.turn else f"{pad}{head}"
    for block in blocks:
        label = f"{block.label}: " if block.label else ""
        yield "\n".join(f"{pad}    {line}" for line in f"{label}{block.text}".split("\n"))
        if block.left_out:
            yield f"{pad}    … {block.left_out:,} more characters are in the log"
