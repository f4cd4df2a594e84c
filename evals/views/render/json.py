"""A scoreboard as JSON.

The shape, which later versions may add to but not change; unknown is null, money is USD, durations are seconds:

    {"format": 1, "title", "run_id", "practice", "cost_usd",
     "group_by", "groups": [{"task", "task_args", "variant", "part", "metric", "summary", "warnings": [text],
       "rows": [{"cell", "model", "label", "state", "score", "stderr", "low", "high", "n", "samples", "total",
         "errors", "verdict", "p_value", "difference", "difference_low", "difference_high", "method", "pairs",
         "cost_usd", "grader_cost_usd", "usd_per_1k", "p50_s", "tokens_per_s", "served_by": {provider: share},
         "self_graded", "grader", "reason", "log", "grader_served_by": {provider: share}, "sample_s"}]}]}

`group_by` is what the rows of a task are divided by ("task": nothing), `part` the model or provider of such a group.
`low` and `high` bound the 95% interval of the score, `difference` is this row minus the best with its own interval,
`p_value` is Holm-adjusted, `practice` is true where the models are simulated,
`pairs` null where two groups were compared, `log` a name in the run directory, `sample_s` the mean time of a sample.
"""

from __future__ import annotations

import json
from typing import Any

from ...results.scoreboard import Scoreboard, ScoreRow
from ...results.statistics import Comparison

FORMAT = 1


def to_json(scoreboard: Scoreboard, **more: Any) -> str:
    """The scoreboard as indented JSON, with a newline at its end. ASCII: other characters are escaped.

    Args:
        scoreboard: The scoreboard.
        **more: Further keys at its top.
    """
    return json.dumps({**record(scoreboard), **more}, indent=2, allow_nan=False, default=str) + "\n"


def record(scoreboard: Scoreboard) -> dict[str, Any]:
    """The scoreboard as plain data."""
    return {
        "format": FORMAT,
        "title": scoreboard.title,
        "run_id": scoreboard.run_id,
        "practice": scoreboard.practice,
        "cost_usd": scoreboard.cost_usd,
        "group_by": scoreboard.group_by,
        "groups": [
            {
                "task": group.task,
                "task_args": dict(group.task_args),
                "variant": group.variant,
                "part": group.part,
                "metric": group.metric,
                "summary": group.summary,
                "warnings": list(group.warnings),
                "rows": [row_record(row) for row in group.rows],
            }
            for group in scoreboard.groups
        ],
    }


def row_record(row: ScoreRow) -> dict[str, Any]:
    """One row as plain data."""
    return {
        "cell": row.cell,
        "model": row.model,
        "label": row.label,
        "state": row.state,
        "score": row.score,
        "stderr": row.stderr,
        "low": row.interval.low if row.interval else None,
        "high": row.interval.high if row.interval else None,
        "n": row.n,
        "samples": row.samples,
        "total": row.total,
        "errors": row.errors,
        "verdict": row.verdict,
        "p_value": row.p_value,
        **difference_record(row.comparison),
        "cost_usd": row.cost_usd,
        "grader_cost_usd": row.grader_cost_usd,
        "usd_per_1k": row.usd_per_1k,
        "p50_s": row.p50_s,
        "tokens_per_s": row.tokens_per_s,
        "served_by": dict(row.served_by),
        "self_graded": row.self_graded,
        "grader": row.grader,
        "reason": row.reason,
        "log": row.log,
        "grader_served_by": dict(row.grader_served_by),
        "sample_s": row.sample_s,
    }


def difference_record(comparison: Comparison | None) -> dict[str, Any]:
    """A difference as plain data: how large it is, its 95% interval, and how it was found."""
    between = comparison.interval if comparison else None
    return {
        "difference": comparison.difference if comparison else None,
        "difference_low": between.low if between else None,
        "difference_high": between.high if between else None,
        "method": comparison.method if comparison else None,
        "pairs": comparison.samples if comparison else None,
    }
