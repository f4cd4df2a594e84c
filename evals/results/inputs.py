"""Bringing together what a scoreboard is made from: the statuses of cells and the indexes of their logs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ...profiles.base.errors import ProctorError
from ..inspect.logs.index_cache import ReadLog, load_index
from ..inspect.logs.log_index import LogIndex, LogStatus
from ..planning.plan import Endpoint
from ..run.status import ENDED, CallStats, CellState, CellStatus, RunStatus

CellResult = tuple[CellStatus, LogIndex | None]

UNREADABLE = "unreadable logs"  # stands for the task of a log that does not say its own
_JSON_LOG = re.compile(r"\d{4}-\d{2}-\d{2}T.*\.json")
_STATES: dict[LogStatus, CellState] = {
    "success": "succeeded",
    "error": "failed",
    "cancelled": "stopped",
    "started": "stopped",
}


def gather_run(run_dir: Path, status: RunStatus, read: ReadLog) -> list[CellResult]:
    """The cells of a run with their logs' indexes, in the plan's order.

    A cell whose log cannot be read has no index, and its `last_error` says why; the others stay.

    Args:
        run_dir: The run directory.
        status: The run.
        read: Reads a log that is not in the cache.
    """
    return [_of_cell(run_dir, cell, read) for cell in status.cells]


def _of_cell(run_dir: Path, cell: CellStatus, read: ReadLog) -> CellResult:
    if cell.log is None:
        return cell, None
    try:
        return cell, load_index(run_dir / cell.log, read)
    except ProctorError as error:
        if cell.state not in ENDED:  # it is being written
            return cell, None
        return replace(cell, last_error="; ".join(filter(None, (cell.last_error, error.message)))), None


def find_logs(folder: Path) -> list[Path]:
    """The Inspect logs right in a folder, the oldest first."""
    found = (path for path in folder.iterdir() if path.suffix == ".eval" or _JSON_LOG.fullmatch(path.name))
    return sorted(found, key=lambda path: path.name)


def gather_logs(logs: Sequence[Path], read: ReadLog) -> list[CellResult]:
    """Logs that belong to no run, as cells; latency, speed and who served are not known of them.

    Args:
        logs: The files.
        read: Reads a log that is not in the cache.
    """
    return [_of_log(path, read) for path in logs]


def _of_log(path: Path, read: ReadLog) -> CellResult:
    try:
        index = load_index(path, read)
    except ProctorError as error:
        unread = CallStats(cost_usd=None)
        status = CellStatus(
            path.name,
            path.name,
            UNREADABLE,
            path.name,
            state="failed",
            model_calls=unread,
            grader_calls=unread,
            last_error=error.message,
            log=path.name,
        )
        return status, None
    return CellStatus(
        id=index.cell or path.stem,
        label=f"{index.task} · {Endpoint(index.model).label}",
        task=index.task,
        model=index.model,
        state=_STATES[index.status],
        done=len(index.samples) or index.done_samples or 0,
        total=index.total_samples,
        errors=index.errors,
        score=index.score,
        stderr=index.stderr,
        metric=index.metric,
        self_graded=index.self_graded,
        model_calls=_model_calls(index),
        grader_calls=CallStats(cost_usd=_others_cost(index)),
        last_error=_why(index),
        log=path.name,
        task_args=index.task_args,
    ), index


def _model_calls(index: LogIndex) -> CallStats:
    speed = index.speed
    return CallStats(
        calls=speed.calls if speed else 0,
        input_tokens=index.input_tokens or 0,
        output_tokens=index.output_tokens or 0,
        cost_usd=index.cost_usd,
        latency_p50_s=speed.p50_s if speed else None,
        latency_p95_s=speed.p95_s if speed else None,
        tokens_per_s=speed.tokens_per_s if speed else None,
    )


def _others_cost(index: LogIndex) -> float | None:
    """Of graders and all other roles."""
    if index.grader_cost_usd is None or index.other_cost_usd is None:
        return None
    return index.grader_cost_usd + index.other_cost_usd


def _why(index: LogIndex) -> str | None:
    if index.status == "started":
        return "its eval crashed, or is still running"
    if index.errors and index.status == "error":
        why = next(error for error in index.samples.error if error)
        return f"{index.errors} of {index.total_samples or len(index.samples)} samples failed: {why}"
    return index.error
