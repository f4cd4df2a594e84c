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
    from ..results.compare import ComparedCell, Figure, RunComparison
    from ..results.scoreboard import ScoreGroup, ScoreRow


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
        said.append(f"No significant difference from {best.label}: {names(tied)}.")
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
    of_what = "samples each" if comparison.samples is None else "samples (same samples for both)"
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
        who = "Each model grades itself" if all_do else f"Self-graded: {names(themselves)}"
        found.append(f"{who}. Scores may be inflated.")
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
    samples = number_of(rows[0].n, "sample") if len({row.n for row in rows}) == 1 else None
    return [part for part in (group.title, group.metric, samples, _graded_by(rows)) if part]


def _graded_by(rows: Sequence[ScoreRow]) -> str:
    """Who graded all rows, and for how much, or who grades itself; what has answered nothing has not been graded."""
    graded = [row for row in rows if row.samples]
    if graded and all(row.self_graded for row in graded):
        return "each model grades itself ⚠" if len(graded) > 1 else "it grades itself ⚠"
    if any(row.self_graded for row in graded):
        return "some grade themselves ⚠"
    graders = {row.grader for row in graded}
    if len(graders) != 1 or not (grader := graders.pop()):
        return ""
    return f"graded by {grader.removeprefix(HF_PREFIX)} for {total_words([row.grader_cost_usd for row in graded])}"


def grader_words(grader: str | None, self_graded: bool) -> str:
    """Who graded, badged where it is the model under test: the badge of every score."""
    if self_graded:
        return "grades itself ⚠"
    return f"graded by {grader.removeprefix(HF_PREFIX)}" if grader else ""


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


def summarise_changes(comparison: RunComparison) -> str:
    """Which cells have really changed, in a sentence or two."""
    if not comparison.shared:
        return "The runs have no cell in common: a cell is the same where its task and its model are."
    tested = [cell for cell in comparison.shared if cell.change != "unknown"]
    if not tested:
        return "No difference can be tested: there are too few samples, or no scores of single ones."
    changed = [cell for cell in tested if cell.change != "tied"]
    if not changed:
        none = "The one difference is not" if len(tested) == 1 else f"None of {len(tested)} differences is"
        return f"{none} significant at 95% after Holm."
    told = few([f"{cell.task} {cell.label} {cell.change}" for cell in changed])
    verb = "is" if len(changed) == 1 else "are"
    of_all = number_of(len(tested), "difference")
    return f"{len(changed)} of {of_all} {verb} significant at 95% after Holm: {told}."


def regressions(comparison: RunComparison) -> tuple[str, ...]:
    """One sentence for each cell of both that has become worse, or may have. What is unknown does not hold."""
    found: list[str] = []
    for cell in comparison.shared:
        if cell.change == "worse" and cell.comparison is not None and cell.before and cell.after:
            found.append(f"{cell.name}: score {cell.after.score:.3f} is worse than {cell.before.score:.3f}")
        elif cell.change == "unknown":
            rows = ((cell.after, "now"), (cell.before, "before"))
            why = next((f"no score {when}" for row, when in rows if row and row.score is None), "it cannot be tested")
            found.append(f"{cell.name}: not known to be no worse: {why}")
    return tuple(found)


def warn_changed(comparison: RunComparison) -> tuple[str, ...]:
    """What makes two sides unlike each other beside what is compared."""
    found: dict[str, list[tuple[str, str]]] = {}
    within = bool(comparison.against)  # cells of one run: other settings may be what is compared

    def note(says: str, cell: ComparedCell, what: str = "") -> None:
        found.setdefault(says, []).append((cell.name, f" ({what})" if what else ""))

    for cell in comparison.shared:
        before, after = cell.before, cell.after
        if before is None or after is None:
            continue
        if cell.simulated_once:
            note("Simulated on one side only, so nothing is said about the model", cell)
        if cell.settings and not within:
            steps = (f"{name} {_step(*values)}" for name, *values in cell.settings)
            note("Other settings than before", cell, ", ".join(steps))
        if before.grader != after.grader and not (before.self_graded and after.self_graded):
            note("Another grader, so the scores are not measured alike", cell, _step(before.grader, after.grader))
        if before.metric and after.metric and before.metric != after.metric:
            note("Another metric, so the scores cannot be compared", cell, _step(before.metric, after.metric))
        servers = [max(row.served_by, key=row.served_by.__getitem__, default="") for row in (before, after)]
        if not within and all(servers) and servers[0] != servers[1]:
            note("Mostly served by another provider than before", cell, _step(*servers))
        tested = cell.comparison
        if tested is not None and tested.samples is None:
            note("Not the same samples, so compared as two groups", cell)
        elif tested is not None and tested.samples != max(before.n, after.n):
            note("Compared on the samples that both have", cell, f"{tested.samples} of {max(before.n, after.n)}")
        if before.state not in ENDED or after.state not in ENDED:
            note("Not done yet", cell)
    return tuple(f"{says}: {_which(told, len(comparison.shared))}." for says, told in found.items())


def _which(told: Sequence[tuple[str, str]], shared: int) -> str:
    """The cells that something is to be said of; all of them in one, where it is the same of all."""
    if len(told) == shared > 1 and len({what for _, what in told}) == 1:
        return f"all cells{told[0][1]}"
    return few([name + what for name, what in told])


def _step(before: object, after: object) -> str:
    return " → ".join("none" if value is None else str(value) for value in (before, after))


def few(told: Sequence[str], most: int = 4) -> str:
    """The first few of many, and how many more there are."""
    return ", ".join(told[:most]) + (f" and {len(told) - most} more" if len(told) > most else "")


def names(rows: Sequence[ScoreRow], most: int = 4) -> str:
    """The labels of rows, the first few of many."""
    return few([row.label for row in rows], most)
