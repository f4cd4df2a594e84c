"""A scoreboard as CSV (RFC 4180, but for its plain line ends): a header line, a line per cell; unknown is empty.

The columns are the fields of the JSON's rows after those of their group; `task_args` and `served_by` are JSON. A text
that a spreadsheet would take for a formula, since it begins with = + - @ or a control character, is preceded by an
apostrophe; numbers are not touched, nor is text that is one.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ...results.scoreboard import Scoreboard
from .json import row_record

COLUMNS: tuple[str, ...] = (
    "task",
    "task_args",
    "variant",
    "part",
    "cell",
    "model",
    "label",
    "state",
    "score",
    "stderr",
    "low",
    "high",
    "n",
    "samples",
    "total",
    "errors",
    "verdict",
    "p_value",
    "difference",
    "difference_low",
    "difference_high",
    "method",
    "pairs",
    "cost_usd",
    "grader_cost_usd",
    "usd_per_1k",
    "p50_s",
    "tokens_per_s",
    "served_by",
    "self_graded",
    "grader",
    "reason",
    "log",
    "grader_served_by",
    "sample_s",
)
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def to_csv(scoreboard: Scoreboard) -> str:
    """The scoreboard as CSV."""
    return csv_text(COLUMNS, _lines(scoreboard))


def _lines(scoreboard: Scoreboard) -> Iterator[dict[str, Any]]:
    for group in scoreboard.groups:
        of_group = {
            "task": group.task,
            "task_args": dict(group.task_args),
            "variant": group.variant,
            "part": group.part,
        }
        for row in group.rows:
            yield of_group | row_record(row)


def csv_text(columns: Sequence[str], lines: Iterable[Mapping[str, Any]]) -> str:
    """A header line and a line for each record; a column that a record lacks is empty."""
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, lineterminator="\n")
    writer.writeheader()
    for line in lines:
        writer.writerow({name: plain_cell(value) for name, value in line.items()})
    return out.getvalue()


def plain_cell(value: object) -> object:
    """A value as CSV holds it: no formula, objects as JSON."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return json.dumps(value, default=str) if value else ""
    if isinstance(value, str) and value.startswith(_FORMULA) and not _NUMBER.fullmatch(value):
        return "'" + value
    return value
