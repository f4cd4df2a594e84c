"""Two runs side by side as columns and rows of a `LineTable`. No widget in here.

Where the columns do not fit they are left out in this order: pairs, cost, the interval, the scores of both runs, the
difference. Task, model and what the difference means always stay; the names of the first two are cut for the last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len

from ....profiles.base.format import UNKNOWN, format_usd, number_of
from ....profiles.base.text import clean_line
from ....profiles.schema import HF_PREFIX
from ...widgets.table.layout import END, GAP, MARKER
from ...widgets.table.table import Column, Row, TableCell

if TYPE_CHECKING:
    from ....evals.results.compare import ComparedCell, RunComparison
    from ....evals.results.scoreboard import ScoreRow

_TONES = {"better": "good", "worse": "bad", "tied": "", "unknown": "dim"}
_WIDEST = 40  # of a name
_SHORTEST = 5  # a name is not cut further
_DIFFERENCE, _CHANGE = 10, len("better p<0.001")
_BESIDE_NAMES = len(MARKER) + END + 3 * GAP + _DIFFERENCE + _CHANGE  # cells that no name takes


def comparison_table(comparison: RunComparison, width: int = 120) -> tuple[tuple[Column, ...], list[Row]]:
    """The columns, and a row for each cell of either run."""
    cells = comparison.cells
    task = _width("task", [cell.task for cell in cells])
    model = _width("model", [cell.label for cell in cells])
    task, model = _cut_names(task, model, max(width - _BESIDE_NAMES, 3 * _SHORTEST))
    columns = (
        Column("task", "task", task),
        Column("model", "model", model),
        Column("scores", "before → now", len("0.000 → 0.000"), "right", 2),
        Column("difference", "difference", _DIFFERENCE, "right", 1),
        Column("change", "", _CHANGE),
        Column("interval", "95% interval", len("-0.00 … +0.00"), "left", 3),
        Column("pairs", "pairs", 6, "right", 5),
        Column("cost", "cost before → now", 19, "right", 4),
    )
    return columns, [_row(at, cell) for at, cell in enumerate(cells)]


def _cut_names(task: int, model: int, room: int) -> tuple[int, int]:
    """The widths of both names: what is too much goes from the task's, down to a third of the room, which repeats."""
    if task + model > room:
        task = min(task, max(room - model, room // 3))
    return task, min(model, room - task)


def _row(at: int, cell: ComparedCell) -> Row:
    from ....evals.views.narrative import change_words

    comparison, tone = cell.comparison, _TONES[cell.change]
    between = comparison.interval if comparison is not None else None
    cells = (
        TableCell(cell.task),
        TableCell(cell.label),
        TableCell(f"{_score(cell.before)} → {_score(cell.after)}"),
        TableCell(f"{comparison.difference:+.3f}" if comparison is not None else "", tone),
        TableCell(change_words(cell) or UNKNOWN, tone),
        TableCell(f"{between.low:+.2f} … {between.high:+.2f}" if between is not None else ""),
        TableCell("" if comparison is None or comparison.samples is None else str(comparison.samples)),
        TableCell(f"{_cost(cell.before)} → {_cost(cell.after)}"),
    )
    return Row(str(at), cells)


def compared_words(cell: ComparedCell) -> list[str]:
    """A cell in full: its names, both sides, and how they were compared."""
    sides = [(when, row) for when, row in (("before", cell.before), ("now", cell.after)) if row is not None]
    graders = list(dict.fromkeys(_grader_words(row) for _, row in sides))
    lines = [f"{cell.task} · {cell.model.removeprefix(HF_PREFIX)}"]
    for when, row in sides:
        parts = (f"{when}: {row.state}", f"score {_score(row)} of {number_of(row.n, 'sample')}", row.reason or "")
        lines.append(_joined(*parts, _grader_words(row) if len(graders) > 1 else ""))
    comparison = cell.comparison
    how = ""
    if comparison is not None:
        over = f"{comparison.samples} pairs" if comparison.samples is not None else "two groups, not the same samples"
        how = f"compared by {comparison.method} over {over}"
    last = _joined(how, graders[0] if len(graders) == 1 else "")
    return [*lines, last] if last else lines


def _grader_words(row: ScoreRow) -> str:
    if row.self_graded:
        return "grades itself ⚠"
    return f"graded by {row.grader.removeprefix(HF_PREFIX)}" if row.grader else ""


def _joined(*parts: str) -> str:
    return " · ".join(part for part in parts if part)


def _score(row: ScoreRow | None) -> str:
    return "–" if row is None else UNKNOWN if row.score is None else f"{row.score:.3f}"


def _cost(row: ScoreRow | None) -> str:
    return "–" if row is None else format_usd(row.cost_usd)


def _width(title: str, texts: list[str]) -> int:
    return min(max(cell_len(clean_line(text)) for text in [title, *texts]), _WIDEST)
