"""A group of a scoreboard, and the samples of a cell, as columns and rows of a `LineTable`. No widget in here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from rich.cells import cell_len

from ...profiles.schema import HF_PREFIX
from ..clean import clean_line
from ..figures import UNKNOWN, format_count, format_latency, format_speed, format_usd
from .line_table import Cell, Column, Row

if TYPE_CHECKING:
    from ...evals.results.log_index import SampleRow
    from ...evals.results.scoreboard import Order, ScoreGroup, ScoreRow

ORDERS: dict[Order, tuple[str, bool, str]] = {  # column, downwards, in words
    "score": ("score", True, "the best score"),
    "name": ("target", False, "name"),
    "cost": ("usd_per_1k", False, "the least $ per 1000 samples"),
    "time": ("p50", False, "the shortest latency"),
    "speed": ("speed", True, "the most tokens per second"),
}
SampleOrder = Literal["sample", "score", "time", "tokens", "cost"]
SAMPLE_ORDERS: dict[SampleOrder, tuple[str, bool, str]] = {
    "sample": ("sample", False, "sample"),
    "score": ("score", False, "the lowest score, errors first"),
    "time": ("time", True, "the longest time"),
    "tokens": ("tokens", True, "the most tokens"),
    "cost": ("cost", True, "the most expensive"),
}
WIDEST_TARGET = 46
WIDEST_ID = 24
WIDEST_SERVED_BY = 30
_VERDICT_TONES = {"best": "good", "tied": "", "worse": "bad", "better": "good", "unknown": "dim"}
_STATE_TONES = {"succeeded": "good", "failed": "bad", "held": "warn", "stopped": "warn", "paused": "warn"}


@dataclass(frozen=True, slots=True)
class _Figures:
    """A column with its cells."""

    key: str
    title: str
    cells: Sequence[Cell]
    right: bool = True
    drop: int = 0
    most: int = 200

    @property
    def column(self) -> Column:
        width = max((cell_len(clean_line(cell.text[: self.most])) for cell in self.cells), default=0)
        # an arrow stands behind the title of the column that the rows are sorted by
        return Column(
            self.key,
            self.title,
            min(max(width, cell_len(self.title) + (2 if self.title else 0), 1), self.most),
            "right" if self.right else "left",
            self.drop,
        )


def score_table(group: ScoreGroup, order_by: Order) -> tuple[tuple[Column, ...], list[Row]]:
    """The columns that this group needs, and its rows in that order."""
    from ...evals.engine.status import ENDED
    from ...evals.results.scoreboard import order_rows
    from ...evals.results.sentences import versus_words
    from ..cli.live_table import GLYPHS

    rows = order_rows(group.rows, order_by)

    def glyph(row: ScoreRow) -> Cell:
        return Cell(GLYPHS[row.state][0], _STATE_TONES.get(row.state, "accent" if row.state not in ENDED else ""))

    def versus(row: ScoreRow) -> Cell:
        return Cell(versus_words(row) or _unknown(row), _VERDICT_TONES[row.verdict])

    def figures(figure: Callable[[ScoreRow], str]) -> list[Cell]:
        """What a row that has answered nothing has no figure of."""
        return [Cell(figure(row) if row.samples else "") for row in rows]

    columns = [
        _Figures("state", "", [glyph(row) for row in rows], right=False),
        _Figures("target", "target", [_target(row, group) for row in rows], right=False, most=WIDEST_TARGET),
        _Figures("score", "score", [Cell(score_words(row, rows)) for row in rows]),
    ]
    if len({row.n for row in rows}) > 1:
        columns.append(_Figures("n", "n", [Cell(str(row.n)) for row in rows]))
    if any(row.errors for row in rows):
        errors = [Cell(str(row.errors), "bad" if row.errors else "dim") for row in rows]
        columns.append(_Figures("errors", "errors", errors))
    columns.extend(_interval_columns(rows))
    if len(rows) > 1:
        columns.append(_Figures("versus", "against the best", [versus(row) for row in rows], right=False))
    columns += [
        _Figures("usd_per_1k", "$/1k", figures(lambda row: format_usd(row.usd_per_1k)), drop=5),
        _Figures("cost", "cost", figures(lambda row: format_usd(row.cost_usd)), drop=6),
        _Figures("p50", "p50", figures(lambda row: _seconds(row.p50_s)), drop=7),
        _Figures("speed", "tok/s", figures(lambda row: format_speed(row.tokens_per_s)), drop=8),
        _Figures(
            "served_by",
            "served by",
            [Cell(served_words(row)) for row in rows],
            right=False,
            drop=9,
            most=WIDEST_SERVED_BY,
        ),
    ]
    kept = [column for column in columns if column.key == "state" or any(cell.text for cell in column.cells)]
    return (
        tuple(column.column for column in kept),
        [Row(row.cell, tuple(column.cells[at] for column in kept)) for at, row in enumerate(rows)],
    )


def _interval_columns(rows: Sequence[ScoreRow]) -> list[_Figures]:
    """The intervals drawn on one scale, whose ends stand in the heading, and in numbers."""
    from ..cli.scoreboard_table import BAR_WIDTH, draw_interval

    ends = [end for row in rows if row.interval for end in (row.interval.low, row.interval.high)]
    if not ends:
        return []
    low, high = min(ends), max(ends)
    title = f"{low:.2f}{'95%':^{BAR_WIDTH - 8}}{high:.2f}"
    drawn = [Cell(draw_interval(row, low, high)) for row in rows]
    return [
        _Figures("interval", title, drawn, right=False, drop=4, most=BAR_WIDTH),
        _Figures("ends", "interval", [Cell(interval_words(row)) for row in rows], right=False, drop=10),
    ]


def group_words(group: ScoreGroup) -> str:
    """What holds for a whole group: `theory_of_mind · accuracy · 100 samples · graded by gpt-oss-120b:fastest`."""
    rows = group.rows
    parts: list[str | None] = [group.title, group.metric]
    parts.append(f"{rows[0].n} samples" if len({row.n for row in rows}) == 1 else None)
    graders = {row.grader for row in rows}
    grader = next(iter(graders)) if len(graders) == 1 else None
    if all(row.self_graded for row in rows):
        parts.append("each model grades itself ⚠" if len(rows) > 1 else "it grades itself ⚠")
    elif grader:
        parts.append(f"graded by {grader.removeprefix(HF_PREFIX)}")
    return " · ".join(part for part in parts if part)


def row_words(row: ScoreRow) -> list[str]:
    """One row in full: what the table had to leave out."""
    ended = f"{row.samples} of {UNKNOWN if row.total is None else row.total} samples"
    score = f"score {UNKNOWN if row.score is None else f'{row.score:.3f}'}"
    if row.interval:
        score += f", 95% interval {interval_words(row)}"
    errors = f"{row.errors} {'error' if row.errors == 1 else 'errors'}" if row.errors else ""
    first = [row.target.removeprefix(HF_PREFIX), row.state, ended, errors, score, f"n={row.n}"]
    second: list[str] = []
    if row.samples:
        grader = row.grader_cost_usd
        second = [
            f"cost {format_usd(row.cost_usd)}" + (f" (grader {format_usd(grader)})" if grader != 0 else ""),
            f"{format_usd(row.usd_per_1k)} per 1000 samples",
            f"p50 {_seconds(row.p50_s)}",
            f"{format_speed(row.tokens_per_s)} tokens/s",
            f"served by {served_words(row)}" if row.served_by else "",
            "grades itself ⚠" if row.self_graded else "",
        ]
    lines = [" · ".join(filter(None, first)), " · ".join(filter(None, second)), row.reason or ""]
    return [line for line in lines if line]


def score_words(row: ScoreRow, rows: Iterable[ScoreRow]) -> str:
    """A score with as many digits as the group needs."""
    if row.score is None:
        return _unknown(row)
    known = [other.score for other in rows if other.score is not None]
    digits = 2 if all(abs(score - round(score, 2)) < 1e-9 for score in known) else 3
    return f"{row.score:.{digits}f}"


def interval_words(row: ScoreRow) -> str:
    """An interval in numbers: 0.39-0.92."""
    return f"{row.interval.low:.2f}–{row.interval.high:.2f}" if row.interval else ""


def served_words(row: ScoreRow) -> str:
    """Who served: `itself`, or the providers with their shares."""
    from ...evals.results.labels import split_target

    if not row.target.startswith(HF_PREFIX) or not row.samples:
        return ""
    if list(row.served_by) == [split_target(row.target)[1]]:
        return "itself"
    return " ".join(f"{name} {share:.0%}" for name, share in row.served_by.items()) or UNKNOWN


def _target(row: ScoreRow, group: ScoreGroup) -> Cell:
    mixed = row.self_graded and not all(other.self_graded for other in group.rows)
    return Cell(row.label + (" (grades itself)" if mixed else ""), "warn" if mixed else "")


def _unknown(row: ScoreRow) -> str:
    return UNKNOWN if row.samples else ""


def _seconds(latency_s: float | None) -> str:
    return format_latency(None if latency_s is None else latency_s * 1000)


@dataclass(frozen=True, slots=True)
class ListedSample:
    """A sample in a list: its key there, what it is called, and what is known of it."""

    key: str
    name: str  # "#14", or a target where the list is of one sample across cells
    row: SampleRow | None  # None: that cell has no such sample, or its log is not read


def sample_table(samples: Sequence[ListedSample], named: str, epochs: bool) -> tuple[tuple[Column, ...], list[Row]]:
    """Columns and rows for samples.

    Args:
        samples: In the order in which they are shown.
        named: The title over their names.
        epochs: Whether there is more than one.
    """
    widest = max((cell_len(clean_line(sample.name)) for sample in samples), default=0)
    columns = [
        Column("state", "", 1),
        Column("sample", named, min(max(widest, len(named) + 2), WIDEST_ID if named == "sample" else WIDEST_TARGET)),
        *([Column("epoch", "epoch", 5, "right")] if epochs else []),
        Column("score", "score", 7, "right"),
        Column("answer", "answer, or what went wrong", 0),
        Column("time", "time", 6, "right", 2),
        Column("tokens", "tokens", 8, "right", 1),
        Column("cost", "cost", 8, "right", 3),
        Column("retries", "retries", 7, "right", 4),
    ]
    return tuple(columns), [_sample_row(sample, epochs) for sample in samples]


def _sample_row(sample: ListedSample, epochs: bool) -> Row:
    row = sample.row
    if row is None:
        return Row(sample.key, (Cell("·", "dim"), Cell(sample.name, "dim")))
    glyph, tone = _mark(row)
    tokens = row.input_tokens + row.output_tokens
    score = "" if row.error else UNKNOWN if row.score is None else f"{row.score:.3f}".rstrip("0").rstrip(".")
    cells = (
        Cell(glyph, tone),
        Cell(sample.name),
        *((Cell(str(row.epoch)),) if epochs else ()),
        Cell(score, tone if row.score in (0, 1) else ""),
        Cell(row.error, "bad") if row.error else Cell(row.answer or ""),
        Cell(_seconds(row.total_time_s)),
        Cell(format_count(tokens) if tokens else ""),
        Cell(format_usd(row.cost_usd) if tokens else ""),
        Cell(str(row.retries) if row.retries else ""),
    )
    return Row(sample.key, cells)


def _mark(row: SampleRow) -> tuple[str, str]:
    """A glyph and its tone."""
    if row.error:
        return "!", "bad"
    if row.score is None:
        return "?", "dim"
    return ("✓", "good") if row.score >= 1 else ("✗", "bad") if row.score <= 0 else ("~", "warn")


def order_samples(samples: Sequence[SampleRow], order_by: SampleOrder) -> list[int]:
    """The positions of samples in that order; what is unknown comes last."""
    if order_by == "sample":
        return sorted(range(len(samples)), key=lambda at: (_natural(samples[at].id), samples[at].epoch))

    def figure(at: int) -> tuple[bool, float, int]:
        row = samples[at]
        value: float | None
        if order_by == "score":
            value = -1.0 if row.error else row.score
        elif order_by == "time":
            value = row.total_time_s
        elif order_by == "tokens":
            value = row.input_tokens + row.output_tokens
        else:
            value = row.cost_usd
        downwards = SAMPLE_ORDERS[order_by][1]
        return value is None, (-(value or 0.0) if downwards else value or 0.0), at

    return sorted(range(len(samples)), key=figure)


def _natural(name: int | str) -> tuple[tuple[bool, int, str], ...]:
    """An id to sort by: numbers in it count as numbers."""
    if isinstance(name, int):
        return ((False, name, ""),)
    pieces = re.split(r"([0-9]{1,18})", name)
    return tuple((False, int(piece), "") if at % 2 else (True, 0, piece) for at, piece in enumerate(pieces) if piece)


def matches(row: SampleRow, words: Sequence[str]) -> bool:
    """Whether every word stands in a sample's id, answer or error, in any case; `!word` must not."""
    text = f"{row.id} {row.answer or ''} {row.error or ''} {row.raw_score}".casefold()
    return all((word[1:] not in text) if word.startswith("!") and len(word) > 1 else word in text for word in words)
