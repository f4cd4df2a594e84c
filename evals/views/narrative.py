"""What a group of rows, or a comparison, says in plain sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from ...profiles.base.format import UNKNOWN, format_usd, number_of
from ...profiles.schema import HF_PREFIX
from ..results.labels import split_model
from ..results.statistics import samples_needed
from ..run.status import ENDED

if TYPE_CHECKING:
    from ..inspect.logs.log_index import LogIndex
    from ..results.compare import ComparedCell, Figure, RunComparison
    from ..results.scoreboard import ScoreGroup, ScoreRow

_PATIENCE = frozenset(
    {"timeout", "attempt_timeout", "stream_idle_timeout", "max_retries", "max_connections", "adaptive_connections"}
)


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


def head_words(group: ScoreGroup) -> list[str]:
    """What a group is, and what holds for all of its rows: task, metric, samples, grader."""
    rows = group.rows
    graders = {row.grader for row in rows}
    grader = next(iter(graders)) if len(graders) == 1 and not rows[0].self_graded else None
    parts = (
        group.title,
        group.metric,
        number_of(rows[0].n, "sample") if len({row.n for row in rows}) == 1 else None,
        f"graded by {grader.removeprefix(HF_PREFIX)}" if grader else None,
    )
    return [part for part in parts if part]


def grading_words(rows: Sequence[ScoreRow]) -> Iterator[str]:
    """What each grader cost of the total, and who served it where that was not one provider."""
    for grader in dict.fromkeys(row.grader for row in rows if row.grader and not row.self_graded):
        graded = [row for row in rows if row.grader == grader and not row.self_graded]
        costs = total_words([row.grader_cost_usd for row in graded])
        words = f"of it for grading by {grader.removeprefix(HF_PREFIX)} · {costs}"
        servers = list(dict.fromkeys(name for row in graded for name in row.grader_served_by))
        named = split_model(grader)[1]
        yield words + (f" · served by {', '.join(servers)}" if servers and servers != [named] else "")
    if themselves := [row.grader_cost_usd for row in rows if row.self_graded]:
        yield f"of it for grading themselves · {total_words(themselves)}"


def total_words(costs: Sequence[float | None]) -> str:
    """A sum of money; `$1.20 + ?` where some of it is unknown."""
    known = [cost for cost in costs if cost is not None]
    if len(known) == len(costs):
        return format_usd(sum(known))
    return f"{format_usd(sum(known))} + {UNKNOWN}" if any(known) else UNKNOWN


def versus_words(row: ScoreRow) -> str:
    """`best`, `tied p=0.79`, `worse p=0.003`; nothing where it is unknown."""
    if row.verdict == "unknown":
        return ""
    return row.verdict if row.p_value is None else f"{row.verdict} {p_words(row.p_value)}"


def p_words(p_value: float) -> str:
    """`p=0.79`, `p=0.003`, `p<0.001`."""
    return "p<0.001" if p_value < 0.001 else f"p={p_value:.{2 if p_value >= 0.1 else 3}f}"


def change_words(cell: ComparedCell) -> str:
    """What has become of a cell: `tied p=0.79`, `only before`; nothing where it is unknown."""
    if cell.before is None or cell.after is None:
        return "only now" if cell.before is None else "only before"
    return "" if cell.p_value is None else f"{cell.change} {p_words(cell.p_value)}"


def side_names(comparison: RunComparison) -> tuple[str, str]:
    """What the two sides are called over a column: before and now, or the cell that the others are held against."""
    return (comparison.against, "score") if comparison.against else ("before", "now")


def step_words(cell: ComparedCell, figure: Figure, words: Callable[[float | None], str]) -> tuple[str, str]:
    """How a figure has changed, and by how much of what it was: `$0.310 → $0.155` and `-50%`; nothing where unknown.

    Args:
        cell: The cell.
        figure: Which figure.
        words: How it is written.
    """
    rows = (cell.before, cell.after)
    sides = [getattr(row, figure) if row is not None and row.samples else None for row in rows]
    if sides == [None, None]:
        return "", ""
    step = " → ".join("–" if row is None else words(value) for row, value in zip(rows, sides, strict=True))
    ratio = cell.ratio(figure)
    if ratio is None or round(ratio, 2) == 1:
        return step, ""
    return step, f"×{ratio:.0f}" if ratio >= 10 else f"{ratio - 1:+.0%}"


def warn_changed(
    cells: Sequence[ComparedCell], indexes: Sequence[Sequence[LogIndex | None]], *, within: bool
) -> tuple[str, ...]:
    """What makes two sides unlike each other beside what is compared.

    Args:
        cells: What is compared.
        indexes: Of each cell the indexes of its two logs.
        within: They are the cells of one run, held against one of them: other settings may be what is compared.
    """
    found: dict[str, list[tuple[str, str]]] = {}

    def note(says: str, cell: ComparedCell, what: str = "") -> None:
        found.setdefault(says, []).append((cell.name, f" ({what})" if what else ""))

    for cell, (old, new) in zip(cells, indexes, strict=True):
        before, after = cell.before, cell.after
        if before is None or after is None:
            continue
        if old is not None and new is not None:
            if old.practice != new.practice:
                note("Simulated on one side only, so nothing is said about the model", cell)
            if not within and (settings := _changed_settings(old, new)):
                note("Other settings than before", cell, settings)
        if before.grader != after.grader and not (before.self_graded and after.self_graded):
            note("Another grader, so the scores are not measured alike", cell, _step(before.grader, after.grader))
        if before.metric and after.metric and before.metric != after.metric:
            note("Another metric, so the scores cannot be compared", cell, _step(before.metric, after.metric))
        servers = [max(row.served_by, key=row.served_by.__getitem__, default="") for row in (before, after)]
        if not within and all(servers) and servers[0] != servers[1]:
            note("Mostly served by another provider than before", cell, _step(*servers))
        comparison = cell.comparison
        if comparison is not None and comparison.samples is None:
            note("Not the same samples, so compared as two groups", cell)
        elif comparison is not None and comparison.samples != max(before.n, after.n):
            note("Compared on the samples that both have", cell, f"{comparison.samples} of {max(before.n, after.n)}")
        if before.state not in ENDED or after.state not in ENDED:
            note("Not done yet", cell)
    shared = sum(cell.before is not None and cell.after is not None for cell in cells)
    return tuple(f"{says}: {_which(told, shared)}." for says, told in found.items())


def _which(told: Sequence[tuple[str, str]], shared: int) -> str:
    """The cells that something is to be said of; all of them in one, where it is the same of all."""
    if len(told) == shared > 1 and len({what for _, what in told}) == 1:
        return f"all cells{told[0][1]}"
    return few([name + what for name, what in told])


def _changed_settings(old: LogIndex, new: LogIndex) -> str:
    """`temperature 0.0 → 0.7`: what may change answers; how long one waits for them does not."""
    sides = [{**index.generate, "epochs": index.epochs} for index in (old, new)]
    names = [name for name in dict.fromkeys([*sides[0], *sides[1]]) if name not in _PATIENCE]
    changed = [name for name in names if sides[0].get(name) != sides[1].get(name)]
    return ", ".join(f"{name} {_step(sides[0].get(name), sides[1].get(name))}" for name in changed)


def _step(before: object, after: object) -> str:
    return " → ".join("none" if value is None else str(value) for value in (before, after))


def few(told: Sequence[str], most: int = 4) -> str:
    """The first few of many, and how many more there are."""
    return ", ".join(told[:most]) + (f" and {len(told) - most} more" if len(told) > most else "")


def names(rows: Sequence[ScoreRow], most: int = 4) -> str:
    """The labels of rows, the first few of many."""
    return few([row.label for row in rows], most)
