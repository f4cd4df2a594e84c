"""What Live shows, line by line: cells, running samples, notable events. Pure functions of the status and the time."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...evals.engine.status import ENDED, CellStatus, RunStatus
from ..figures import UNKNOWN, format_latency, format_score, format_speed, format_usd
from ..widgets.line_table import Cell, Column, Row
from ..widgets.states import state_cell

if TYPE_CHECKING:
    from ...evals.engine.control import CellWatch, RunningSample

CELL_COLUMNS = (
    Column("state", "", 1),
    Column("cell", "provider · model", 0),
    Column("done", "done", 15),
    Column("score", "score", 12, "right"),
    Column("speed", "tok/s", 5, "right", drop=3),
    Column("p50", "p50", 5, "right", drop=4),
    Column("p95", "p95", 5, "right", drop=5),
    Column("cost", "cost", 8, "right", drop=1),
    Column("notes", "", 17, drop=2),
)
SAMPLE_COLUMNS = (
    Column("sample", "sample", 8),
    Column("target", "provider · model", 0),
    Column("doing", "doing", 27),
)
_BAR = 6
_JOINT = " · "


@dataclass(frozen=True, slots=True)
class Working:
    """A sample that a cell works on."""

    cell: CellStatus
    sample: RunningSample

    @property
    def key(self) -> str:
        """Its name among the rows."""
        return f"{self.cell.id}#{self.sample.sample_id}/{self.sample.epoch}"


def cell_rows(status: RunStatus, running: Mapping[str, CellWatch]) -> list[Row]:
    """The cells in the order of the plan; the task stands in the label only where there are several."""
    with_task = not shared_task(status.cells)
    return [_cell_row(cell, target_words(cell, with_task=with_task), running.get(cell.id)) for cell in status.cells]


def shared_task(cells: Sequence[CellStatus]) -> str:
    """The short name of the one task that all cells have; empty where there are several."""
    tasks = {cell.label.partition(_JOINT)[0] for cell in cells}
    return tasks.pop() if len(tasks) == 1 else ""


def _cell_row(cell: CellStatus, label: str, watch: CellWatch | None) -> Row:
    called = cell.model.calls > 0
    return Row(
        cell.id,
        (
            state_cell(cell.state, word=False),
            Cell(label),
            Cell(progress(cell.done, cell.total) if cell.done or cell.state != "waiting" else ""),
            Cell(format_score(cell.score, cell.stderr) if cell.done > cell.errors else ""),
            Cell(format_speed(cell.model.tokens_per_s) if called else ""),
            Cell(_latency(cell.model.latency_p50_s) if called else ""),
            Cell(_latency(cell.model.latency_p95_s) if called else ""),
            Cell(format_usd(cell.cost_usd) if called else ""),
            _notes(cell, watch),
        ),
    )


def progress(done: int, total: int | None) -> str:
    """`████░░ 12/20`; without a bar where the total is unknown."""
    if not total:
        return f"{done}/{UNKNOWN}" if total is None else "0/0"
    full = min(done * _BAR // total, _BAR)
    return f"{'█' * full}{'░' * (_BAR - full)} {done}/{total}"


def _notes(cell: CellStatus, watch: CellWatch | None) -> Cell:
    errors = f"{cell.errors} error{'s' * (cell.errors != 1)}" if cell.errors else ""
    if cell.state in ("failed", "held"):
        return Cell(cell.last_error or cell.state, "bad" if cell.state == "failed" else "warn")
    if cell.state in ENDED:
        return Cell(errors or ("" if cell.state == "succeeded" else cell.state), "bad" if errors else "dim")
    parts: list[str] = [errors] if errors else []
    if cell.waiting:
        cause = max(cell.retries, key=lambda name: cell.retries[name], default="")
        parts.append(f"{cell.waiting} wait{'s' * (cell.waiting != 1)}" + (f" ({cause})" if cause else ""))
    if parts:
        return Cell(_JOINT.join(parts), "bad" if errors else "warn")
    if cell.state != "running":
        return Cell(cell.state, "dim")
    return Cell("busy" if watch is not None and watch.answer == "busy" else "", "dim")


def _latency(latency_s: float | None) -> str:
    return format_latency(None if latency_s is None else latency_s * 1000)


def working_samples(status: RunStatus, running: Mapping[str, CellWatch]) -> list[Working]:
    """The running samples of all cells that have not ended, those first that have taken longest."""
    found = [
        Working(cell, sample)
        for cell in status.cells
        if cell.state not in ENDED and cell.id in running
        for sample in running[cell.id].samples
    ]
    return sorted(found, key=lambda working: working.sample.started_at_s or 0.0)


def sample_row(working: Working, *, with_task: bool, now_s: float) -> Row:
    """One running sample in a line."""
    sample = working.sample
    waits = sample.activity in ("retry_wait", "approval", "question")
    return Row(
        working.key,
        (
            Cell(f"#{sample.sample_id}/{sample.epoch}"),
            Cell(target_words(working.cell, with_task=with_task)),
            Cell(doing(working, now_s), "warn" if waits else ""),
        ),
    )


def target_words(cell: CellStatus, *, with_task: bool) -> str:
    """`groq · gpt-oss-120b · arithmetic`: what is cut where it is narrow is what differs least."""
    from ...evals.results.labels import split_target
    from ...profiles.policies import POLICIES

    model, route = split_target(cell.target)
    parts = [f":{route}" if route in POLICIES else route] if route else []
    parts.append(model.rpartition("/")[2])
    if cell.variant:
        parts.append(cell.variant)
    if with_task:
        parts.append(cell.label.partition(_JOINT)[0])
    return _JOINT.join(parts)


def doing(working: Working, now_s: float) -> str:
    """What is done to a sample, and for how long: `generating 0:03 · 412 tok`."""
    sample = working.sample
    since = _seconds(now_s - sample.activity_since_s) if sample.activity_since_s is not None else UNKNOWN
    match sample.activity:
        case "model":
            graded = bool(sample.detail) and not working.cell.target.endswith(sample.detail)
            words = f"{'grading' if graded else 'generating'} {since}"
            return words + (f" · {sample.tokens} tok" if sample.tokens else "")
        case "tool":
            return f"{sample.detail or 'tool'} {since}"
        case "retry_wait":
            left = _seconds(sample.retry_at_s - now_s) if sample.retry_at_s is not None else UNKNOWN
            return f"tries again in {left}" + (f" (no. {sample.attempt + 1})" if sample.attempt else "")
        case "approval":
            return f"waits for approval {since}"
        case "question":
            return f"waits for an answer {since}"
        case _:
            return f"between calls {since}"


def _seconds(duration_s: float) -> str:
    minutes, seconds = divmod(max(int(duration_s), 0), 60)
    return f"{minutes}:{seconds:02}"


def notable(status: RunStatus) -> Iterator[Cell]:
    """What has happened that a person should know, oldest first: every cell that ended, with the reason."""
    ended = [cell for cell in status.cells if cell.state in ENDED]
    for cell in sorted(ended, key=lambda cell: cell.ended_at_s or 0.0):
        state = state_cell(cell.state)
        at = time.strftime("%H:%M:%S", time.localtime(cell.ended_at_s)) if cell.ended_at_s is not None else " " * 8
        words = f"{at} {state.text} {cell.label}"
        if cell.state == "succeeded":
            score = format_score(cell.score, cell.stderr)
            words += f" · {score}" + (f" · {cell.errors} errors" if cell.errors else "")
        elif cell.last_error:
            words += f": {cell.last_error}"
        yield Cell(words, state.tone)
    if status.message:
        yield Cell(status.message, "warn")
