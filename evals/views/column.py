"""Columns: what a table shows of a row, said once for every place that shows it.

A table is a list of columns over one kind of row. JSON, CSV, Markdown, HTML, the printed tables and those of the
application are all drawn from that list: to add a column, add it to the list of its table.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any, Generic, Literal, TypeVar, cast

from ...profiles.base.format import UNKNOWN

R = TypeVar("R")

Kind = Literal["", "name", "state", "words", "step"]
BAR_WIDTH = 17  # cells of an interval drawn in text
NARROW_BAR_WIDTH = 11  # where there is little room
GAP = 2  # cells between columns of text
DECIDES = 5  # columns up to this priority are what a row is judged by: score, rank, money, time
BAR = "·┝━●┥"  # outside, left end, inside, value, right end


@dataclass(frozen=True, slots=True)
class Span:
    """An interval and the value in it, to be drawn; ends that are unknown are `None`."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Sort(Generic[R]):
    """How rows are sorted by a column."""

    words: str
    figure: Callable[[R], float | str | None]  # None: unknown, and last either way
    downwards: bool = False  # at first


def plain(value: object) -> str:
    """A value as it is; `?` where it is unknown."""
    return UNKNOWN if value is None else str(value)


def always(row: object) -> bool:
    """Every row."""
    return True


@dataclass(frozen=True)  # without slots: `Column[Row](…)` would fail
class Column(Generic[R]):
    """One column of a table.

    Its text in a row is `text(row)`, or else `format(value(row))`; nothing where it does not apply to the row.
    """

    key: str  # in JSON and CSV, and what the application sorts by
    title: str = ""
    value: Callable[[R], Any] | None = None  # the datum; None: the attribute that is called `key`
    format: Callable[[Any], str] = plain
    text: Callable[[R], str] | None = None  # where the datum alone does not say it
    full: Callable[[R], str] | None = None  # its text in a document, where there is more room
    applies: Callable[[R], bool] = always  # a cell that has answered nothing has no latency: that is not "unknown"
    tone: str | Callable[[R], str] = ""  # "good", "bad", "warn", "dim", "accent", "score", "money", "time"
    sort: Sort[R] | None = None
    priority: int = 0  # 0 always stays; where it is narrow, the highest number is left out first
    align: Literal["left", "right"] = "left"
    width: int | None = None  # cells; None: of its texts; 0: what is left
    least: int = 24  # cells that a column of width 0 keeps while another can still be left out
    most: int = 200
    kind: Kind = ""
    picture: Callable[[R], Span] | None = None  # drawn, in place of its text
    scale: tuple[float, float] | None = None  # of the picture, over all rows
    mark: float | None = None  # on the scale: what the rows are compared with
    bar_width: int = BAR_WIDTH
    json: str | None = None  # its name in records; None: `key`; "": it is in none
    shown: bool = True  # else it is in records only
    fit: Callable[[Column[R], Sequence[R]], Column[R] | None] | None = None  # adapts it to the rows; None: leave it out

    def datum(self, row: R) -> Any:
        """The value for a record: a plain JSON value, `None` where it is unknown."""
        return _plain_data(self.value(row) if self.value is not None else attrgetter(self.key)(row))

    def words(self, row: R) -> str:
        """The text of a row."""
        if not self.applies(row):
            return ""
        if self.picture is not None:
            return ""
        if self.text is not None:
            return self.text(row)
        return self.format(self.value(row) if self.value is not None else attrgetter(self.key)(row))

    def full_words(self, row: R) -> str:
        """The text of a row in a document."""
        return self.full(row) if self.full is not None and self.applies(row) else self.words(row)

    def texts(self, row: R) -> tuple[str, ...]:
        """All that is shown of a row, here or there."""
        if self.picture is not None:
            return ("" if self.picture(row).value is None else self.terminal_words(row) or self.key,)
        return self.words(row), self.full_words(row)

    def tone_of(self, row: R) -> str:
        """The tone of a row."""
        return self.tone if isinstance(self.tone, str) else self.tone(row)

    def terminal_words(self, row: R, characters: str = BAR) -> str:
        """The text of a row on a terminal, where a picture is drawn in characters: `····┝━━●━┥·`."""
        if self.picture is None:
            return self.words(row)
        return draw_span(self.picture(row), self.scale, self.bar_width, characters)


