"""A comparison as JSON, CSV and Markdown.

The JSON, which later versions may add to but not change; unknown is null, money is USD, durations are seconds:

    {"format": 1, "before", "after", "against", "summary", "warnings": [text],
     "cells": [{"task", "label", "model", "change", "p_value", "difference", "difference_low", "difference_high",
       "method", "pairs", "cost_usd_ratio", "usd_per_1k_ratio", "p50_s_ratio", "sample_s_ratio", "tokens_per_s_ratio",
       "before": {…}, "after": {…}}]}

`before` and `after` are ids of runs, and within a cell what the rows of a scoreboard hold of it; `against` names the
cell of one run that stands before the others. A difference is after minus before, its `p_value` Holm-adjusted; a
ratio is after divided by before. `pairs` is null where two groups were compared. CSV has the same in columns.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, get_args

from ....profiles.base.format import format_seconds, format_usd
from ...results.compare import ComparedCell, Figure, RunComparison
from ...results.scoreboard import ScoreRow
from ..narrative import change_words, side_names, step_words
from .csv import COLUMNS, csv_text
from .json import FORMAT, difference_record, row_record
from .markdown import escape

FIGURES: tuple[Figure, ...] = get_args(Figure)
SIDES = ("before", "after")

_CELL_COLUMNS = (
    "task",
    "label",
    "model",
    "change",
    "p_value",
    "difference",
    "difference_low",
    "difference_high",
    "method",
    "pairs",
    *(f"{figure}_ratio" for figure in FIGURES),
)
# What a scoreboard's row holds of its group, and of its difference from the best.
_NOT_OF_A_SIDE = frozenset({"task_args", "variant", "part", "verdict", *_CELL_COLUMNS})
_SIDE_COLUMNS = tuple(name for name in COLUMNS if name not in _NOT_OF_A_SIDE)


def to_json(comparison: RunComparison) -> str:
    """The comparison as indented JSON, with a newline at its end. ASCII: other characters are escaped."""
    data = {
        "format": FORMAT,
        "before": comparison.before,
        "after": comparison.after,
        "against": comparison.against or None,
        "summary": comparison.summary,
        "warnings": list(comparison.warnings),
        "cells": [
            {**_record(cell), "before": _side(cell.before), "after": _side(cell.after)} for cell in comparison.cells
        ],
    }
    return json.dumps(data, indent=2, allow_nan=False, default=str) + "\n"


def to_csv(comparison: RunComparison) -> str:
    """The comparison as CSV: a header line, a line per cell; unknown is empty."""
    sides = [f"{name}_{side}" for name in _SIDE_COLUMNS for side in SIDES]
    return csv_text(("run_before", "run_after", *_CELL_COLUMNS, *sides), _lines(comparison))


def _lines(comparison: RunComparison) -> Iterator[dict[str, Any]]:
    for cell in comparison.cells:
        line = {"run_before": comparison.before, "run_after": comparison.after, **_record(cell)}
        for side, row in zip(SIDES, (cell.before, cell.after), strict=True):
            line |= {f"{name}_{side}": value for name, value in (_side(row) or {}).items()}
        yield line


def to_markdown(comparison: RunComparison) -> str:
    """The comparison as Markdown: a heading, a table for every task, what it says. Text from elsewhere is escaped."""
    parts = [f"# {escape(title_words(comparison))}"]
    for task, cells in groupby(comparison.cells, key=lambda cell: cell.task):
        parts += [f"## {escape(task)}", _table(comparison, list(cells))]
    parts.append(escape(comparison.summary))
    if comparison.warnings:
        parts.append("\n".join(f"- {escape(warning)}" for warning in comparison.warnings))
    return "\n\n".join(parts) + "\n"


def title_words(comparison: RunComparison) -> str:
    """What is compared with what."""
    return f"{comparison.after} against {comparison.against or comparison.before}"


def _table(comparison: RunComparison, cells: Sequence[ComparedCell]) -> str:
    before, after = map(escape, side_names(comparison))
    heads = ("model", before, after, "difference", "95% interval", "change", "pairs", "USD/1k", "p50", "sample")
    rules = ("---", *("---:",) * 4, "---", *("---:",) * 4)
    lines = [heads, rules, *(_cells(cell) for cell in cells)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cells(cell: ComparedCell) -> tuple[str, ...]:
    comparison = cell.comparison
    between = comparison.interval if comparison else None
    figures = (
        step_words(cell, "usd_per_1k", format_usd),
        step_words(cell, "p50_s", format_seconds),
        step_words(cell, "sample_s", format_seconds),
    )
    return (
        escape(cell.label),
        *("" if row is None or row.score is None else f"{row.score:.3f}" for row in (cell.before, cell.after)),
        "" if comparison is None else f"{comparison.difference:+.3f}",
        "" if between is None else f"{between.low:+.3f} to {between.high:+.3f}",
        change_words(cell),
        "" if comparison is None or comparison.samples is None else str(comparison.samples),
        *(escape(" ".join(filter(None, words))) for words in figures),
    )


def _record(cell: ComparedCell) -> dict[str, Any]:
    return {
        "task": cell.task,
        "label": cell.label,
        "model": cell.model,
        "change": cell.change,
        "p_value": cell.p_value,
        **difference_record(cell.comparison),
        **{f"{figure}_ratio": cell.ratio(figure) for figure in FIGURES},
    }


def _side(row: ScoreRow | None) -> dict[str, Any] | None:
    return None if row is None else {name: row_record(row)[name] for name in _SIDE_COLUMNS}
