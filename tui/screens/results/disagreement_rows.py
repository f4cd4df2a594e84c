"""Samples on which cells disagree as columns and rows of a `LineTable`. No widget in here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ....evals.views.samples import DISAGREEMENTS, marks
from ...widgets.table.from_view import table_columns, table_row
from ...widgets.table.lazy_rows import LazyRows
from ...widgets.table.table import Column, Row
from .sample_rows import id_width

if TYPE_CHECKING:
    from ....evals.results.disagreements import Disagreement, Disagreements

_TITLES = {"✓": "right", "~": "in part", "✗": "wrong", "!": "failed", "?": "not scored"}


class DisagreementRows(LazyRows):
    """One row for a sample; its key is its place in the list."""

    def __init__(self, found: Disagreements) -> None:
        self._found = found

    def __len__(self) -> int:
        return len(self._found)

    def row(self, index: int) -> Row:
        """The row at an index, made now."""
        return table_row(str(index), DISAGREEMENTS.fixed, self._found.one(index))

    def key(self, index: int) -> str:
        """The key of the row at an index."""
        return str(index)

    def position(self, key: str) -> int | None:
        """The index of the row of that key."""
        return int(key) if key.isdecimal() and int(key) < len(self._found) else None


def disagreement_columns(found: Disagreements) -> tuple[Column, ...]:
    """The columns; the marks stand in the order of the scoreboard's rows."""
    sample, right, marked = table_columns(DISAGREEMENTS.fixed)
    title = "cell by cell" if len(found.scores) > 5 else marked.title
    return replace(sample, width=id_width(found.id)), right, replace(marked, title=title)


def marks_words(one: Disagreement, labels: Sequence[str]) -> list[str]:
    """Who is right and who is not, a line for each: `✓ right: groq, cerebras`."""
    by_mark: dict[str, list[str]] = {}
    for glyph, label, score in zip(marks(one), labels, one.scores, strict=True):
        by_mark.setdefault(glyph, []).append(f"{label} {score:.2f}" if glyph == "~" else label)
    return [f"{glyph} {_TITLES[glyph]}: {', '.join(by_mark[glyph])}" for glyph in _TITLES if glyph in by_mark]
