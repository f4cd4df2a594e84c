"""The groups of a scoreboard as columns and rows of a `LineTable`. No widget in here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len

from ....profiles.base.format import UNKNOWN, format_latency, format_speed, format_usd, number_of
from ....profiles.base.text import clean_line
from ....profiles.schema import HF_PREFIX
from ...widgets.table.table import Column, Row, TableCell

if TYPE_CHECKING:
    from ....evals.results.scoreboard import Grouping, Scoreboard, ScoreGroup, ScoreRow

WIDEST_MODEL = 46
_BESIDE_MODEL = 26  # cells for the score and what stands before it, on a narrow screen
WIDEST_SERVED_BY = 30
GROUPINGS: Mapping[Grouping, str] = {"task": "by task", "model": "by model", "provider": "by provider"}
_VERDICT_TONES = {"best": "good", "tied": "", "worse": "bad", "better": "good", "unknown": "dim"}
_STATE_TONES = {"succeeded": "good", "failed": "bad", "held": "warn", "stopped": "warn", "paused": "warn"}


@dataclass(frozen=True, slots=True)
class _Figures:
    """A column with its cells."""

    key: str
    title: str
    cells: Sequence[TableCell]
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


@dataclass(frozen=True, slots=True)
class RowOrder:
    """What the rows of a group are sorted by."""

    column: str
    downwards: bool


@dataclass(frozen=True, slots=True)
class _Sorting:
    """How rows are sorted by a column."""

    words: str
    figure: Callable[[ScoreRow], float | str | None]  # None: unknown, and last either way
    downwards: bool = False  # at first


SORTINGS: Mapping[str, _Sorting] = {
    "score": _Sorting("score", lambda row: row.score, downwards=True),
    "model": _Sorting("model", lambda row: row.label),
    "state": _Sorting("state", lambda row: row.state),
    "n": _Sorting("samples", lambda row: row.n, downwards=True),
    "errors": _Sorting("errors", lambda row: row.errors, downwards=True),
    "interval": _Sorting("lower end of the interval", lambda row: row.interval.low if row.interval else None, True),
    "ends": _Sorting("upper end of the interval", lambda row: row.interval.high if row.interval else None, True),
    "versus": _Sorting("p against the best", lambda row: row.p_value),
    "usd_per_1k": _Sorting("$ per 1000 samples", lambda row: row.usd_per_1k),
    "cost": _Sorting("cost", lambda row: row.cost_usd),
    "p50": _Sorting("latency", lambda row: row.p50_s),
    "speed": _Sorting("tokens per second", lambda row: row.tokens_per_s, downwards=True),
    "served_by": _Sorting("who served", lambda row: served_words(row) or None),
}
USUAL_ORDER = RowOrder("score", True)


def next_order(order: RowOrder, columns: Sequence[Column]) -> RowOrder:
    """By the next column of those that are there, in its usual direction."""
    there = [column for column in SORTINGS if column in {one.key for one in columns}]
    at = (there.index(order.column) + 1) % len(there) if order.column in there else 0
    return RowOrder(there[at], SORTINGS[there[at]].downwards) if there else order


def order_by_column(order: RowOrder, column: str) -> RowOrder:
    """By that column; the other way round where it is that column already."""
    if column not in SORTINGS:
        return order
    return RowOrder(column, not order.downwards if column == order.column else SORTINGS[column].downwards)


def sort_rows(rows: Iterable[ScoreRow], order: RowOrder) -> list[ScoreRow]:
    """The rows of a group in that order; what is unknown comes last, and of equals the names decide."""
    figure = SORTINGS[order.column].figure
    by_name = sorted(rows, key=lambda row: row.label)
    known = [row for row in by_name if figure(row) is not None]
    known.sort(key=lambda row: figure(row) or 0, reverse=order.downwards)  # keeps the names in order
    return [*known, *(row for row in by_name if figure(row) is None)]


@dataclass(frozen=True, slots=True)
class Section:
    """What is seen at once: a task, or all tasks of a model or a provider."""

    title: str
    groups: tuple[ScoreGroup, ...]


def sections(board: Scoreboard) -> list[Section]:
    """A scoreboard as sections: one for each group, or one for each model or provider."""
    if board.group_by == "task":
        return [Section(group.title, (group,)) for group in board.groups]
    parts = dict.fromkeys(group.part for group in board.groups)
    short = {part: part.rsplit("/", 1)[-1] for part in parts}
    alike = len(set(short.values())) < len(parts)
    return [
        Section(part if alike else short[part], tuple(group for group in board.groups if group.part == part))
        for part in parts
    ]


def heading_key(at: int) -> str:
    """The key of the line over a group's rows."""
    return f"group {at}"


