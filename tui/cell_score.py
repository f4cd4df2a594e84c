"""The score of a cell in words, the same wherever a person reads it."""

from __future__ import annotations

from ..evals.engine.status import CellStatus
from .figures import UNKNOWN


def score_words(cell: CellStatus) -> str:
    """`0.80 ±0.08`: the score so far with the half-width of its 95% interval, where the data allow one.

    Empty where nothing is scored yet. While a cell runs, no more is known than a mean and a count. For grades between 0
    and 1 Wilson's interval is then wide enough whatever their spread: right or wrong has the most. At the end the log's
    own standard error counts.
    """
    from ..evals.results.statistics import normal_interval, wilson

    scored = cell.done - cell.errors
    if scored <= 0:
        return ""
    if cell.score is None:
        return UNKNOWN
    interval = None
    if cell.stderr is not None:
        interval = normal_interval(cell.score, cell.stderr)
    if interval is None and 0 <= cell.score <= 1:
        interval = wilson(cell.score * scored, scored)
    words = f"{cell.score:.2f}" if abs(cell.score) < 1000 else f"{cell.score:.3g}"
    return words if interval is None else f"{words} ±{(interval.high - interval.low) / 2:.2f}"
