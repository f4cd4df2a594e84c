"""What a group of rows says, in plain sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..engine.status import ENDED
from .statistics import samples_needed

if TYPE_CHECKING:
    from .scoreboard import ScoreRow


def summarise(rows: Sequence[ScoreRow]) -> str:
    """Which differences from the best are real, and what it would take to show the widest one that is not."""
    best = next((row for row in rows if row.verdict == "best"), None)
    others = sorted(
        (row for row in rows if row.score is not None and row is not best), key=lambda row: row.score or 0.0
    )
    if best is None or not others:
        return ""
    tied = [row for row in others if row.verdict == "tied"]
    worse = [row for row in reversed(others) if row.verdict == "worse"]
    better = [row for row in others if row.verdict == "better"]
    said: list[str] = []
    if worse:
        said.append(f"Worse than {best.label} at 95% after Holm: {names(worse)}.")
    if better:
        said.append(f"Better than {best.label} at 95% after Holm, on fewer samples: {names(better)}.")
    if tied and not (worse or better):
        said.append("No difference here is significant at 95% after Holm.")
    elif tied:
        said.append(f"Not to be told from it: {names(tied)}.")
    if not said:
        return "No difference can be tested here: there are too few samples, or no scores of single ones."
    needed = next((words for row in tied if (words := _to_separate(best, row))), None)
    return " ".join([*said, needed] if needed else said)


def _to_separate(best: ScoreRow, row: ScoreRow) -> str | None:
    comparison = row.comparison
    if comparison is None or comparison.variance is None or best.score is None or row.score is None:
        return None
    count = samples_needed(comparison.difference, comparison.variance)
    if count is None:
        return None
    digits = next(d for d in range(2, 17) if d == 16 or f"{best.score:.{d}f}" != f"{row.score:.{d}f}")
    of_what = "each" if comparison.samples is None else "samples, the same for both"
    return (
        f"To separate {best.score:.{digits}f} from {row.score:.{digits}f} (80% power): "
        f"≈ {_round_count(count)} {of_what}."
    )


def _round_count(count: int) -> str:
    """Three significant figures, thousands set apart by a space."""
    return f"{round(count, 3 - len(str(count))) if count >= 1000 else count:,}".replace(",", " ")


def warn(rows: Sequence[ScoreRow]) -> tuple[str, ...]:
    """What a reader of the scores has to know before believing them."""
    found: list[str] = []
    themselves = [row for row in rows if row.self_graded]
    if themselves:
        all_do = len(themselves) == len(rows) > 1
        who = "Each model grades itself" if all_do else f"Graded by itself: {names(themselves)}"
        found.append(f"{who}; that may flatter it.")
    graders = sorted({row.grader for row in rows if row.grader})
    if len(graders) > 1 and len(themselves) < len(rows):
        found.append(f"The graders differ, so the scores are not measured alike: {', '.join(graders)}.")
    metrics = sorted({row.metric for row in rows if row.metric})
    if len(metrics) > 1:
        found.append(f"The metrics differ, so the scores cannot be compared: {', '.join(metrics)}.")
    best = next((row for row in rows if row.verdict == "best"), None)
    compared = [row for row in rows if row.comparison is not None]
    apart = [row for row in compared if row.comparison and row.comparison.samples is None]
    if best and apart:
        found.append(f"Not the samples of {best.label}, so compared as two groups: {names(apart)}.")
    partly = [row for row in compared if row.comparison and row.comparison.samples not in (None, row.n)]
    fewer = [row for row in compared if row.comparison and best and row.comparison.samples == row.n < best.n]
    if best and (partly or fewer):
        found.append(
            f"Not all the samples of {best.label}, so compared on those that both have: {names([*partly, *fewer])}."
        )
    if running := [row for row in rows if row.state not in ENDED]:
        found.append(f"Not done yet: {names(running)}.")
    return tuple(found)


def versus_words(row: ScoreRow) -> str:
    """`best`, `tied p=0.79`, `worse p=0.003`; nothing where it is unknown."""
    if row.verdict == "unknown":
        return ""
    if row.p_value is None:
        return row.verdict
    p_value = "p<0.001" if row.p_value < 0.001 else f"p={row.p_value:.{2 if row.p_value >= 0.1 else 3}f}"
    return f"{row.verdict} {p_value}"


def names(rows: Sequence[ScoreRow], most: int = 4) -> str:
    """The labels of rows, the first few of many."""
    more = f" and {len(rows) - most} more" if len(rows) > most else ""
    return ", ".join(row.label for row in rows[:most]) + more
