"""The matrix of a plan: tasks × endpoints, with what was left out of it. One model for the grid and the list. Pure.

A profile cannot leave out one variant of a cell, nor one of two entries of the same task, so what is taken out and put
back is a *spot*: one task with one endpoint, and all the cells that are there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .plan import Cell, Endpoint, Plan, Problem, Range


@dataclass(frozen=True, slots=True)
class MatrixCell:
    """One task with one endpoint. Without cells it was left out."""

    task: str  # as `Cell.task`
    endpoint: Endpoint
    cells: tuple[Cell, ...] = ()

    @property
    def key(self) -> str:
        """Its name among the spots of a plan; stays when the spot is left out and put back."""
        return f"{self.task}\n{row_key(self.endpoint)}"

    @property
    def samples(self) -> int | None:
        """Of all its cells; `None` where that of one is unknown."""
        counts = [cell.estimate.samples for cell in self.cells]
        return None if None in counts else sum(count or 0 for count in counts)

    @property
    def cost_usd(self) -> Range | None:
        """Of all its cells; `None` where that of one is unknown."""
        costs = [cell.estimate.cost_usd for cell in self.cells]
        total = costs[0] if costs else None
        for cost in costs[1:]:
            total = total + cost if total is not None and cost is not None else None
        return total


@dataclass(frozen=True, slots=True)
class Matrix:
    """The tasks and the endpoints of a plan, in its order, and a spot for each pair."""

    tasks: Mapping[str, str]  # by `Cell.task`, the short name
    endpoints: tuple[Endpoint, ...]
    spots: Mapping[str, MatrixCell]  # by key, row by row
    severities: Mapping[str, str]  # by cell id: "error" or "warning"; absent where nothing is amiss
    pinned: frozenset[Endpoint]

    def spot(self, task: str, endpoint: Endpoint) -> MatrixCell:
        """The spot of a task and an endpoint."""
        return self.spots[MatrixCell(task, endpoint).key]

    def severity(self, spot: MatrixCell) -> str:
        """The worst of what is amiss with a spot's cells; empty for nothing."""
        found = {self.severities.get(cell.id, "") for cell in spot.cells}
        return next((severity for severity in ("error", "warning") if severity in found), "")

    def endpoint(self, key: str) -> Endpoint | None:
        """The endpoint of a row."""
        return next((endpoint for endpoint in self.endpoints if row_key(endpoint) == key), None)


EMPTY = Matrix({}, (), {}, {}, frozenset())


def row_key(endpoint: Endpoint) -> str:
    """The name of an endpoint's row."""
    return f"{endpoint.model} {endpoint.base_url or ''}"


def matrix_of(plan: Plan, before: Matrix = EMPTY) -> Matrix:
    """The matrix of a plan; endpoints that were in the one before keep their order, whatever is left out by now."""
    tasks: dict[str, str] = {}
    cells: dict[tuple[str, Endpoint], list[Cell]] = {}
    for cell in plan.cells:
        tasks.setdefault(cell.task, cell.task_label)
        cells.setdefault((cell.task, cell.endpoint), []).append(cell)
    place = {endpoint: number for number, endpoint in enumerate(before.endpoints)}
    met = dict.fromkeys(cell.endpoint for cell in plan.cells)
    endpoints = tuple(sorted(met, key=lambda endpoint: place.get(endpoint, len(place))))
    spots = [
        MatrixCell(task, endpoint, tuple(cells.get((task, endpoint), ()))) for endpoint in endpoints for task in tasks
    ]
    return Matrix(
        tasks,
        endpoints,
        {spot.key: spot for spot in spots},
        _severities(plan.problems),
        frozenset(cell.endpoint for cell in plan.cells if cell.pin),
    )


def _severities(problems: tuple[Problem, ...]) -> Mapping[str, str]:
    worst: dict[str, str] = {}
    for problem in reversed(problems):  # errors come first, so they win
        for cell_id in problem.cells:
            worst[cell_id] = problem.severity
    return worst
