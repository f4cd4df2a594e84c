"""Reading Inspect logs into `LogIndex`. Runs where Inspect is loaded: in the reader and at the end of a cell."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from zlib import crc32

from inspect_ai._util.constants import LOG_SCHEMA_VERSION
from inspect_ai.log import (
    EvalLog,
    EvalSampleSummary,
    EvalSpec,
    headline_metric,
    read_eval_log,
    read_eval_log_sample_summaries,
)
from inspect_ai.model import ModelUsage
from inspect_ai.scorer import Score, Value

from ....profiles.base.errors import LogError
from .log_index import LogIndex, RawScore, SampleColumns, SampleRow
from .score_values import finite, to_number

GRADER = "grader"
ANSWER_CHARS = 80
ERROR_CHARS = 200
SPREADS = frozenset({"stderr", "std", "var", "bootstrap_stderr"})


def index_log(path: Path) -> LogIndex:
    """Read one log, finished or not.

    Not from inside a running event loop.

    Raises:
        LogError: It is missing, damaged, or written in a newer format.
    """
    location = str(path.absolute())
    if not path.is_file():
        raise LogError(f"the log {path.name} is missing")
    try:
        log = read_eval_log(location, header_only=True)
        if log.version > LOG_SCHEMA_VERSION:
            raise LogError(
                f"the log {path.name} has format {log.version}, newer than {LOG_SCHEMA_VERSION}", "update inspect-ai"
            )
        summaries = read_eval_log_sample_summaries(location)
        return _index(log, summaries)
    except LogError:
        raise
    except Exception as error:  # what a broken archive, broken JSON and an unknown shape raise has no common base
        cause: BaseException = error
        while cause.__cause__ is not None:
            cause = cause.__cause__
        why = first_line(str(cause)) or type(cause).__name__
        if re.fullmatch(r"Unable to read version \d+ of log format\.", why):
            raise LogError(f"the log {path.name} is of a newer format", "update inspect-ai") from error
        raise LogError(
            f"the log {path.name} is damaged ({why})", "`inspect log recover` may save it, if its eval crashed"
        ) from error


def headline(log: EvalLog) -> tuple[str | None, float | None, float | None]:
    """The headline metric: its name, its value, and the standard error where its scorer computes one."""
    found = headline_metric(log)
    if found is None or found.name in SPREADS:
        return None, None, None
    stderr = found.score.metrics.get("stderr")
    return found.name, finite(found.metric.value), None if stderr is None else finite(stderr.value)


def _index(log: EvalLog, summaries: Sequence[EvalSampleSummary]) -> LogIndex:
    spec = log.eval
    epochs = spec.config.epochs or 1
    found = headline_metric(log)
    scored_by = None if found is None else (found.score.scorer, found.score.name)
    metrics = {} if found is None else {name: metric.value for name, metric in found.score.metrics.items()}
    metric, score, stderr = headline(log)
    model_graded = any("model_graded" in scorer.name for scorer in spec.scorers or ())
    graders = _graders(spec, role_used=model_graded or any(GRADER in one.role_usage for one in summaries))
    same = _same_roles(spec)
    rows = [(_row(one, spec.model, same, scored_by), _fingerprint(one)) for one in summaries]
    proctor: Mapping[str, Any] = (spec.metadata or {}).get("proctor") or {}
    sample_ids = spec.dataset.sample_ids
    planned = len(sample_ids) if sample_ids is not None else spec.dataset.samples
    return LogIndex(
        task=spec.task,
        model=spec.model,
        status=log.status,
        created=spec.created,
        task_args=_plain(spec.task_args_passed),
        base_url=spec.model_base_url,
        generate=_plain(spec.model_generate_config.model_dump(exclude_none=True)),
        epochs=epochs,
        total_samples=None if planned is None else planned * epochs,
        scorer=scored_by[0] if scored_by else None,
        metric=metric,
        score=score,
        stderr=stderr,
        metrics={name: float(value) for name, value in metrics.items() if math.isfinite(value)},
        grader=", ".join(graders) or (spec.model if model_graded else None),
        self_graded=spec.model in graders if graders else model_graded,
        cell=proctor.get("cell"),
        practice=proctor.get("source") == "practice",
        error=first_line(log.error.message) if log.error else None,
        samples=_columns(rows),
    )


def _roles(spec: EvalSpec) -> dict[str, list[str]]:
    return {
        role: [one.model for one in (bound if isinstance(bound, list) else [bound])]
        for role, bound in (spec.model_roles or {}).items()
    }


def _graders(spec: EvalSpec, *, role_used: bool) -> list[str]:
    """The models that grade: by the role, where the task makes use of it, or by the scorer's own argument."""
    asked: list[Any] = [*_roles(spec).get(GRADER, [])] if role_used else []
    for scorer in spec.scorers or ():
        model: Any = (scorer.options or {}).get("model")
        asked.extend(model if isinstance(model, list) else [model])  # pyright: ignore[reportUnknownArgumentType]
    return sorted({model for model in asked if isinstance(model, str)})