def score_table(section: Section, order: RowOrder, width: int = 120) -> tuple[tuple[Column, ...], list[Row]]:
    """The columns that these groups need, and their rows in that order, under a heading where there are several.

    Args:
        section: The groups.
        order: Of the rows within a group.
        width: Of the table, in cells: names are cut where the score would not fit beside them.
    """
    from ....evals.run.status import ENDED
    from ....evals.views.narrative import versus_words
    from ....evals.views.run_states import GLYPHS

    headed = len(section.groups) > 1
    lines: list[tuple[int, ScoreGroup, ScoreRow | None]] = []  # a heading, or a row
    for at, group in enumerate(section.groups):
        lines += [(at, group, None)] if headed else []
        lines += [(at, group, row) for row in sort_rows(group.rows, order)]
    rows = [row for _, _, row in lines if row is not None]

    def cells(cell: Callable[[ScoreRow], TableCell]) -> list[TableCell]:
        return [TableCell("") if row is None else cell(row) for _, _, row in lines]

    def figures(figure: Callable[[ScoreRow], str]) -> list[TableCell]:
        """What a row that has answered nothing has no figure of."""
        return cells(lambda row: TableCell(figure(row) if row.samples else ""))

    def glyph(row: ScoreRow) -> TableCell:
        return TableCell(GLYPHS[row.state][0], _STATE_TONES.get(row.state, "accent" if row.state not in ENDED else ""))

    models = [TableCell(_heading(group), "accent") if row is None else _model(row, group) for _, group, row in lines]
    columns = [
        _Figures("state", "", cells(glyph), right=False),
        _Figures("model", "model", models, right=False, most=min(max(width - _BESIDE_MODEL, 8), WIDEST_MODEL)),
        _Figures("score", "score", cells(lambda row: TableCell(score_words(row, rows)))),
    ]
    if len({row.n for row in rows}) > 1:
        columns.append(_Figures("n", "n", cells(lambda row: TableCell(str(row.n)))))
    if any(row.errors for row in rows):
        columns.append(
            _Figures("errors", "errors", cells(lambda row: TableCell(str(row.errors), "bad" * bool(row.errors))))
        )
    columns.extend(_interval_columns(rows, cells))
    if any(len(group.rows) > 1 for group in section.groups):
        versus = cells(lambda row: TableCell(versus_words(row) or _unknown(row), _VERDICT_TONES[row.verdict]))
        columns.append(_Figures("versus", "against the best", versus, right=False))
    columns += [
        _Figures("usd_per_1k", "$/1k", figures(lambda row: format_usd(row.usd_per_1k)), drop=5),
        _Figures("cost", "cost", figures(lambda row: format_usd(row.cost_usd)), drop=6),
        _Figures("p50", "p50", figures(lambda row: _seconds(row.p50_s)), drop=7),
        _Figures("speed", "tok/s", figures(lambda row: format_speed(row.tokens_per_s)), drop=8),
        _Figures(
            "served_by",
            "served by",
            cells(lambda row: TableCell(served_words(row))),
            right=False,
            drop=9,
            most=WIDEST_SERVED_BY,
        ),
    ]
    kept = [column for column in columns if column.key == "state" or any(cell.text for cell in column.cells)]
    return (
        tuple(column.column for column in kept),
        [
            Row(heading_key(at) if row is None else row.cell, tuple(column.cells[line] for column in kept))
            for line, (at, _, row) in enumerate(lines)
        ],
    )


