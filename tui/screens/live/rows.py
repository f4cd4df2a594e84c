"""What Live shows of cells, line by line. Pure functions of the status and the time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from rich.cells import cell_len

from ....evals.run.status import ENDED, CellStatus, RunStatus
from ....evals.views.run_states import score_words, summary, told_tokens
from ....profiles.base.format import UNKNOWN, format_latency, format_speed, format_usd
from ....profiles.base.text import clean_line
from ...widgets.state_cell import state_cell
from ...widgets.table.table import Column, Row, TableCell

if TYPE_CHECKING:
    from ....evals.inspect.control_client import CellWatch
    from ....evals.run.commands import OrderKind
    from ....evals.run.run_list import KnownRun
    from ....profiles.base.errors import ProctorError

CELL_COLUMNS = (
    Column("state", "", 1),
    Column("cell", "provider · model", 0),
    Column("done", "done", 15),
    Column("score", "score ±95%", 11, "right"),
    Column("speed", "tok/s", 5, "right", drop=3),
    Column("p50", "p50", 5, "right", drop=4),
    Column("p95", "p95", 5, "right", drop=5),
    Column("cost", "cost", 8, "right", drop=1),
    Column("notes", "", 22, drop=2),
)
_AGAIN = {"held": "resumes", "failed": "tries again", "stopped": "goes on"}
_BAR = 6
_LABEL_WITH_TASK = 34  # what a terminal of 80 columns has beside progress, score and cost
_JOINT = " · "


def head_line(run: KnownRun, failure: ProctorError | None, now_s: float, width: int) -> str:
    """The run in a line: its title is cut before its figures are."""
    status = run.status
    name = clean_line(status.title or status.run_id)
    if (task := shared_task(status.cells)) and task != name:
        name += f" · {clean_line(task)}"
    figures = summary(status, now_s)
    if run.is_foreign:
        figures = f"not Proctor's: process {status.run_id.rpartition('-')[2]} · {figures}"
    elif status.source == "practice":
        figures += " · practice"
    if failure is not None:
        figures = f"{failure} · {figures}"
    if status.exit_code is not None and not run.is_foreign:
        figures += " · enter: results"
    return f"{clean_line(name, max(width - cell_len(figures) - 5, 8))} · {clean_line(figures)}"


def cell_columns(status: RunStatus) -> tuple[Column, ...]:
    """The columns of the cells: with several tasks, latencies go before the end of the label, which is the task."""
    if shared_task(status.cells):
        return CELL_COLUMNS
    return tuple(replace(column, least=_LABEL_WITH_TASK) if not column.width else column for column in CELL_COLUMNS)


def cell_rows(status: RunStatus, running: Mapping[str, CellWatch], now_s: float) -> list[Row]:
    """The cells in the order of the plan; the task stands in the label only where there are several."""
    with_task = not shared_task(status.cells)
    return [
        _cell_row(cell, model_words(cell, with_task=with_task), running.get(cell.id), now_s) for cell in status.cells
    ]


def shared_task(cells: Sequence[CellStatus]) -> str:
    """The short name of the one task that all cells have; empty where there are several."""
    tasks = {cell.label.partition(_JOINT)[0] for cell in cells}
    return tasks.pop() if len(tasks) == 1 else ""


def _cell_row(cell: CellStatus, label: str, watch: CellWatch | None, now_s: float) -> Row:
    called = cell.has_called
    return Row(
        cell.id,
        (
            state_cell(cell.state, word=False),
            TableCell(label),
            TableCell(progress(cell.done, cell.total) if cell.done or cell.state != "waiting" else ""),
            TableCell(score_words(cell)),
            TableCell(format_speed(cell.model_calls.tokens_per_s) if called else ""),
            TableCell(_latency(cell.model_calls.latency_p50_s) if called else ""),
            TableCell(_latency(cell.model_calls.latency_p95_s) if called else ""),
            TableCell(format_usd(cell.cost_usd) if called else ""),
            _notes(cell, watch, now_s),
        ),
    )


def progress(done: int, total: int | None) -> str:
    """`████░░ 12/20`; without a bar where the total is unknown."""
    if not total:
        return f"{done}/{UNKNOWN}" if total is None else "0/0"
    full = min(done * _BAR // total, _BAR)
    return f"{'█' * full}{'░' * (_BAR - full)} {done}/{total}"


def again(cell: CellStatus) -> OrderKind | None:
    """The order that starts a cell again; `None` where there is nothing to start."""
    return "resume" if cell.state in ("held", "paused") else "retry" if cell.state in ("failed", "stopped") else None


def _notes(cell: CellStatus, watch: CellWatch | None, now_s: float) -> TableCell:
    """The short form of what `cell_words` says."""
    errors = _errors(cell)
    if cell.state in ENDED:
        if cell.state == "succeeded":
            return TableCell(errors, "bad")
        return TableCell(f"{cell.state} · r {_AGAIN[cell.state]}", "bad" if cell.state == "failed" else "warn")
    if cell.ending:
        return TableCell(cell.ending, "warn")
    if cell.parked:
        return TableCell("parked: refused", "warn")
    if cell.waiting:
        return TableCell(_waits(cell, now_s), "warn")
    if cell.state == "paused" or cell.paused:
        return TableCell("paused", "warn")
    if errors:
        return TableCell(errors, "bad")
    if cell.state != "running":
        return TableCell(cell.state, "dim")
    return TableCell("busy" if watch is not None and watch.answer == "busy" else "", "dim")


def cell_words(cell: CellStatus, now_s: float, *, foreign: bool = False) -> TableCell:
    """All that is to be said of one cell, in a line: why it is held, what waits, who serves it."""
    parts: list[str] = []
    tone = ""
    if cell.attempt > 1:
        parts.append(f"attempt {cell.attempt}")
    if cell.state in _AGAIN:
        tone = "bad" if cell.state == "failed" else "warn"
        parts.append(f"{cell.state}{f': {cell.last_error}' if cell.last_error else ''}")
        if not foreign:
            parts.append(f"r {_AGAIN[cell.state]}")
    elif cell.state not in ENDED:
        if cell.ending:
            tone = "warn"
            parts.append(f"{cell.ending}: what is on the wire ends first")
        if cell.parked:
            tone = "warn"
            parts.append(f"parked, and tried again now and then: {cell.parked}")
        if cell.paused:
            tone = "warn"
            held = "samples in flight stop at their next call" if cell.paused == "now" else "those in flight go on"
            parts.append(f"paused: no new sample begins, {held} — space goes on")
        if cell.waiting:
            tone = "warn"
            parts.append(_waits(cell, now_s))
        if cell.last_error and not cell.parked:
            parts.append(f"last error: {cell.last_error}")
    if errors := _errors(cell):
        parts.append(errors)
    if cell.in_flight:
        parts.append(f"{cell.in_flight} in flight")
    if cell.tokens_told is not None:
        parts.append(told_tokens(cell))
    answers = sum(cell.served_by.values())
    if answers:
        shares = sorted(cell.served_by.items(), key=lambda served: -served[1])
        parts.append("served by " + " ".join(f"{name} {count / answers:.0%}" for name, count in shares[:4]))
    if cell.self_graded:
        parts.append("grades itself")
    return TableCell(_JOINT.join(parts), tone)


def _errors(cell: CellStatus) -> str:
    return f"{cell.errors} error{'s' * (cell.errors != 1)}" if cell.errors else ""


def _waits(cell: CellStatus, now_s: float) -> str:
    """`3 wait, next 0:45 (429)`."""
    words = f"{cell.waiting} wait{'s' * (cell.waiting == 1)}"
    if cell.next_try_at_s is not None:
        words += f", next {seconds(cell.next_try_at_s - now_s)}"
    cause = max(cell.retries, key=lambda name: cell.retries[name], default="")
    return words + (f" ({cause})" if cause else "")


def seconds(duration_s: float) -> str:
    """`0:45`."""
    minutes, rest = divmod(max(int(duration_s), 0), 60)
    return f"{minutes}:{rest:02}"


def _latency(latency_s: float | None) -> str:
    return format_latency(None if latency_s is None else latency_s * 1000)


def model_words(cell: CellStatus, *, with_task: bool) -> str:
    """`groq · gpt-oss-120b · arithmetic`: what is cut where it is narrow is what differs least."""
    from ....evals.results.labels import split_model
    from ....profiles.policies import POLICIES

    model, route = split_model(cell.model)
    parts = [f":{route}" if route in POLICIES else route] if route else []
    parts.append(model.rpartition("/")[2])
    if cell.variant:
        parts.append(cell.variant)
    if with_task:
        parts.append(cell.label.partition(_JOINT)[0])
    return _JOINT.join(parts)
