"""Live: one run as it goes: its cells, the samples they work on, and the conversation of one of them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.getters import query_one
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Static

from ...evals.engine.status import ENDED
from ...evals.results.transcript import Transcript
from ..clean import clean_line
from ..cli.live_table import summary
from ..messages import PlaceRequested, RunOpened, WatchRequested
from ..widgets.line_table import Column, LineTable, Row
from ..widgets.transcript_text import Block, said_blocks
from ..widgets.transcript_view import TranscriptView
from .live_rows import (
    CELL_COLUMNS,
    SAMPLE_COLUMNS,
    Working,
    cell_rows,
    notable,
    sample_row,
    shared_task,
    target_words,
    working_samples,
)
from .place import PlaceScreen
from .stopping import ask_to_stop

if TYPE_CHECKING:
    from ...evals.engine.control import Conversation
    from ..store import KnownRun, State

WATCH_EVERY_S = 1.0
LOG_LINES = 4
_TONES = {"good": "$text-success", "bad": "$text-error", "warn": "$text-warning"}


class LiveScreen(PlaceScreen):
    """Cells above, running samples below, and beside them the sample under the cursor."""

    HELP = """
    A run as it goes on: its cells, the samples that they work on, and the conversation of the one under the cursor.
    Leaving does not stop it: it goes on without this application.
    """
    PLACE = "live"
    AUTO_FOCUS = ""  # the cells take it as soon as there are any: without a run, enter is for the invitation
    CSS = """
    LiveScreen {
        #head, .live--heading { height: 1; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
        #head { text-style: bold; }
        .live--heading { background: $surface; text-style: bold; }
        #none { height: 1fr; padding: 1 2; }
        #cells { height: auto; max-height: 45%; }
        #below, #working, #talk, #samples { height: 1fr; }
        #working { width: 5fr; }
        #talk { width: 4fr; border-left: solid $foreground 30%; }
        #log {
            height: auto; max-height: 4; padding: 0 1; border-top: solid $foreground 30%;
            text-wrap: nowrap; text-overflow: ellipsis;
            &.-empty { display: none; }
        }
        #none { display: none; }
        &.-none {
            #none { display: block; }
            #head, #cells, #below, #log { display: none; }
        }
        &.-narrow {
            #talk { display: none; border-left: none; }
            #log { max-height: 2; border-top: none; }
            &.-reading #talk { display: block; }
            &.-reading #working, &.-reading #cells { display: none; }
        }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("x", "stop", "Stop run", id="live.stop", tooltip="Stop the run in order; what is finished is kept"),
        Binding("escape", "back", "Back", id="live.back", tooltip="One pane up"),
        Binding("enter", "open", "Open", id="live.open", tooltip="Watch the run that is going on", show=False),
    ]

    _cells = query_one("#cells", LineTable)
    _samples = query_one("#samples", LineTable)
    _talk = query_one("#conversation", TranscriptView)

    def __init__(self) -> None:
        super().__init__()
        self._timer: Timer | None = None
        self._read: Working | None = None  # the sample that is being read; it stays when it has ended
        self._keys: dict[LineTable, list[str]] = {}  # of the rows that a table shows
        self._shown: tuple[object, ...] = ()  # what the conversation pane shows

    def body(self) -> Iterable[Widget]:
        """The header, the panes, the log."""
        yield Static(id="none", markup=False)
        yield Static(id="head", markup=False)
        yield LineTable(CELL_COLUMNS, id="cells")
        with Horizontal(id="below"):
            with Vertical(id="working"):
                yield Static(id="samples-heading", classes="live--heading", markup=False)
                yield LineTable(SAMPLE_COLUMNS, id="samples")
            with Vertical(id="talk"):
                yield Static(id="talk-heading", classes="live--heading", markup=False)
                yield TranscriptView(id="conversation")
        yield Static(id="log", markup=False)

    def on_mount(self) -> None:
        """Follow the run, and ask its cells as long as this place is shown."""
        self._timer = self.set_interval(WATCH_EVERY_S, self._watch)
        subscribe = self.store.subscribe
        subscribe(self, {"live", "running", "runs", "failures"}, self._draw)
        subscribe(self, {"conversation"}, self._draw_conversation)

    def on_screen_resume(self) -> None:
        """Ask again, at once."""
        if self._timer is not None:
            self._timer.resume()
        self._watch()

    def on_screen_suspend(self) -> None:
        """Nobody looks: leave the cells alone."""
        if self._timer is not None:
            self._timer.pause()

    def on_resize(self) -> None:
        """Fit the header to the new width."""
        self._draw_head(self.state)

    # Drawing

    def _draw(self, state: State) -> None:
        self.set_class(state.live is None, "-none")
        if state.live is None:
            self.query_one("#none", Static).update(Content(clean_line(self._invitation(state))))
            self.set_focus(None)
            return
        if self.focused is None:
            self._cells.focus()
        self._draw_head(state)
        status = state.live.status
        self._put(self._cells, CELL_COLUMNS, cell_rows(status, state.running))
        self._draw_samples(state, state.live)
        events = list(notable(status))[-LOG_LINES:]
        log = self.query_one("#log", Static)
        log.set_class(not events, "-empty")
        lines = [Content.styled(clean_line(event.text), _TONES.get(event.tone, "")) for event in events]
        log.update(Content("\n").join(lines))
        self._draw_conversation(state)

    def _draw_head(self, state: State) -> None:
        if state.live is None:
            return
        status = state.live.status
        figures = summary(status, time.time())
        name = clean_line(status.title or status.run_id)
        if task := shared_task(status.cells):
            name += f" · {clean_line(task)}"
        if status.source == "practice":
            figures += " · practice"
        if failure := state.failures.get("live"):
            figures = f"{failure} · {figures}"
        if status.exit_code is not None:
            figures += " · enter: results"
        room = max(self.size.width - cell_len(figures) - 5, 8)
        self.query_one("#head", Static).update(Content(f"{clean_line(name, room)} · {clean_line(figures)}"))

    def _draw_samples(self, state: State, run: KnownRun) -> None:
        status, now_s = run.status, time.time()
        working = working_samples(status, state.running)
        with_task = not shared_task(status.cells)
        self._put(self._samples, SAMPLE_COLUMNS, [sample_row(one, with_task=with_task, now_s=now_s) for one in working])
        busy = sum(watch.answer == "busy" for watch in state.running.values())
        if status.exit_code is not None:
            self._samples.empty = "the run has ended: enter shows its results"
        elif not state.running:
            self._samples.empty = "asking the cells …" if self._pids(run) else "no cell is running yet"
        elif busy:
            self._samples.empty = "waiting for cells that are too busy to answer …"
        else:
            self._samples.empty = "no sample is being worked on"
        more = "+" if any(watch.truncated for watch in state.running.values()) else ""
        words = f"Running samples · {len(working)}{more}"
        if busy:
            words += f" · {busy} cell{'s' * (busy != 1)} too busy to answer"
        self.query_one("#samples-heading", Static).update(Content(words))

    def _draw_conversation(self, state: State) -> None:
        looked_at = self._looked_at()
        heading = self.query_one("#talk-heading", Static)
        if looked_at is None:
            heading.update(Content("no sample"))
            self._show((), None)
            return
        sample = looked_at.sample
        talk = state.conversation
        if talk is not None and (talk.eval_id, talk.sample_id, talk.epoch) != (
            sample.eval_id,
            sample.sample_id,
            sample.epoch,
        ):
            talk = None
        words = f"#{sample.sample_id}/{sample.epoch} · {target_words(looked_at.cell, with_task=True)}"
        if talk is not None and talk.status != "running":
            words += " · finished" if talk.status == "completed" else f" · {talk.status}"
        heading.update(Content(clean_line(words)))
        self._show((looked_at.key, talk), talk)

    def _show(self, key: tuple[object, ...], talk: Conversation | None) -> None:
        """Show a conversation; its end stays in view unless somebody has scrolled up in it."""
        if key == self._shown:
            return
        same = bool(key) and bool(self._shown) and key[0] == self._shown[0]
        view = self._talk
        top = view.scroll_offset.y
        at_end = not same or top + view.size.height >= view.line_count
        self._shown = key
        view.show(conversation_blocks(talk) if talk is not None else [])
        if at_end:
            view.action_bottom()
        else:
            view.scroll_to(y=top, animate=False, force=True)

    def _put(self, table: LineTable, columns: Sequence[Column], rows: Sequence[Row]) -> None:
        """Show rows; where they are the same ones as before, only the cells that changed are drawn."""
        keys = [row.key for row in rows]
        if keys != self._keys.get(table):
            self._keys[table] = keys
            table.show(rows)
            return
        for row in rows:
            for column, cell in zip(columns, row.cells, strict=True):
                table.set_cell(row.key, column.key, cell)

    # Watching

    def _pids(self, run: KnownRun) -> dict[str, int]:
        return {cell.id: cell.pid for cell in run.status.cells if cell.pid is not None and cell.state not in ENDED}

    def _watch(self) -> None:
        run = self.state.live
        if run is None or run.status.exit_code is not None:
            return
        self._draw_head(self.state)
        looked_at = self._looked_at()
        pids = self._pids(run)
        pid = pids.get(looked_at.cell.id) if looked_at is not None else None
        focus = (pid, looked_at.sample) if looked_at is not None and pid is not None else None
        if pids:
            self.post_message(WatchRequested(pids, focus))

    def _looked_at(self) -> Working | None:
        """The sample that is being read, else the one under the cursor."""
        if self._read is not None:
            return self._read
        state, key = self.state, self._samples.cursor_key
        if state.live is None or key is None:
            return None
        return next((one for one in working_samples(state.live.status, state.running) if one.key == key), None)

    # What is done here

    @on(LineTable.RowHighlighted, "#samples")
    def _look(self) -> None:
        if self._read is None:
            self._draw_conversation(self.state)
            self._watch()

    @on(LineTable.RowSelected, "#samples")
    def _read_on(self) -> None:
        self._read = self._looked_at()
        if self._read is not None:
            self.add_class("-reading")
            self._talk.focus()

    @on(LineTable.RowSelected, "#cells")
    def _open_cell(self, message: LineTable.RowSelected) -> None:
        run = self.state.live
        if run is None:
            return
        cell = next((cell for cell in run.status.cells if cell.id == message.key), None)
        if run.status.exit_code is not None or (cell is not None and cell.state in ENDED):
            self.post_message(RunOpened(run, results=True))
        elif self._samples.row_count:
            self._samples.focus()

    def action_open(self) -> None:
        """Enter, where no table takes it."""
        run = self.state.live or going_on(self.state)
        if run is not None:
            self.post_message(RunOpened(run))

    def action_back(self) -> None:
        """From the conversation to the samples, from there to the cells, from there to Bench."""
        if self._read is not None:
            self._read = None
            self.remove_class("-reading")
            self._samples.focus()
            self._draw_conversation(self.state)
        elif not self._cells.has_focus and self._cells.display:
            self._cells.focus()
        else:
            self.post_message(PlaceRequested("bench"))

    def action_stop(self) -> None:
        """Stop the run."""
        if (run := self.state.live) is not None:
            ask_to_stop(self, run)
        else:
            self.notify("There is no run to stop", severity="warning", markup=False)

    def _invitation(self, state: State) -> str:
        run = going_on(state)
        if run is not None:
            return f"● {run.status.title or run.status.run_id} is going on: enter shows it."
        return "No run is being watched. r runs the plan; 1 lists runs and profiles, enter opens them."


def going_on(state: State) -> KnownRun | None:
    """The newest run that has not ended."""
    return next((run for run in state.runs or () if run.status.exit_code is None), None)


def conversation_blocks(talk: Conversation) -> list[Block]:
    """A conversation in the form of a transcript's blocks."""
    transcript = Transcript("", "", talk.sample_id, talk.epoch, "", None, "", talk.parts, (), None)
    blocks = said_blocks(transcript)
    if talk.left_out:
        blocks.insert(0, Block("", f"… {talk.left_out} older messages are not shown", "dim"))
    return blocks
