"""The scoreboard: what each cell earned, how sure that is, and which differences are real."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean
from typing import Any, Literal

from ..inspect.logs.log_index import LogIndex
from ..run.status import CellState, CellStatus
from .inputs import CellResult
from .labels import model_of, provider_of, shared_part, short_labels, task_title
from .statistics import CONFIDENCE, Comparison, Interval, Scores, compare, holm, mean_score, normal_interval

Order = Literal["score", "name", "cost", "time", "speed"]
Grouping = Literal["task", "model", "provider"]
Verdict = Literal["best", "tied", "worse", "better", "unknown"]

BEST_SHARE = 0.5  # of the samples that the fullest row has; with fewer a row cannot be the best
_MEAN_TOLERANCE = 1e-6
_PART_OF: Mapping[Grouping, Callable[[str], str]] = {
    "task": lambda model: "",
    "model": model_of,
    "provider": provider_of,
}


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """One cell. Unknown is `None`; money in USD, durations in seconds."""

    cell: str  # its id
    model: str  # the full Inspect model name
    label: str  # short, and unlike every other of its group
    state: CellState
    score: float | None
    metric: str | None
    stderr: float | None
    interval: Interval | None  # of the score, 95%
    n: int  # samples that are scored; an errored one is not
    samples: int  # samples, in every epoch, that ended
    total: int | None  # that were planned
    errors: int  # that ended with an error
    verdict: Verdict  # against the group's best; "better" only where that best has more samples
    p_value: float | None  # Holm-adjusted over the group; None for the best and where it is unknown
    comparison: Comparison | None  # this row minus the best
    cost_usd: float | None  # with the grader
    grader_cost_usd: float | None
    usd_per_1k: float | None  # per 1000 samples that ended, in every epoch, without the grader
    p50_s: float | None  # latency of a call to the model under test
    tokens_per_s: float | None
    served_by: Mapping[str, float]  # provider -> share of the answers
    self_graded: bool
    grader: str | None
    reason: str | None  # why it failed, is held or cannot be read, in one line
    log: str | None
    grader_served_by: Mapping[str, float] = field(default_factory=dict[str, float])  # provider -> share of its answers
    sample_s: float | None = None  # that a sample took with its waits, the mean
    task: str = ""
    task_args: Mapping[str, Any] = field(default_factory=dict[str, Any])
    variant: str = ""
    ungraded: int | None = None  # samples that ended without an error and without a score; None: nobody knows


@dataclass(frozen=True, slots=True)
class ScoreGroup:
    """The rows of one task with one set of arguments and one variant of the generation settings.

    They are compared with each other and with nothing else: scores of different tasks are never put together. Grouped
    by model or provider, the rows of a task are divided once more, and each part has its own best.
    """

    task: str
    task_args: Mapping[str, Any]
    variant: str
    shared: str  # the model or the provider that all rows have in common, so that their labels leave it out
    metric: str | None
    rows: tuple[ScoreRow, ...]
    part: str = ""  # the model or the provider that the rows were divided by; "" where they were not

    @property
    def title(self) -> str:
        """The short name of the task, with what sets this group apart and what its rows share."""
        return " · ".join(filter(None, (self.task_title, self.shared)))

    @property
    def task_title(self) -> str:
        """The short name of the task, with what sets it apart from the same task otherwise."""
        return task_title(self.task, self.task_args, self.variant)


@dataclass(frozen=True, slots=True)
class Scoreboard:
    """All groups of a run, in the order of its plan; those of one model or provider after each other."""

    title: str
    run_id: str | None  # None for logs that belong to no run
    practice: bool  # the models are simulated
    groups: tuple[ScoreGroup, ...]
    group_by: Grouping = "task"

    @property
    def cost_usd(self) -> float | None:
        """Of all cells with their graders; `None` as soon as one is unknown."""
        costs = [row.cost_usd for group in self.groups for row in group.rows]
        known = [cost for cost in costs if cost is not None]
        return sum(known) if len(known) == len(costs) else None


def build_scoreboard(
    title: str,
    run_id: str | None,
    cells: Sequence[CellResult],
    *,
    practice: bool = False,
    order_by: Order = "score",
    group_by: Grouping = "task",
) -> Scoreboard:
    """Make the scoreboard of cells.

    Args:
        title: What the run is called.
        run_id: Which run it is, if any.
        cells: Each cell's status, and its log's index where there is one.
        practice: Whether the models are simulated, as far as the run says; a log may say so too.
        order_by: What the rows of a group are sorted by: the best score, the name, the least money per sample, the
            shortest latency, the most tokens per second. Unknown comes last, then the name decides.
        group_by: What the rows of a task are divided by: nothing, their model, or their provider.
    """
    part_of = _PART_OF[group_by]
    parts: dict[str, dict[tuple[str, str, str], list[CellResult]]] = {}
    for status, index in cells:
        args = json.dumps(status.task_args, sort_keys=True, default=str)
        groups = parts.setdefault(part_of(status.model), {})
        groups.setdefault((status.task, args, status.variant), []).append((status, index))
    practice = practice or any(index is not None and index.practice for _, index in cells)
    made = (_group(members, order_by, part) for part, groups in parts.items() for members in groups.values())
    return Scoreboard(title, run_id, practice, tuple(made), group_by)


def order_rows(rows: Sequence[ScoreRow], order_by: Order) -> tuple[ScoreRow, ...]:
    """The rows of a group in another order; what is unknown comes last, then the name decides."""
    return tuple(sorted(rows, key=lambda row: _place(row, order_by)))


def _group(members: Sequence[CellResult], order_by: Order, part: str) -> ScoreGroup:
    first = members[0][0]
    models = [status.model for status, _ in members]
    rows: list[ScoreRow] = []
    samples: dict[str, Scores] = {}
    for (status, index), label in zip(members, short_labels(models), strict=True):
        samples[label] = comparable_scores(index)
        rows.append(cell_row(status, index, label, samples[label]))
    best = _best(rows, samples)
    rows = _judged(rows, samples, best)
    metrics = {row.metric for row in rows if row.metric}
    return ScoreGroup(
        task=first.task,
        task_args=first.task_args,
        variant=first.variant,
        shared=shared_part(models),
        metric=metrics.pop() if len(metrics) == 1 else None,
        rows=order_rows(rows, order_by),
        part=part,
    )


def comparable_scores(index: LogIndex | None) -> Scores:
    """The scores of the samples, where the log's headline metric is their mean; else nothing can be said from them."""
    if index is None:
        return {}
    scores = index.scores()
    if not scores or index.score is None:
        return scores
    mean = mean_score(scores).value
    return scores if mean is not None and math.isclose(mean, index.score, abs_tol=_MEAN_TOLERANCE) else {}


