"""The samples of a cell as columns and rows of a `LineTable`. No widget in here.

A cell may have a hundred thousand samples: orders and filters work on the columns of the index, and a row is made when
it is drawn.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from rich.cells import cell_len

from ....profiles.base.format import UNKNOWN, format_count, format_latency, format_usd
from ....profiles.base.text import clean_line
from ...widgets.table.lazy_rows import LazyRows
from ...widgets.table.table import Column, Row, TableCell

if TYPE_CHECKING:
    from ....evals.inspect.logs.log_index import SampleColumns, SampleRow

Verdict = Literal["all", "wrong", "right", "error", "not scored"]
VERDICTS: tuple[Verdict, ...] = ("all", "wrong", "right", "error", "not scored")
WIDEST_ID = 24
WIDEST_NAME = 46


@dataclass(frozen=True, slots=True)
class NamedSample:
    """A sample in a list of what several cells made of it."""

    key: str
    name: str
    row: SampleRow | None  # None: that cell has no such sample, or its log is not read


class SampleRows(LazyRows):
    """Samples of an index in an order. The key of a row is its sample's position in the index.

    Args:
        samples: All of them.
        shown: The positions of those that are shown, in order.
        epochs: Whether there is more than one.
    """

    def __init__(self, samples: SampleColumns, shown: Sequence[int], epochs: bool) -> None:
        self._samples = samples
        self._shown = shown
        self._epochs = epochs

    def __len__(self) -> int:
        return len(self._shown)

    def row(self, index: int) -> Row:
        """The row at an index, made now."""
        at = self._shown[index]
        row = self._samples.row(at)
        return Row(str(at), _cells(f"#{row.id}", row, self._epochs))

    def key(self, index: int) -> str:
        """The key of the row at an index."""
        return str(self._shown[index])

    def position(self, key: str) -> int | None:
        """The index of the row of that key."""
        try:
            return self._shown.index(int(key))
        except ValueError:
            return None


def sample_columns(samples: SampleColumns, epochs: bool) -> tuple[Column, ...]:
    """The columns of a table of samples."""
    return _columns("sample", id_width(samples.id), epochs)


def id_width(names: Sequence[int | str]) -> int:
    """How wide a column is for samples of these ids."""
    widest = max(map(str, names), key=len, default="")
    return min(max(cell_len(clean_line(f"#{widest}"[: WIDEST_ID + 1])), 8), WIDEST_ID)


def named_table(samples: Sequence[NamedSample], title: str, epochs: bool) -> tuple[tuple[Column, ...], list[Row]]:
    """Columns and rows for what several cells made of a sample.

    Args:
        samples: In the order in which they are shown.
        title: The title over their names.
        epochs: Whether there is more than one.
    """
    widest = max((cell_len(clean_line(sample.name)) for sample in samples), default=0)
    rows = [
        Row(one.key, (TableCell("·", "dim"), TableCell(one.name, "dim")))
        if one.row is None
        else Row(one.key, _cells(one.name, one.row, epochs))
        for one in samples
    ]
    return _columns(title, min(max(widest, len(title)), WIDEST_NAME), epochs), rows


def _columns(title: str, width: int, epochs: bool) -> tuple[Column, ...]:
    return (
        Column("state", "", 1),
        Column("sample", title, width),
        *([Column("epoch", "epoch", 5, "right")] if epochs else []),
        Column("score", "score", 7, "right"),
        Column("answer", "answer, or what went wrong", 0),
        Column("time", "time", 6, "right", 2),
        Column("tokens", "tokens", 8, "right", 1),
        Column("cost", "cost", 8, "right", 3),
        Column("retries", "retries", 9, "right", 4),
    )


def _cells(name: str, row: SampleRow, epochs: bool) -> tuple[TableCell, ...]:
    glyph, tone = mark(row.score, error=row.error is not None)
    tokens = row.tokens
    score = "" if row.error else UNKNOWN if row.score is None else f"{row.score:.3f}".rstrip("0").rstrip(".")
    return (
        TableCell(glyph, tone),
        TableCell(name),
        *((TableCell(str(row.epoch)),) if epochs else ()),
        TableCell(score, tone if row.score in (0, 1) else ""),
        TableCell(row.error, "bad") if row.error else TableCell(row.answer or ""),
        TableCell(format_latency(None if row.total_time_s is None else row.total_time_s * 1000)),
        TableCell(UNKNOWN if tokens is None else format_count(tokens) if tokens else ""),
        TableCell(format_usd(row.cost_usd) if tokens or row.cost_usd else UNKNOWN if tokens is None else ""),
        TableCell(str(row.retries) if row.retries else ""),
    )


def mark(score: float | None, *, error: bool = False) -> tuple[str, str]:
    """A glyph for a sample and its tone."""
    if error:
        return "!", "bad"
    if score is None:
        return "?", "dim"
    return ("✓", "good") if score >= 1 else ("✗", "bad") if score <= 0 else ("~", "warn")


def sample_texts(samples: SampleColumns) -> list[str]:
    """What a filter looks for words in, for every sample: id, answer, error and score."""
    fields = zip(samples.id, samples.answer, samples.error, samples.raw_score, strict=True)
    return [f"{name} {answer or ''} {error or ''} {score}".casefold() for name, answer, error, score in fields]


def with_words(texts: Sequence[str], positions: Iterable[int], words: Sequence[str]) -> list[int]:
    """The positions whose text has every word, in any case; `!word` must not be there."""
    kept = list(positions)
    for word in (word.casefold() for word in words):
        if word.startswith("!") and len(word) > 1:
            kept = [at for at in kept if word[1:] not in texts[at]]
        else:
            kept = [at for at in kept if word in texts[at]]
    return kept


def with_verdict(samples: SampleColumns, positions: Iterable[int], verdict: Verdict) -> list[int]:
    """The positions of samples that are right (a full score), wrong (less), ended with an error, or have no score."""
    if verdict == "all":
        return list(positions)
    scores, errors = samples.score, samples.error
    tests: Mapping[Verdict, Callable[[int], bool]] = {
        "wrong": lambda at: (score := scores[at]) is not None and score < 1,
        "right": lambda at: (score := scores[at]) is not None and score >= 1,
        "error": lambda at: errors[at] is not None,
        "not scored": lambda at: scores[at] is None and errors[at] is None,
    }
    return list(filter(tests[verdict], positions))


def count_verdicts(samples: SampleColumns) -> dict[Verdict, int]:
    """How many samples there are of each kind, those that there are none of left out."""
    errors = len(samples) - Counter(samples.error)[None]
    by_score = Counter(samples.score)
    scored = len(samples) - by_score[None]
    right = sum(count for score, count in by_score.items() if score is not None and score >= 1)
    counts: dict[Verdict, int] = {
        "right": right,
        "wrong": scored - right,
        "error": errors,
        "not scored": len(samples) - scored - errors,
    }
    return {verdict: count for verdict, count in counts.items() if count}
