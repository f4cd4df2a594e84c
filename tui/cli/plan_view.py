"""A plan on a terminal, as one line and as JSON.

Where the columns do not fit they are left out in this order: tokens, time. A long cell is folded, never cut.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import click
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ...evals.catalog.listings import Price
from ...evals.planning.estimate import PlanTotals, totals
from ...evals.planning.plan import Cell, Plan, Problem, Range
from ...profiles.base.format import UNKNOWN, format_count, number_of
from ...profiles.base.text import clean_line

ERROR_GLYPH = "✗"
WARNING_GLYPH = "⚠"
MIN_CELL_WIDTH = 36
DROPPED = ("tokens", "time")
_STYLES = {"error": "red", "warning": "yellow"}


def print_plan(plan: Plan, console: Console) -> None:
    """Print a plan: a table of its cells, the totals, and what stands in its way.

    Args:
        plan: The plan.
        console: Where to; its width decides the columns.
    """
    if plan.title:
        _print(console, plan.title, "bold")
    if plan.source == "practice":
        _print(console, "practice: the models are simulated, and nothing is paid", "dim")
    if plan.cells:
        console.print(_table(plan, console.width))
        _print(console, totals_line(plan), "bold")
    for problem in plan.problems:
        _print(console, problem_line(problem), _STYLES[problem.severity])


def print_problems(problems: Iterable[Problem]) -> None:
    """Print problems on stderr, one line each."""
    for problem in problems:
        click.echo(problem_line(problem), err=True)


def problem_line(problem: Problem) -> str:
    """`error: [[models]] #2: the router does not list "openai/gpt-oos-20b": did you mean openai/gpt-oss-20b?`."""
    return clean_line(f"{problem.severity}: {problem}")


def totals_line(plan: Plan) -> str:
    """`1 task × 3 models = 3 cells · 300 samples · ≈ $0.04–0.07 · ≈ 1 min · each model grades itself ⚠`."""
    sums = totals(plan)
    samples = _with_unknown(f"{sums.samples:,}", sums.samples, sums.cells_without_samples)
    cost = _with_unknown(format_usd_range(sums.known_cost_usd), sums.known_cost_usd.high, sums.cells_without_cost)
    time = _with_unknown(format_time_range(sums.time_s), sums.time_s is not None, sums.cells_without_time)
    parts = [
        _matrix(plan, sums),
        f"{samples} sample{'' if samples == '1' else 's'}",
        f"cost {cost}" if cost == UNKNOWN else f"≈ {cost}",
        f"time {time}" if time == UNKNOWN else f"≈ {time}",
    ]
    if plan.settings.budget_usd is not None:
        parts.append(f"budget ${_usd(plan.settings.budget_usd)}")
    if plan.settings.bill_to is not None:
        parts.append(f"billed to {plan.settings.bill_to}")
    if plan.cells and (grader := plan.cells[0].grader) is not None:
        parts.append(f"grader {grader.label}" + (f" {WARNING_GLYPH}" if any(c.self_graded for c in plan.cells) else ""))
    elif any(cell.self_graded for cell in plan.cells):
        parts.append(f"each model grades itself {WARNING_GLYPH}")
    return clean_line(" · ".join(parts))


def plan_json(plan: Plan) -> str:
    r"""A plan as one line of JSON.

    The line is `{"event": "plan", "title", "source", "router_url", "hub_url", "settings", "cells", "totals",
    "problems"}`:

    - `settings`: `cells_at_once`, `max_connections`, `retry_on_error`, `budget_usd`, `bill_to`, `credit_patience_s`,
      `hold_above_error_share`;
    - a cell: `cell`, `task`, `task_args`, `endpoint`, `base_url`, `variant`, `generate`, `epochs`, `limit`, `grader`,
      `self_graded`, `pin`, `expected_provider`, `expected_grader_provider`, `price` and `grader_price`
      (`input_usd_per_mtok`, `output_usd_per_mtok`), `samples`, `input_tokens`, `output_tokens`, `cost_usd`, `time_s`;
    - `totals`: `cells`, `samples`, `cells_without_samples`, `known_cost_usd`, `cells_without_cost`, `time_s`,
      `cells_without_time`;
    - a problem: `severity` (`error` or `warning`), `where`, `message`, `remedy`, `cells` (ids; none: the whole plan).

    Estimates are `[low, high]`. Unknown is null.
    """
    sums = totals(plan)
    settings = plan.settings
    record: dict[str, Any] = {
        "event": "plan",
        "title": plan.title,
        "source": plan.source,
        "router_url": plan.router_url,
        "hub_url": plan.hub_url,
        "settings": {
            "cells_at_once": settings.cells_at_once,
            "max_connections": settings.max_connections,
            "retry_on_error": settings.retry_on_error,
            "budget_usd": settings.budget_usd,
            "bill_to": settings.bill_to,
            "credit_patience_s": settings.credit_patience_s,
            "hold_above_error_share": settings.hold_above_error_share,
        },
        "cells": [_cell_json(cell) for cell in plan.cells],
        "totals": {
            "cells": sums.cells,
            "samples": sums.samples,
            "cells_without_samples": sums.cells_without_samples,
            "known_cost_usd": _range_json(sums.known_cost_usd),
            "cells_without_cost": sums.cells_without_cost,
            "time_s": _range_json(sums.time_s),
            "cells_without_time": sums.cells_without_time,
        },
        "problems": [
            {
                "severity": problem.severity,
                "where": problem.where,
                "message": problem.message,
                "remedy": problem.remedy,
                "cells": list(problem.cells),
            }
            for problem in plan.problems
        ],
    }
    return json.dumps(record)


def format_usd_range(usd: Range | None) -> str:
    """Money between two bounds: $0.042–0.071, $1.20–4.00, `?`. What costs anything is never shown as nothing."""
    if usd is None:
        return UNKNOWN
    low, high = _usd(usd.low), _usd(usd.high)
    return f"${low}" if low == high else f"${low}–{high}"


def format_time_range(time_s: Range | None) -> str:
    """A duration between two bounds: 5–12 s, 40 s–3 min, 2 h, `?`."""
    if time_s is None:
        return UNKNOWN
    (low, low_unit), (high, high_unit) = _duration(time_s.low), _duration(time_s.high)
    if low_unit != high_unit:
        return f"{low} {low_unit}–{high} {high_unit}"
    return f"{low} {low_unit}" if low == high else f"{low}–{high} {low_unit}"


def format_count_range(count: Range | None) -> str:
    """A number between two bounds: 12k–48k, `?`."""
    if count is None:
        return UNKNOWN
    low, high = format_count(count.low), format_count(count.high)
    return low if low == high else f"{low}–{high}"


def _usd(usd: float) -> str:
    """Two significant figures below a dollar, cents above, dollars above a hundred."""
    if usd == 0:
        return "0"
    if usd >= 99.995:
        return f"{usd:,.0f}"
    digits = 2 if usd >= 0.0995 else 3 if usd >= 0.00995 else 4 if usd >= 0.000995 else 5
    return f"{max(usd, 0.00001):.{digits}f}"


def _duration(elapsed_s: float) -> tuple[str, str]:
    if elapsed_s < 90:
        return f"{max(elapsed_s, 1):.0f}", "s"
    if elapsed_s < 90 * 60:
        return f"{elapsed_s / 60:.0f}", "min"
    return f"{elapsed_s / 3600:.1f}".removesuffix(".0"), "h"


def _with_unknown(known: str, is_any: object, without: int) -> str:
    """What is known, and that there is more to it where cells are unknown."""
    if not without:
        return known
    return f"{known} + {UNKNOWN}" if is_any else UNKNOWN


def _matrix(plan: Plan, sums: PlanTotals) -> str:
    variants = len({cell.variant for cell in plan.cells})
    factors = [number_of(sums.tasks, "task"), number_of(sums.endpoints, "model")]
    if variants > 1:
        factors.append(number_of(variants, "variant"))
    cells = number_of(sums.cells, "cell")
    if sums.tasks * sums.endpoints * variants == sums.cells:
        return f"{' × '.join(factors)} = {cells}"
    return f"{', '.join(factors)}: {cells}"


def _table(plan: Plan, width: int) -> Table:
    rows = [_row(plan, cell) for cell in plan.cells]
    columns = list(rows[0])
    needed = {name: max(cell_len(name), *(cell_len(row[name]) for row in rows)) for name in columns}
    for name in DROPPED:
        others = sum(needed[column] + 2 for column in columns if column != "cell")
        if others + min(needed["cell"], MIN_CELL_WIDTH) <= width:
            break
        columns.remove(name)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for name in columns:
        if name == "cell":
            table.add_column(name, overflow="fold")
        else:
            table.add_column(name, justify="right" if name else "left", no_wrap=True, min_width=needed[name])
    for row in rows:
        table.add_row(*(Text(row[name]) for name in columns))
    return table


def _row(plan: Plan, cell: Cell) -> dict[str, str]:
    severities = {problem.severity for problem in plan.problems if cell.id in problem.cells}
    estimate = cell.estimate
    tokens = None
    if estimate.input_tokens is not None and estimate.output_tokens is not None:
        tokens = estimate.input_tokens + estimate.output_tokens
    return {
        "": ERROR_GLYPH if "error" in severities else WARNING_GLYPH if severities else "",
        "cell": clean_line(_cell_words(plan, cell)),
        "samples": UNKNOWN if estimate.samples is None else f"{estimate.samples:,}",
        "tokens": format_count_range(tokens),
        "cost": format_usd_range(estimate.cost_usd),
        "time": format_time_range(estimate.time_s),
    }


def _cell_words(plan: Plan, cell: Cell) -> str:
    """`theory_of_mind · gpt-oss-120b:fastest → cerebras (pinned)`; the task only where there are several."""
    words = cell.label
    if len({other.task for other in plan.cells}) == 1:
        words = words.removeprefix(f"{cell.task_label} · ")
    meant = cell.expected_provider
    if meant is not None and meant != cell.endpoint.route:
        words = f"{words} → {meant}"
    return f"{words} (pinned)" if cell.pin else words


def _cell_json(cell: Cell) -> dict[str, Any]:
    estimate = cell.estimate
    return {
        "cell": cell.id,
        "task": cell.task,
        "task_args": dict(cell.task_args),
        "model": cell.endpoint.model,
        "base_url": cell.endpoint.base_url,
        "variant": cell.variant,
        "generate": dict(cell.generate),
        "epochs": cell.epochs,
        "limit": cell.limit,
        "grader": cell.grader.model if cell.grader else None,
        "self_graded": cell.self_graded,
        "pin": cell.pin,
        "expected_provider": cell.expected_provider,
        "expected_grader_provider": cell.expected_grader_provider,
        "price": _price_json(cell.price),
        "grader_price": _price_json(cell.grader_price),
        "samples": estimate.samples,
        "input_tokens": _range_json(estimate.input_tokens),
        "output_tokens": _range_json(estimate.output_tokens),
        "cost_usd": _range_json(estimate.cost_usd),
        "time_s": _range_json(estimate.time_s),
    }


def _price_json(price: Price | None) -> dict[str, float] | None:
    if price is None:
        return None
    return {"input_usd_per_mtok": price.input_usd_per_mtok, "output_usd_per_mtok": price.output_usd_per_mtok}


def _range_json(value: Range | None) -> list[float] | None:
    return None if value is None else [value.low, value.high]


def _print(console: Console, text: str, style: str) -> None:
    console.print(Text(clean_line(text), style=style), soft_wrap=True)