def cell_row(status: CellStatus, index: LogIndex | None, label: str, scores: Scores) -> ScoreRow:
    """The row of one cell by itself, not yet compared with any other.

    Args:
        status: The cell.
        index: Its log's index, where there is one.
        label: What it is called.
        scores: Its `comparable_scores`.
    """
    mean = mean_score(scores) if scores else None
    score = mean.value if mean else index.score if index and index.score is not None else status.score
    stderr = mean.stderr if mean else index.stderr if index and index.score is not None else status.stderr
    n = mean.samples if mean else max(0, status.done - status.errors)
    model_usd = status.model_calls.cost_usd
    return ScoreRow(
        cell=status.id,
        model=status.model,
        label=label,
        state=status.state,
        score=score,
        metric=index.metric if index and index.metric else status.metric,
        stderr=stderr,
        interval=mean.interval if mean else normal_interval(score, stderr),
        n=n,
        samples=status.done,
        total=status.total,
        errors=status.errors,
        verdict="unknown",
        p_value=None,
        comparison=None,
        cost_usd=status.cost_usd,
        grader_cost_usd=status.grader_calls.cost_usd,
        usd_per_1k=None if model_usd is None or not status.done else model_usd / status.done * 1000,
        p50_s=status.model_calls.latency_p50_s,
        tokens_per_s=status.model_calls.tokens_per_s,
        served_by=_shares(status.served_by),
        self_graded=status.self_graded,
        grader=index.grader if index else None,
        reason=None if status.state == "succeeded" and index is not None else status.last_error,
        log=status.log,
        grader_served_by=_shares(status.grader_served_by),
        sample_s=_mean(index.samples.total_time_s) if index else None,
        task=status.task,
        task_args=status.task_args,
        variant=status.variant,
        ungraded=_ungraded(index) if index else None,
    )


def _mean(times_s: Sequence[float | None]) -> float | None:
    known = [time_s for time_s in times_s if time_s is not None]
    return fmean(known) if known else None


def _ungraded(index: LogIndex) -> int:
    samples = index.samples
    return sum(score is None and error is None for score, error in zip(samples.score, samples.error, strict=True))


def _shares(counts: Mapping[str, int]) -> dict[str, float]:
    answers = sum(counts.values())
    return {name: count / answers for name, count in sorted(counts.items(), key=lambda kv: -kv[1])}


def _best(rows: Sequence[ScoreRow], samples: Mapping[str, Scores]) -> ScoreRow | None:
    """The highest score among the rows that the others can be compared with, or among all where none can."""
    able = [row for row in rows if samples[row.label]] or [row for row in rows if row.score is not None]
    fullest = max((row.n for row in able), default=0)
    full = [row for row in able if 0 < row.n >= fullest * BEST_SHARE]
    return min(full, key=lambda row: _place(row, "score"), default=None)


def _judged(rows: Sequence[ScoreRow], samples: Mapping[str, Scores], best: ScoreRow | None) -> list[ScoreRow]:
    """The rows with their verdicts against the best: a family of comparisons, held together by Holm."""
    if best is None:
        return list(rows)
    found = {row.label: compare(samples[row.label], samples[best.label]) for row in rows if row is not best}
    p_values = {label: one.p_value for label, one in found.items() if one is not None and one.p_value is not None}
    adjusted = dict(zip(p_values, holm(list(p_values.values())), strict=True))
    judged: list[ScoreRow] = []
    for row in rows:
        comparison, p_value = found.get(row.label), adjusted.get(row.label)
        verdict: Verdict = "unknown"
        if row is best:
            verdict = "best"
        elif comparison is not None and p_value is not None:
            real = p_value < 1 - CONFIDENCE
            verdict = "tied" if not real else "worse" if comparison.difference < 0 else "better"
        judged.append(replace(row, verdict=verdict, p_value=p_value, comparison=comparison))
    return judged


def _place(row: ScoreRow, order_by: Order) -> tuple[bool, float, str]:
    figure = {
        "score": None if row.score is None else -row.score,
        "name": 0.0,
        "cost": row.usd_per_1k,
        "time": row.p50_s,
        "speed": None if row.tokens_per_s is None else -row.tokens_per_s,
    }[order_by]
    return figure is None, figure or 0.0, row.label
