"""What a run has spent and is bound to spend."""

from __future__ import annotations

from collections.abc import Iterable

from ...planning.plan import Cell
from ..status import CellStatus


def committed_usd(cells: Iterable[tuple[CellStatus, Cell]]) -> float:
    """The money that is spent, and that the samples in flight will have cost, in USD.

    A sample in flight is taken to cost what the cell's finished ones did on average, before the first of them the
    low end of its estimate: the high end would hold a run that is well within its budget. Calls of unknown price are
    not in it: a budget cannot see them, which the plan says.
    """
    total_usd = 0.0
    for status, cell in cells:
        spent_usd = status.known_usd
        total_usd += spent_usd
        if status.in_flight:
            total_usd += status.in_flight * _sample_usd(status, cell, spent_usd)
    return total_usd


def _sample_usd(status: CellStatus, cell: Cell, spent_usd: float) -> float:
    if status.done:
        return spent_usd / status.done
    estimate = cell.estimate
    return estimate.cost_usd.low / estimate.samples if estimate.cost_usd and estimate.samples else 0.0
