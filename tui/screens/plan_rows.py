"""What the Plan place shows of a plan, as rows and words. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from textual.content import Content

from ..clean import clean_line
from ..cli.plan_view import (
    ERROR_GLYPH,
    WARNING_GLYPH,
    format_time_range,
    format_usd_range,
)
from ..draft_cells import companions
from ..figures import UNKNOWN, format_usd_per_mtok
from ..widgets.line_table import Cell as TableCell
from ..widgets.line_table import Column, Row

if TYPE_CHECKING:
    from ...evals.engine.plan import Cell, Plan
    from ...profiles.files import BrokenProfile, LoadedProfile
    from ..store import State

PLAN_COLUMNS = (
    Column("state", "", 1),
    Column("task", "task", 16),
    Column("target", "target", 0),
    Column("provider", "means now", 12, drop=1),
    Column("samples", "samples", 7, "right", drop=2),
    Column("cost", "cost", 15, "right"),
    Column("time", "time", 11, "right", drop=3),
)
PROFILE_COLUMNS = (
    Column("name", "profile", 24),
    Column("title", "title", 0),
    Column("matrix", "tasks × models", 14, "right", drop=1),
    Column("place", "from", 9),
)
_TONES = {"error": "bad", "warning": "warn"}
_COLOURS = {"error": "$text-error", "warning": "$text-warning"}
_GLYPHS = {"error": ERROR_GLYPH, "warning": WARNING_GLYPH}
_PLACES = {"project": "./profiles", "user": "yours", "shipped": "shipped", "file": "file"}


def plan_rows(plan: Plan) -> list[Row]:
    """A row for each cell."""
    worst: dict[str, str] = {}
    for problem in reversed(plan.problems):  # errors come first, so they win
        for cell_id in problem.cells:
            worst[cell_id] = problem.severity
    return [_plan_row(cell, worst.get(cell.id, "")) for cell in plan.cells]


def _plan_row(cell: Cell, severity: str) -> Row:
    samples = cell.estimate.samples
    meant = "" if cell.target.model is None else cell.expected_provider or UNKNOWN
    target = cell.target.label + (f" · {cell.variant}" if cell.variant else "")
    return Row(
        cell.id,
        (
            TableCell(_GLYPHS.get(severity, ""), _TONES.get(severity, "")),
            TableCell(cell.task_label),
            TableCell(target, _TONES["error"] if severity == "error" else ""),
            TableCell(meant, "dim" if meant == cell.target.route else ""),
            TableCell(UNKNOWN if samples is None else f"{samples:,}"),
            TableCell(format_usd_range(cell.estimate.cost_usd)),
            TableCell(format_time_range(cell.estimate.time_s)),
        ),
    )


def cell_words(plan: Plan, cell: Cell) -> str:
    """What taking a cell out takes out, and its full name and price."""
    together = len(companions(plan, cell))
    everywhere = sum(other.target == cell.target for other in plan.cells)
    parts = ["x takes out " + ("this cell" if together == 1 else f"these {together} cells of one task and target")]
    if everywhere > together:
        parts.append(f"X its target, {everywhere} cells")
    parts.append(cell.target.name)
    if cell.price is not None:
        dollars = (cell.price.input_usd_per_mtok, cell.price.output_usd_per_mtok)
        parts.append(f"${format_usd_per_mtok(dollars[0])} in, ${format_usd_per_mtok(dollars[1])} out per Mtok")
    return clean_line(" · ".join(parts))


def problem_lines(state: State) -> Content:
    """What stands in the way: what could not be had, then errors, then warnings, each with what to do."""
    return Content("\n").join(_problem_lines(state))


def _problem_lines(state: State) -> Iterator[Content]:
    for name in ("endpoints", "catalog", "plan", "profiles"):
        if (error := state.failures.get(name)) is not None:
            yield _problem("error", f"{name}: {error.message}", error.remedy)
    for problem in state.plan.problems if state.plan is not None else ():
        says = ": ".join(part for part in (problem.where, problem.message) if part)
        yield _problem(problem.severity, says, problem.remedy)


def _problem(severity: str, says: str, remedy: str) -> Content:
    words = Content.styled(f"{_GLYPHS[severity]} {clean_line(says)}", _COLOURS[severity])
    return words + Content(f" → {clean_line(remedy)}") if remedy else words


def profile_rows(profiles: Sequence[LoadedProfile | BrokenProfile]) -> tuple[list[Row], dict[str, str]]:
    """A row for each profile by its path, and why those that are broken cannot be opened."""
    rows: list[Row] = []
    refusals: dict[str, str] = {}
    for found in profiles:
        key, place = str(found.path), _PLACES[found.place] + (" (shadowed)" if found.shadowed else "")
        profile = getattr(found, "profile", None)
        if profile is None:
            error = getattr(found, "error")  # noqa: B009 - one of the two
            refusals[key] = str(error)
            cells = (TableCell(f"{ERROR_GLYPH} {found.name}", "bad"), TableCell(str(error), "bad"), TableCell(""))
        else:
            matrix = f"{len(profile.tasks)} × {sum(len(item.target_names) for item in profile.models)}"
            cells = (TableCell(found.name), TableCell(profile.title), TableCell(matrix))
        rows.append(Row(key, (*cells, TableCell(place, "dim" if found.shadowed else ""))))
    return rows, refusals
