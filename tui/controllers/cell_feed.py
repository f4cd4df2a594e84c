"""What Live asks the cells of a run: their running samples, those that have ended, one conversation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ...evals.inspect.control_client import CellControls, CellWatch, FinishedSample
    from ...evals.inspect.logs.log_index import LogIndex
    from ..messages import WatchRequested


def ask_cells(
    controls: CellControls, request: WatchRequested, read_log: Callable[[Path], LogIndex | None]
) -> dict[str, Any]:
    """Ask, and return what the store is to hold.

    Args:
        controls: The cells' sockets.
        request: What is looked at.
        read_log: Reads the samples of a cell that has ended; `None` where that cannot be done.
    """
    evals = _evals_by_pid(request.pids) if request.by_eval else {}
    found = controls.watch(request.pids.values(), evals)
    changes: dict[str, Any] = {
        "running": {cell: _of_eval(found[pid], cell) if evals else found[pid] for cell, pid in request.pids.items()}
    }
    if request.finished:
        told = {pid: controls.finished(pid) for pid in found}
        finished = {
            cell: tuple(sample for sample in told[pid] if not evals or sample.eval_id == cell)
            for cell, pid in request.pids.items()
        }
        for cell, log in request.logs.items():
            if (index := read_log(log)) is not None:
                finished[cell] = _of_log(index)
        changes["finished"] = finished
    if request.focus is not None and (conversation := controls.conversation(*request.focus)) is not None:
        changes["conversation"] = conversation
    return changes


def _evals_by_pid(pids: Mapping[str, int]) -> dict[int, tuple[str, ...]]:
    cells: dict[int, list[str]] = {}
    for cell, pid in pids.items():
        cells.setdefault(pid, []).append(cell)
    return {pid: tuple(names) for pid, names in cells.items()}


def _of_eval(watch: CellWatch, cell: str) -> CellWatch:
    return replace(watch, samples=tuple(sample for sample in watch.samples if sample.eval_id == cell))


def _of_log(index: LogIndex) -> tuple[FinishedSample, ...]:
    from ...evals.inspect.control_client import FinishedSample

    return tuple(
        FinishedSample(
            "",
            row.id,
            row.epoch,
            "completed" if row.error is None else "cancelled" if row.error.startswith("CancelledError") else "error",
            "" if row.raw_score is None else str(row.raw_score),
            row.error or "",
        )
        for row in reversed(tuple(index.samples))
    )