@dataclass(slots=True)
class Table(Generic[R]):
    """The columns of one kind of row, from left to right."""

    columns: list[Column[R]]
    leading: tuple[str, ...] = ()  # the names that a record begins with

    def add(self, column: Column[R], after: str = "") -> None:
        """Add a column, behind the one of that key or at the end.

        Raises:
            ValueError: There is no column of that key.
        """
        keys = [one.key for one in self.columns]
        self.columns.insert(keys.index(after) + 1 if after else len(keys), column)

    @property
    def fixed(self) -> tuple[Column[R], ...]:
        """The columns of a table whose rows come and go."""
        return tuple(column for column in self.columns if column.shown)

    def shown(self, rows: Sequence[R]) -> tuple[Column[R], ...]:
        """The columns that a table of these rows has: none that is empty in every row, and what is unknown goes first.

        Args:
            rows: All rows.
        """
        found: list[Column[R]] = []
        for column in self.columns:
            fitted = column.fit(column, rows) if column.fit is not None else column
            if fitted is None or not fitted.shown:
                continue
            texts = {text for row in rows for text in fitted.texts(row)}
            if not texts - {""}:
                continue
            if fitted.priority and not texts - {"", UNKNOWN}:
                fitted = replace(fitted, priority=fitted.priority + 100)
            found.append(fitted)
        return tuple(found)

    @property
    def keys(self) -> tuple[str, ...]:
        """The names in a record, in order."""
        return tuple(self._named())

    def record(self, row: R) -> dict[str, Any]:
        """A row as plain data for JSON and CSV."""
        return {name: column.datum(row) for name, column in self._named().items()}

    def _named(self) -> dict[str, Column[R]]:
        named = {column.key if column.json is None else column.json: column for column in self.columns}
        named.pop("", None)
        return {name: named[name] for name in (*self.leading, *(name for name in named if name not in self.leading))}


def data(key: str, value: Callable[[R], Any] | None = None) -> Column[R]:
    """A column that is in records only."""
    return Column(key, value=value, shown=False)


def scaled(column: Column[R], rows: Sequence[R]) -> Column[R]:
    """A column of pictures on one scale, whose ends stand in its title."""
    spans = [column.picture(row) for row in rows] if column.picture is not None else []
    ends = [end for span in spans for end in (span.low, span.high) if end is not None]
    if not ends:
        return column
    scale = min(ends), max(ends)
    return replace(column, title=_ends(scale, column.title, BAR_WIDTH), scale=scale)


def _ends(scale: tuple[float, float], words: str, width: int) -> str:
    """The ends of a scale over its drawings: `0.71   95%   0.90`."""
    first, last = (f"{end:.2f}" for end in scale)
    return f"{first}{words:^{max(width - len(first) - len(last), 1)}}{last}"


def narrowed(columns: Sequence[Column[R]], widths: Sequence[int], room: int) -> tuple[Column[R], ...]:
    """The columns, with pictures drawn narrow where they and what decides do not fit otherwise.

    Args:
        columns: The columns.
        widths: What each of them needs, in cells.
        room: The cells that there are.
    """
    found: list[Column[R]] = []
    for column in columns:
        least = max(column.priority, DECIDES)
        rivals = [width for one, width in zip(columns, widths, strict=True) if one.priority <= least]
        if column.picture is not None and column.scale is not None and sum(rivals) + GAP * (len(rivals) - 1) > room:
            title = _ends(column.scale, "", NARROW_BAR_WIDTH)
            found.append(replace(column, bar_width=NARROW_BAR_WIDTH, title=title))
        else:
            found.append(column)
    return tuple(found)


def draw_span(span: Span, scale: tuple[float, float] | None, width: int = BAR_WIDTH, characters: str = BAR) -> str:
    """An interval and its value on a scale: `····┝━━●━┥·`; `?` where the interval is unknown, nothing without a scale.

    Args:
        span: What is drawn.
        scale: The ends of the scale.
        width: In cells.
        characters: For outside, left end, inside, value, right end.
    """
    if scale is None or span.value is None:
        return ""
    if span.low is None or span.high is None:
        return UNKNOWN
    outside, left, inside, value, right = characters
    low, high = scale
    step = (width - 1) / (high - low) if high > low else 0.0

    def place(at: float) -> int:
        return min(max(round((at - low) * step), 0), width - 1)

    first, last = place(span.low), place(span.high)
    drawn = [outside] * width
    drawn[first : last + 1] = inside * (last - first + 1)
    drawn[first], drawn[last] = left, right
    drawn[place(span.value)] = value
    return "".join(drawn)


def sort_rows(rows: Iterable[R], by: Sort[R], *, downwards: bool, name: Callable[[R], str]) -> list[R]:
    """Rows in the order of a column; what is unknown comes last, and of equals the names decide."""
    by_name = sorted(rows, key=name)
    known = [row for row in by_name if by.figure(row) is not None]
    known.sort(key=lambda row: by.figure(row) or 0, reverse=downwards)  # keeps the names in order
    return [*known, *(row for row in by_name if by.figure(row) is None)]


def _plain_data(value: Any) -> Any:
    """A value without what JSON cannot hold: NaN and the infinities are unknown."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _plain_data(one) for key, one in cast("Mapping[object, Any]", value).items()}
    if isinstance(value, (list, tuple)):
        return [_plain_data(one) for one in cast("Sequence[Any]", value)]
    return value
