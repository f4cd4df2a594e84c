"""Two runs side by side as columns and rows of a `LineTable`. No widget in here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len

from ..clean import clean_line
from ..figures import UNKNOWN, format_usd
from .line_table import Cell, Column, Row

if TYPE_CHECKING:
    from ...evals.results.compare import ComparedCell, RunComparison
    from ...evals.results.scoreboard import ScoreRow

_TONES = {"better": "good", "worse": "bad", "tied": "", "unknown": "dim"}
_WIDEST = 40  # of a name
_BESIDE_NAMES = 38  # cells for the difference and what it means


def comparison_table(comparison: RunComparison, width: int = 120) -> tuple[tuple[Column, ...], list[Row]]:
    """The columns, and a row for each cell of either run; names are cut where they leave no room for the figures."""
    cells = comparison.cells
    room = max(width - _BESIDE_NAMES, 16)
    task_most, target_most = min(room // 3, _WIDEST), min(room - room // 3, _WIDEST)
    columns = (
        Column("task", "task", _width("task", [cell.task for cell in cells], task_most)),
        Column("target", "target", _width("target", [cell.label for cell in cells], target_most)),
        Column("before", "before", 6, "right", 4),
        Column("after", "now", 6, "right", 4),
        Column("difference", "difference", 10, "right"),
        Column("change", "", 15),
        Column("interval", "95% interval", 15, "left", 2),
        Column("pairs", "pairs", 6, "right", 1),
        Column("cost", "cost before → now", 19, "right", 3),
    )
    return columns, [_row(at, cell) for at, cell in enumerate(cells)]


def _row(at: int, cell: ComparedCell) -> Row:
    from ...evals.results.sentences import change_words

    comparison, tone = cell.comparison, _TONES[cell.change]
    between = comparison.interval if comparison is not None else None
    cells = (
        Cell(cell.task),
        Cell(cell.label),
        Cell(_score(cell.before)),
        Cell(_score(cell.after)),
        Cell(f"{comparison.difference:+.3f}" if comparison is not None else "", tone),
        Cell(change_words(cell) or UNKNOWN, tone),
        Cell(f"{between.low:+.2f} … {between.high:+.2f}" if between is not None else ""),
        Cell("" if comparison is None or comparison.samples is None else str(comparison.samples)),
        Cell(f"{_cost(cell.before)} → {_cost(cell.after)}"),
    )
    return Row(str(at), cells)


def compared_words(cell: ComparedCell) -> list[str]:
    """How a cell was compared, in full."""
    lines: list[str] = []
    for when, row in (("before", cell.before), ("now", cell.after)):
        if row is not None:
            badge = " · grades itself ⚠" if row.self_graded else f" · graded by {row.grader}" if row.grader else ""
            reason = f" · {row.reason}" if row.reason else ""
            lines.append(f"{when}: {row.state} · score {_score(row)} of {row.n} samples{badge}{reason}")
    comparison = cell.comparison
    if comparison is not None:
        how = f"{comparison.samples} pairs" if comparison.samples is not None else "two groups, not the same samples"
        lines.append(f"compared by {comparison.method} over {how}")
    return lines


def _score(row: ScoreRow | None) -> str:
    return "" if row is None else UNKNOWN if row.score is None else f"{row.score:.3f}"


def _cost(row: ScoreRow | None) -> str:
    return "–" if row is None else format_usd(row.cost_usd)


def _width(title: str, texts: list[str], most: int) -> int:
    return min(max((cell_len(clean_line(text)) for text in [title, *texts]), default=1), most)