def _interval_columns(
    rows: Sequence[ScoreRow], cells: Callable[[Callable[[ScoreRow], TableCell]], list[TableCell]]
) -> list[_Figures]:
    """The intervals drawn on one scale, whose ends stand in the heading, and in numbers."""
    from ...cli.scoreboard_table import BAR_WIDTH, draw_interval

    ends = [end for row in rows if row.interval for end in (row.interval.low, row.interval.high)]
    if not ends:
        return []
    low, high = min(ends), max(ends)
    title = f"{low:.2f}{'95%':^{BAR_WIDTH - 8}}{high:.2f}"
    drawn = cells(lambda row: TableCell(draw_interval(row, low, high)))
    return [
        _Figures("interval", title, drawn, right=False, drop=4, most=BAR_WIDTH),
        _Figures("ends", "interval", cells(lambda row: TableCell(interval_words(row))), right=False, drop=10),
    ]


def group_words(group: ScoreGroup) -> str:
    """What holds for a whole group: `theory_of_mind · accuracy · 100 samples · graded by gpt-oss-120b:fastest`."""
    rows = group.rows
    parts: list[str | None] = [group.title, group.metric]
    parts.append(number_of(rows[0].n, "sample") if len({row.n for row in rows}) == 1 else None)
    graded = [row for row in rows if row.samples]  # what has answered nothing has not been graded either
    graders = {row.grader for row in graded}
    grader = next(iter(graders)) if len(graders) == 1 else None
    if graded and all(row.self_graded for row in graded):
        parts.append("each model grades itself ⚠" if len(graded) > 1 else "it grades itself ⚠")
    elif any(row.self_graded for row in graded):
        parts.append("some grade themselves ⚠")
    elif grader:
        cost = total_usd(row.grader_cost_usd for row in graded)
        parts.append(f"graded by {grader.removeprefix(HF_PREFIX)} for {cost}")
    return " · ".join(part for part in parts if part)


def grader_words(grader: str | None, self_graded: bool) -> str:
    """Who graded, badged where it is the model under test: the badge of every score."""
    if self_graded:
        return "grades itself ⚠"
    return f"graded by {grader.removeprefix(HF_PREFIX)}" if grader else ""


def section_words(section: Section) -> str:
    """What several groups have in common: sums, and no score of all."""
    rows = [row for group in section.groups for row in group.rows]
    cells, tasks = len(rows), len({group.task for group in section.groups})
    parts = [
        section.title,
        f"{cells} {'cell' if cells == 1 else 'cells'}, {tasks} {'task' if tasks == 1 else 'tasks'}, each by itself",
        f"cost {total_usd(row.cost_usd for row in rows if row.samples)}",
    ]
    return " · ".join(parts)


def total_usd(costs: Iterable[float | None]) -> str:
    """A sum of money; what is unknown is said, not counted as nothing."""
    costs = list(costs)
    known = [cost for cost in costs if cost is not None]
    if len(known) == len(costs):
        return format_usd(sum(known))
    return f"{format_usd(sum(known))} + {UNKNOWN}" if any(known) else UNKNOWN


def row_words(row: ScoreRow) -> list[str]:
    """One row in full: what the table had to leave out."""
    ended = f"{row.samples} of {f'{UNKNOWN} samples' if row.total is None else number_of(row.total, 'sample')}"
    score = f"score {UNKNOWN if row.score is None else f'{row.score:.3f}'}"
    if row.interval:
        score += f", 95% interval {interval_words(row)}"
    errors = f"{row.errors} {'error' if row.errors == 1 else 'errors'}" if row.errors else ""
    first = [row.model.removeprefix(HF_PREFIX), row.state, ended, errors, score, f"n={row.n}"]
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
    from ....evals.results.labels import split_model

    if not row.model.startswith(HF_PREFIX) or not row.samples:
        return ""
    if list(row.served_by) == [split_model(row.model)[1]]:
        return "itself"
    return " ".join(f"{name} {share:.0%}" for name, share in row.served_by.items()) or UNKNOWN


def _model(row: ScoreRow, group: ScoreGroup) -> TableCell:
    mixed = row.self_graded and not all(other.self_graded for other in group.rows if other.samples)
    return TableCell(row.label + (" (grades itself)" if mixed else ""), "warn" if mixed else "")


def _heading(group: ScoreGroup) -> str:
    same = {row.n for row in group.rows}
    return " · ".join(filter(None, (group.task_title, number_of(same.pop(), "sample") if len(same) == 1 else "")))


def _unknown(row: ScoreRow) -> str:
    return UNKNOWN if row.samples else ""


def _seconds(latency_s: float | None) -> str:
    return format_latency(None if latency_s is None else latency_s * 1000)
