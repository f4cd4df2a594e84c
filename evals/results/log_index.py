"""What the scoreboard, the sample tables and the charts need of one Inspect log, in columns. Data only.

Columns rather than rows: a hundred thousand samples are read from the disk in a moment, and a table that shows forty
of them makes forty rows.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from types import NoneType
from typing import Any, Literal

from .statistics import Scores

LogStatus = Literal["started", "success", "cancelled", "error"]
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
    """All samples of a log, in its order: a column for every field of `SampleRow`."""

    id: tuple[int | str, ...] = ()
    epoch: tuple[int, ...] = ()
    score: tuple[float | None, ...] = ()
    raw_score: tuple[RawScore, ...] = ()
    answer: tuple[str | None, ...] = ()
    error: tuple[str | None, ...] = ()
    input_tokens: tuple[int, ...] = ()
    output_tokens: tuple[int, ...] = ()
    cost_usd: tuple[float | None, ...] = ()
    grader_tokens: tuple[int, ...] = ()
    grader_cost_usd: tuple[float | None, ...] = ()
    total_time_s: tuple[float | None, ...] = ()
    working_time_s: tuple[float | None, ...] = ()
    retries: tuple[int, ...] = ()
    completed: tuple[bool, ...] = ()
    fingerprint: tuple[int, ...] = ()  # of the input's and the target's text: the same id may stand for another sample

    def __len__(self) -> int:
        return len(self.id)

    def row(self, position: int) -> SampleRow:
        """One sample."""
        return SampleRow(*(getattr(self, name)[position] for name in SampleRow.__slots__))

    def __iter__(self) -> Iterator[SampleRow]:
        return map(SampleRow, *(getattr(self, name) for name in SampleRow.__slots__))


_COUNT, _NUMBER, _TEXT = frozenset({int}), frozenset({float, int, NoneType}), frozenset({str, NoneType})
_LOOKED_AT = 400  # values of a column that tell whether it has few different ones
_TYPES: Mapping[str, frozenset[type]] = {
    **dict.fromkeys(("epoch", "input_tokens", "output_tokens", "grader_tokens", "retries", "fingerprint"), _COUNT),
    **dict.fromkeys(("score", "cost_usd", "grader_cost_usd", "total_time_s", "working_time_s"), _NUMBER),
    **dict.fromkeys(("answer", "error"), _TEXT),
    "id": frozenset({int, str}),
    "raw_score": frozenset({bool, int, float, str, NoneType}),
    "completed": frozenset({bool}),
}


def columns_from_lists(lists: dict[str, list[Any]]) -> SampleColumns:
    """Columns out of JSON's lists, which are used up: one after the other, so that both are never there at once.

    Values that come again and again become one object each.

    Raises:
        ValueError: They are no columns of samples.
    """
    columns: dict[str, tuple[Any, ...]] = {}
    length = len(lists.get("id", ()))
    for name, types in _TYPES.items():
        values = lists.pop(name)
        found = set(map(type, values))
        if not found <= types or len(values) != length:
            raise ValueError(f"{name}: no column of samples")
        few = found == {float} and len(set(values[:_LOOKED_AT])) < _LOOKED_AT // 4
        distinct = {value: value for value in values} if few else {}
        columns[name] = tuple([distinct[value] for value in values] if few else values)
    return SampleColumns(**columns)


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
        return len(self.samples) - self.samples.error.count(None)

    def scores(self) -> Scores:
        """The values of every sample that has one, under a key that tells samples apart by id and content."""
        found: dict[Hashable, list[float]] = {}
        columns = self.samples
        for name, fingerprint, score in zip(columns.id, columns.fingerprint, columns.score, strict=True):
            if score is not None:
                found.setdefault((str(name), fingerprint), []).append(score)
        return found


def _sum(costs: tuple[float | None, ...]) -> float | None:
    known = [cost for cost in costs if cost is not None]
    return sum(known) if len(known) == len(costs) else None
