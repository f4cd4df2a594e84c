"""The live table of `proctor run`: one row per cell, told anew at most twice a second."""

from __future__ import annotations

import time
from collections.abc import Callable

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from ...evals.run.status import ENDED, CellStatus, RunStatus
from ...evals.views.render.rich import STYLES
from ...evals.views.run_states import SELF_GRADED, glyph, score_words, state_tone, summary, told_tokens
from ...profiles.base.format import format_clock, format_latency, format_speed, format_usd
from ...profiles.base.text import clean_line

DRAW_EVERY_S = 0.5


def cell_line(cell: CellStatus) -> str:
    """One finished cell in one plain line."""
    parts = [f"{glyph(cell.state)} {cell.state:9} {cell.label}", f"{cell.done}/{cell.total or '?'}"]
    if score := score_words(cell):
        parts.append(score + (f" {SELF_GRADED} graded by itself" if cell.self_graded else ""))
    parts.append(format_usd(cell.cost_usd))
    if cell.tokens_told is not None:
        parts.append(told_tokens(cell))
    if cell.last_error:
        parts.append(cell.last_error)
    return clean_line(" · ".join(parts))


def _table(status: RunStatus, console: Console, now_s: float) -> RenderableType:
    wide = console.width >= 110
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), expand=False)
    table.add_column("", width=1)
    table.add_column("cell", overflow="fold", ratio=None)
    for name in ("done", "score ±95%"):
        table.add_column(name, justify="right", no_wrap=True)
    for name in ("tok/s", "p50", "p95") if wide else ():
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("cost", justify="right", no_wrap=True)
    room = max(console.height - 6, 4)
    shown = sorted(status.cells, key=lambda cell: cell.state in ENDED or cell.state == "waiting")[:room]
    notes: list[Text] = []
    for cell in [cell for cell in status.cells if cell in shown]:
        sign, style = glyph(cell.state), STYLES.get(state_tone(cell.state), "")
        row = [
            Text(sign, style=style),
            Text(clean_line(cell.label)),
            Text(f"{cell.done}/{cell.total if cell.total is not None else '?'}"),
            Text(_badged(cell)),
        ]
        if wide:
            model = cell.model_calls
            figures = (format_speed(model.tokens_per_s), _latency(model.latency_p50_s), _latency(model.latency_p95_s))
            row.extend(Text(figure if cell.has_called else "") for figure in figures)
        row.append(Text(format_usd(cell.cost_usd) if cell.has_called else ""))
        table.add_row(*row)
        if cell.tokens_told is not None:
            notes.append(Text(clean_line(f"{cell.label}: {told_tokens(cell)}"), style="dim"))
        if cell.last_error and cell.state in ("failed", "held"):
            notes.append(Text(clean_line(f"{sign} {cell.label}: {cell.last_error}"), style=style))
        elif cell.parked and cell.state not in ENDED:
            notes.append(Text(clean_line(f"‖ {cell.label}: no request is sent for now: {cell.parked}"), "yellow"))
        elif cell.waiting:
            notes.append(Text(clean_line(f"… {cell.label}: {_waits(cell, now_s)}"), "dim"))
    if any(cell.self_graded and cell.done for cell in shown):
        notes.append(Text(f"{SELF_GRADED} graded by itself: that may flatter it", style="yellow"))
    hidden = len(status.cells) - len(shown)
    if hidden:
        notes.append(Text(f"… and {hidden} more cells", style="dim"))
    head = Text(clean_line(f"{status.title or status.run_id} · {summary(status, now_s)}"), style="bold")
    return Group(head, table, *notes[: max(room // 3, 2)])


def _badged(cell: CellStatus) -> str:
    """The score, with a badge where the model graded itself."""
    score = score_words(cell)
    return f"{score} {SELF_GRADED}" if score and cell.self_graded else score


def _waits(cell: CellStatus, now_s: float) -> str:
    """`17 calls wait to be tried again, the first in 00:42 (31× 429, 2× 500)`."""
    first = f", the first in {format_clock(cell.next_try_at_s - now_s)}" if cell.next_try_at_s is not None else ""
    why = ", ".join(f"{count}× {cause}" for cause, count in sorted(cell.retries.items()))
    calls = "1 call waits" if cell.waiting == 1 else f"{cell.waiting} calls wait"
    return f"{calls} to be tried again{first} ({why})"


def _latency(latency_s: float | None) -> str:
    return format_latency(None if latency_s is None else latency_s * 1000)


class LiveTable:
    """Draws a run on a terminal. A context manager; `update` it with every status."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, auto_refresh=False, transient=True, redirect_stdout=False)
        self._drawn_at_s = -DRAW_EVERY_S

    def __enter__(self) -> LiveTable:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def update(self, status: RunStatus) -> None:
        """Draw the run as it stands, unless it was drawn a moment ago and goes on."""
        now_s = time.monotonic()
        if status.exit_code is None and now_s - self._drawn_at_s < DRAW_EVERY_S:
            return
        self._drawn_at_s = now_s
        self._live.update(_table(status, self._console, time.time()), refresh=True)


class PlainLines:
    """Tells a run line by line, where there is no terminal.

    A line per ended cell, one for whatever else a person should know, and progress now and then.
    """

    EVERY_S = 10.0

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._told: set[str] = set()
        self._events_until_s: float | None = None
        self._progress_at_s = time.monotonic()

    def __enter__(self) -> PlainLines:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def update(self, status: RunStatus) -> None:
        """Tell what is new."""
        for event in status.events:
            is_new = self._events_until_s is not None and event.at_s > self._events_until_s
            if is_new and event.tone in ("warn", "good"):
                self._write(clean_line(f"· {event.text}"))
        self._events_until_s = max((event.at_s for event in status.events), default=0.0)
        for cell in status.cells:
            if cell.state in ENDED and cell.id not in self._told:
                self._told.add(cell.id)
                self._write(cell_line(cell))
        if status.exit_code is None and time.monotonic() - self._progress_at_s >= self.EVERY_S:
            self._progress_at_s = time.monotonic()
            self._write(clean_line(summary(status, time.time())))
