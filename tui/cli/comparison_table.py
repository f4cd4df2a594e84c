"""A comparison on a terminal, wide or narrow.

Where the columns do not fit they are left out in this order: tok/s, a sample's time, p50, $/1k, pairs, the interval.
Target, both scores, the difference and what it means always stay.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby

from rich.console import Console

from ...evals.results.compare import ComparedCell, Figure, RunComparison
from ...evals.results.scoreboard import ScoreRow
from ...evals.views.narrative import change_words, side_names, step_words
from ...evals.views.render.comparison import title_words
from ...profiles.base.format import UNKNOWN, format_seconds, format_speed, format_usd
from .output import MODEL, Printer, TableColumn

DROPPED_FIRST = ("tok/s", "a sample", "p50", "$/1k", "pairs", "95% interval")

_STYLES = {"better": "green", "worse": "red", "tied": "", "unknown": "dim"}


def print_comparison(comparison: RunComparison, console: Console) -> None:
    """Print a comparison: a table for every task, then what it says and what to beware of."""
    printer = Printer(console)
    printer.line(title_words(comparison) + (" · practice: simulated models" if comparison.practice else ""), "bold")
    for task, of_task in groupby(comparison.cells, key=lambda cell: cell.task):
        cells = list(of_task)
        printer.line("")
        printer.line(task, "bold")
        printer.table(_columns(printer, comparison, cells), DROPPED_FIRST)
        for cell in cells:
            for when, row in zip(side_names(comparison), (cell.before, cell.after), strict=True):
                if row is not None and row.reason:
                    printer.line(f"{cell.label}, {when}: {row.reason}", "yellow")
    printer.line("")
    printer.says(comparison.summary, comparison.warnings)


def _columns(printer: Printer, comparison: RunComparison, cells: Sequence[ComparedCell]) -> list[TableColumn]:
    before, after = (printer.text(name).plain for name in side_names(comparison))

    def column(name: str, words: Callable[[ComparedCell], str], *, right: bool = True) -> TableColumn:
        return TableColumn(name, [printer.text(words(cell)) for cell in cells], right)

    def steps(name: str, figure: Figure, words: Callable[[float | None], str]) -> TableColumn:
        return column(name, lambda cell: " ".join(step_words(cell, figure, words)))

    changes = [printer.text(change_words(cell) or UNKNOWN, _STYLES[cell.change]) for cell in cells]
    columns = [
        column(MODEL, lambda cell: cell.label, right=False),
        column(before, lambda cell: _score(cell.before)),
        column(after, lambda cell: _score(cell.after)),
        column("difference", lambda cell: f"{cell.comparison.difference:+.3f}" if cell.comparison else ""),
        TableColumn("", changes, right=False),
        column("95% interval", _interval, right=False),
        column("pairs", _pairs),
        steps("$/1k", "usd_per_1k", format_usd),
        steps("p50", "p50_s", format_seconds),
        steps("a sample takes", "sample_s", format_seconds),
        steps("tok/s", "tokens_per_s", format_speed),
    ]
    return [column for column in columns if any(cell.plain for cell in column.cells)]


def _score(row: ScoreRow | None) -> str:
    return "" if row is None else UNKNOWN if row.score is None else f"{row.score:.3f}"


def _interval(cell: ComparedCell) -> str:
    between = cell.comparison.interval if cell.comparison else None
    return "" if between is None else f"{between.low:+.3f} to {between.high:+.3f}"


def _pairs(cell: ComparedCell) -> str:
    return "" if cell.comparison is None or cell.comparison.samples is None else f"{cell.comparison.samples:,}"
