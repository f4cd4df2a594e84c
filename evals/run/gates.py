"""The gates of a profile, held against a run that has ended, and the exit code that follows."""

from __future__ import annotations

from ...profiles.schema import Gates
from .status import CellStatus, RunStatus

GATE_FAILED = 3


def failed_gates(gates: Gates, status: RunStatus) -> tuple[str, ...]:
    """One sentence for each gate that does not hold. What is unknown does not hold."""
    found: list[str] = []
    if gates.min_score is not None:
        for cell in status.cells:
            if cell.score is None:
                found.append(f"{cell.label}: no score, and min_score is {gates.min_score:g}")
            elif cell.score < gates.min_score:
                found.append(f"{cell.label}: score {cell.score:.3f} is below min_score {gates.min_score:g}")
    if gates.max_cost_usd is not None:
        costs = [cell.cost_usd for cell in status.cells]
        known_usd = sum(cell.known_usd for cell in status.cells)
        if known_usd > gates.max_cost_usd:
            found.append(f"cost ${known_usd:.4f} is above max_cost_usd {gates.max_cost_usd:g}")
        elif None in costs:
            found.append(f"cost is unknown for {costs.count(None)} cells, and max_cost_usd is {gates.max_cost_usd:g}")
    if gates.max_errors is not None:
        errors = sum(cell.errors for cell in status.cells)
        if errors > gates.max_errors:
            found.append(f"{errors} samples failed, more than max_errors {gates.max_errors}")
    return tuple(found)


def exit_code(gates: Gates, status: RunStatus) -> int:
    """The exit code of a run that has ended.

    A cell that ended with every sample tried and some in error counts as failed, unless `max_errors` tolerates them.
    """
    failed = failed_gates(gates, status)
    code = status.exit_code if status.exit_code is not None else 1
    if code == 1 and gates.max_errors is not None and all(map(_done_but_for_errors, status.cells)):
        code = 0
    return GATE_FAILED if code == 0 and failed else code


def _done_but_for_errors(cell: CellStatus) -> bool:
    return cell.state == "succeeded" or (
        cell.state == "failed" and cell.total is not None and 0 < cell.errors < cell.done == cell.total
    )