def costs_of(spec: EvalSpec, samples: Sequence[EvalSampleSummary]) -> list[tuple[float | None, float | None]]:
    """What each sample has cost in USD, by the model under test and by all others; `None`: a price is unknown."""
    same = _same_roles(spec)
    return [(_cost(own), _cost(others)) for own, others in (_usage(one, spec.model, same) for one in samples)]


def _same_roles(spec: EvalSpec) -> list[str]:
    """The roles that the model under test has, too."""
    return [role for role, models in _roles(spec).items() if spec.model in models]


def _columns(rows: list[tuple[SampleRow, int]]) -> SampleColumns:
    names = SampleRow.__slots__
    columns: dict[str, Any] = {name: tuple(getattr(row, name) for row, _ in rows) for name in names}
    return SampleColumns(**columns, fingerprint=tuple(fingerprint for _, fingerprint in rows))


def _row(sample: EvalSampleSummary, model: str, same: list[str], scored_by: tuple[str, str] | None) -> SampleRow:
    score, value = headline_score(sample.scores, scored_by)
    own, others = _usage(sample, model, same)
    return SampleRow(
        id=sample.id,
        epoch=sample.epoch,
        score=None if sample.error else to_number(value),
        raw_score=_raw(value),
        answer=None if score is None or score.answer is None else _cut(score.answer, ANSWER_CHARS),
        error=first_line(sample.error) if sample.error else None,
        input_tokens=_input_tokens(own),
        output_tokens=own.output_tokens,
        cost_usd=_cost(own),
        grader_tokens=_input_tokens(others) + others.output_tokens,
        grader_cost_usd=_cost(others),
        total_time_s=_rounded(sample.total_time),
        working_time_s=_rounded(sample.working_time),
        retries=sample.retries or 0,
        completed=sample.completed,
    )


def headline_score(
    scores: Mapping[str, Score] | None, scored_by: tuple[str, str] | None
) -> tuple[Score | None, Value | None]:
    """The score behind the headline metric, else the first; of a score with several values the one it is about."""
    if not scores:
        return None, None
    scorer, name = scored_by or ("", "")
    score = scores.get(scorer) or scores.get(name) or next(iter(scores.values()))
    value = score.value
    if isinstance(value, Mapping):
        return score, value.get(name, next(iter(value.values()), None))
    return score, value


def _usage(sample: EvalSampleSummary, model: str, same: list[str]) -> tuple[ModelUsage, ModelUsage]:
    """What the model under test used, and what all others did.

    Where the model under test also has a role, usage by model sums both up and usage by role holds the role's.
    Where it grades itself without a role the two cannot be told apart: all of it is its own.
    """
    in_roles = [sample.role_usage[role] for role in same if role in sample.role_usage]
    own = sample.model_usage.get(model, ModelUsage())
    for usage in in_roles:
        own = _less(own, usage)
    others = sum((usage for name, usage in sample.model_usage.items() if name != model), ModelUsage())
    return own, sum(in_roles, others)


def _less(whole: ModelUsage, part: ModelUsage) -> ModelUsage:
    known = whole.total_cost is not None and part.total_cost is not None
    return ModelUsage(
        input_tokens=_input_tokens(whole) - _input_tokens(part),
        output_tokens=whole.output_tokens - part.output_tokens,
        total_cost=(whole.total_cost or 0.0) - (part.total_cost or 0.0) if known else None,
    )


def _input_tokens(usage: ModelUsage) -> int:
    return usage.input_tokens + (usage.input_tokens_cache_read or 0) + (usage.input_tokens_cache_write or 0)


def _cost(usage: ModelUsage) -> float | None:
    """Unknown where tokens were used and no price is known; nothing used costs nothing."""
    if usage.total_cost is not None:
        return round(usage.total_cost, 12)
    return None if _input_tokens(usage) or usage.output_tokens else 0.0


def _fingerprint(sample: EvalSampleSummary) -> int:
    texts = [sample.input] if isinstance(sample.input, str) else [message.text for message in sample.input]
    target = [sample.target] if isinstance(sample.target, str) else sample.target
    return crc32("\0".join([*texts, *target]).encode("utf-8", "replace"))


def _raw(value: object) -> RawScore:
    if isinstance(value, str):
        return _cut(value, ANSWER_CHARS)
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return finite(value)
    return _cut(json.dumps(value, default=str), ANSWER_CHARS)


def _rounded(value_s: float | None) -> float | None:
    return None if value_s is None else round(value_s, 3)


def first_line(text: str) -> str:
    """The first line that says something, cut."""
    return _cut(next((line.strip() for line in text.splitlines() if line.strip()), ""), ERROR_CHARS)


def _cut(text: str, chars: int) -> str:
    return text if len(text) <= chars else text[: chars - 1] + "…"


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """As JSON holds it."""
    return json.loads(json.dumps(values, default=str))
