"""What the scoreboard, the sample tables and the charts need of one Inspect log, in columns. Data only.

Columns rather than rows: a hundred thousand samples are read from the disk in a moment, and a table that shows forty
of them makes forty rows.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any, Literal

from .sample_orders import SampleOrder
from .score_data import LogScore, Metric, Missing, SampleKey, ScoreData

LogStatus = Literal["started", "success", "cancelled", "error"]
_ROUNDING = 1e-9
RawScore = bool | int | float | str | None


@dataclass(frozen=True, slots=True)
class SampleRow:
    """One sample in one epoch. Durations in seconds, money in USD."""

    id: int | str
    epoch: int
    score: float | None  # None: not scored, because of an error or by the scorer's own word
    raw_score: RawScore  # as the scorer gave it; what is not a single value is cut JSON
    answer: str | None  # cut
    error: str | None  # its first line
    input_tokens: int  # of the model under test, cached ones included
    output_tokens: int
    cost_usd: float | None  # of the model under test; None: a price is unknown
    grader_tokens: int  # of all other models, input and output
    grader_cost_usd: float | None
    total_time_s: float | None
    working_time_s: float | None  # without the waits for retries and limits
    retries: int  # of the whole sample
    completed: bool


@dataclass(frozen=True, slots=True)
class SampleColumns:
    """All samples of a log, in its order: a column for every field of `SampleRow`, and what is known of all of them."""

    id: Sequence[int | str] = ()
    epoch: Sequence[int] = ()
    score: Sequence[float | None] = ()
    raw_score: Sequence[RawScore] = ()
    answer: Sequence[str | None] = ()
    error: Sequence[str | None] = ()
    input_tokens: Sequence[int] = ()
    output_tokens: Sequence[int] = ()
    cost_usd: Sequence[float | None] = ()
    grader_tokens: Sequence[int] = ()
    grader_cost_usd: Sequence[float | None] = ()
    total_time_s: Sequence[float | None] = ()
    working_time_s: Sequence[float | None] = ()
    retries: Sequence[int] = ()
    completed: Sequence[bool] = ()
    fingerprint: Sequence[int] = ()  # of the input's and the target's text: the same id may stand for another sample
    orders: Mapping[str, SampleOrder] = field(default_factory=dict[str, Any], compare=False)  # of what was kept

    def __len__(self) -> int:
        return len(self.id)

    def row(self, position: int) -> SampleRow:
        """One sample."""
        return SampleRow(*(getattr(self, name)[position] for name in SampleRow.__slots__))

    def __iter__(self) -> Iterator[SampleRow]:
        return map(SampleRow, *(getattr(self, name) for name in SampleRow.__slots__))


@dataclass(frozen=True, slots=True)
class LogIndex:
    """One log: its header's facts and its samples."""

    task: str
    model: str  # the full Inspect model name
    status: LogStatus
    created: str  # ISO 8601
    task_args: Mapping[str, Any] = field(default_factory=dict[str, Any])  # those that were given
    base_url: str | None = None
    generate: Mapping[str, Any] = field(default_factory=dict[str, Any])  # the settings that were given
    epochs: int = 1
    total_samples: int | None = None  # × epochs, as planned
    scorer: str | None = None
    metric: str | None = None  # the headline metric, as the log itself declares it
    score: float | None = None  # its value
    stderr: float | None = None  # its scorer's own
    metrics: Mapping[str, float] = field(default_factory=dict[str, float])  # all of the headline's scorer
    grader: str | None = None  # the model that graded; None: none did, or it is not known which
    self_graded: bool = False  # the model under test graded itself
    cell: str | None = None  # Proctor's cell, where it is one
    practice: bool = False  # its models are simulated
    error: str | None = None  # why the eval failed: the first line
    samples: SampleColumns = SampleColumns()

    @property
    def input_tokens(self) -> int:
        """Of the model under test, over all samples."""
        return sum(self.samples.input_tokens)

    @property
    def output_tokens(self) -> int:
        """Of the model under test, over all samples."""
        return sum(self.samples.output_tokens)

    @property
    def cost_usd(self) -> float | None:
        """Of the model under test, over all samples; `None` where a price is unknown."""
        return _sum(self.samples.cost_usd)

    @property
    def grader_cost_usd(self) -> float | None:
        """Of all other models, over all samples; `None` where a price is unknown."""
        return _sum(self.samples.grader_cost_usd)

    @property
    def errors(self) -> int:
        """Samples, in every epoch, that ended with an error."""
        return sum(error is not None for error in self.samples.error)

    def score_data(self) -> ScoreData:
        """The log's main score, with all samples."""
        columns = self.samples
        metrics = tuple(Metric(name, value) for name, value in self.metrics.items())
        scores = self.scores()
        units = {key: fmean(of) for key, of in scores.items()}
        mean = fmean(units.values()) if units else None
        return ScoreData(
            score=LogScore(self.scorer or "", metrics=metrics),
            metric=self.metric or "",
            value=self.score,
            stderr=self.stderr,
            ids=columns.id,
            contents=columns.fingerprint,
            epochs=columns.epoch,
            values=columns.score,
            missing=[_missing(*one) for one in zip(columns.score, columns.error, columns.completed, strict=True)],
            flaws=[None] * len(columns),
            units=units,
            is_mean=mean is not None and (self.score is None or math.isclose(mean, self.score, abs_tol=_ROUNDING)),
        )

    def scores(self) -> dict[SampleKey, list[float]]:
        """The values of every sample that has one, under a key that tells samples apart by id and content."""
        found: dict[SampleKey, list[float]] = {}
        columns = self.samples
        for name, fingerprint, score in zip(columns.id, columns.fingerprint, columns.score, strict=True):
            if score is not None:
                found.setdefault((str(name), fingerprint), []).append(score)
        return found


def _missing(score: float | None, error: str | None, completed: bool) -> Missing | None:
    if score is not None:
        return None
    return "error" if error else "ungraded" if completed else "cancelled"


def _sum(costs: Sequence[float | None]) -> float | None:
    known = [cost for cost in costs if cost is not None]
    return sum(known) if len(known) == len(costs) else None
