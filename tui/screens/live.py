"""Live: one run as it goes: its cells, the samples they work on, and the conversation of one of them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.getters import query_one
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Static

from ...evals.engine.status import ENDED, CellStatus
from ..clean import clean_line
from ..messages import FinishedSampleOpened, PlaceRequested, RunOpened, WatchRequested
from ..resting import Rest
from ..store import SampleRef
from ..widgets.line_table import Cell, Column, LineTable, Row
from ..widgets.words import Words
from .live_keys import SteeringKeys
from .live_rows import CELL_COLUMNS, cell_columns, cell_rows, cell_words, head_line, shared_task, target_words
from .live_samples import (
    ENDED_COLUMNS,
    EVENT_COLUMNS,
    SAMPLE_COLUMNS,
    Finished,
    Working,
    event_rows,
    finished_row,
    finished_samples,
    going_on,
    invitation,
    sample_row,
    samples_heading,
    why_none_runs,
    working_samples,
)
from .live_talk import TalkPane, is_of

if TYPE_CHECKING:
    from ..store import KnownRun, State

WATCH_EVERY_S = 1.0
_TONES = {"good": "$text-success", "bad": "$text-error", "warn": "$text-warning", "dim": "$foreground-muted"}
_KEYS_THAT_COME_AND_GO = ("again", "detach", "cancel_sample", "requeue", "stop_cell", "stop", "budget")


class LiveScreen(SteeringKeys):
    """Cells above, samples below, beside them the sample under the cursor, and at the bottom what has happened."""

    HELP = """
    A run as it goes on: its cells, the samples that they work on, and the conversation of the one under the cursor.
    Leaving does not stop it: it goes on without this application.
    """
    PLACE = "live"
    AUTO_FOCUS = ""  # the cells take it as soon as there are any: without a run, enter is for the invitation
    CSS = """
    LiveScreen {
        #head, #words, .live--heading { height: 1; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
        #head { text-style: bold; }
        .live--heading { background: $surface; text-style: bold; }
        #none { height: 1fr; padding: 1 2; }
        #cells { height: auto; max-height: 40%; }
        #below, #working, #talk, #samples { height: 1fr; }
        #working { width: 5fr; }
        #talk { width: 4fr; border-left: solid $foreground 30%; }
        #log { height: 5; border-top: solid $foreground 30%; &:focus { height: 50%; } &.-empty { display: none; } }
        #none { display: none; }
        &.-none {
            #none { display: block; }
            #head, #cells, #words, #below, #log { display: none; }
        }
        &.-narrow {
            #talk { display: none; border-left: none; }
            #log { height: 3; border-top: none; &:focus { height: 50%; } }
            &.-reading #talk { display: block; }
            &.-reading #working, &.-reading #cells, &.-reading #words { display: none; }
        }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "t",
            "ended_samples",
            "ended samples",
            show=False,
            id="live.ended",
            tooltip="Samples that have ended, or those that run",
        ),
        Binding("f", "follow", "follow", show=False, id="live.follow", tooltip="Go on to another sample when one ends"),
        Binding("d", "detach", "detach", id="live.detach", tooltip="To Bench; the run goes on"),
        Binding("escape", "back", "back", show=False, id="live.back", tooltip="One pane up"),
        Binding("enter", "open", "open", show=False, id="live.open", tooltip="Watch the run, or read one that ended"),
    ]

    _cells = query_one("#cells", LineTable)
    _samples = query_one("#samples", LineTable)
    _talk = query_one(TalkPane)
    _log = query_one("#log", LineTable)

    def __init__(self) -> None:
        super().__init__()
        self._timer: Timer | None = None
        self._run_shown: str = ""
        self._only = ""  # the cell whose samples alone are shown
        self._ended_shown = False  # the list shows the samples that have ended
        self._read: Working | Finished | None = None  # the sample that is being read; it stays when it has ended
        self._following = False
        self._followed = ""
        self._keys: dict[LineTable, list[str]] = {}  # of the rows that a table shows
        self._said: dict[str, Content] = {}  # what the one-line widgets show, by id
        self._logs_read: frozenset[str] = frozenset()  # cells whose ended samples were asked for when the run had ended
        self._ended: tuple[object, list[Finished]] = (None, [])  # the ended samples, and what they were made of
        self._offered: tuple[bool | None, ...] = ()
        self._rest = Rest(self, self._look_at_sample)

    def body(self) -> Iterable[Widget]:
        """The header, the panes, the log."""
        yield Words(id="none", markup=False)
        yield Words(id="head", markup=False)
        yield LineTable(CELL_COLUMNS, id="cells")
        yield Static(id="words", markup=False)
        with Horizontal(id="below"):
            with Vertical(id="working"):
                yield Words(id="samples-heading", classes="live--heading", markup=False)
                yield LineTable(SAMPLE_COLUMNS, id="samples")
            yield TalkPane()
        yield LineTable(EVENT_COLUMNS, id="log", empty="nothing has happened yet")

    def on_mount(self) -> None:
        """Follow the run, and ask its cells as long as this place is shown."""
        self._timer = self.set_interval(WATCH_EVERY_S, self._watch)
        subscribe = self.store.subscribe
        subscribe(self, {"live", "running", "finished", "runs", "processes", "failures"}, self._draw)
        subscribe(self, {"conversation", "live_transcript", "waiting"}, self._draw_conversation)

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
            self._say("none", Content(clean_line(invitation(state))))
            self.set_focus(None)
            return
        status = state.live.status
        if status.run_id != self._run_shown:
            self._begin(status.run_id)
        if status.exit_code is None:
            self._logs_read = frozenset()
        if self.focused is None:
            self._cells.focus()
        self._draw_head(state)
        self._cells.change_columns(cell_columns(status))
        self._put(self._cells, CELL_COLUMNS, cell_rows(status, state.running, time.time()))
        self._draw_words(state.live)
        self._draw_samples(state, state.live)
        events = event_rows(status)
        self._log.set_class(not events, "-empty")
        self._put(self._log, EVENT_COLUMNS, events)
        if not self._log.has_focus:
            self._log.action_first()
        self._draw_conversation(state)
        self._offer()

    def _begin(self, run_id: str) -> None:
        """Another run is shown: forget what belongs to the one before."""
        self._run_shown, self._only, self._read = run_id, "", None
        self._ended_shown = self._following = False
        self.remove_class("-reading")

    def _offer(self) -> None:
        """Show other keys in the footer where others can be pressed now."""
        offered = tuple(self.check_action(action, ()) for action in _KEYS_THAT_COME_AND_GO)
        if offered != self._offered:
            self._offered = offered
            self.refresh_bindings()

    def _say(self, name: str, words: Content) -> None:
        """Put words into a one-line widget, unless they stand there already."""
        if self._said.get(name) != words:
            self._said[name] = words
            self.query_one(f"#{name}", Static).update(words)

    def _draw_head(self, state: State) -> None:
        if state.live is None:
            return
        words = head_line(state.live, state.failures.get("live"), time.time(), self.size.width)
        self._say("head", Content(words))

    def _draw_words(self, run: KnownRun) -> None:
        cell = self.cell
        words = Cell("") if cell is None else cell_words(cell, time.time(), foreign=run.is_foreign)
        text = f"{run.status.message} · {words.text}" if run.is_foreign and run.status.message else words.text
        self._say("words", Content.styled(clean_line(text), _TONES.get(words.tone, "$foreground-muted")))

    def _draw_samples(self, state: State, run: KnownRun) -> None:
        status, now_s = run.status, time.time()
        with_task = not shared_task(status.cells)
        if self._ended_shown:
            rows = [finished_row(one, with_task=with_task) for one in self._ended_samples(state, run)]
            columns, self._samples.empty = ENDED_COLUMNS, "no sample has ended yet"
        else:
            working = working_samples(status, state.running, self._only)
            rows = [sample_row(one, with_task=with_task, now_s=now_s) for one in working]
            columns, self._samples.empty = SAMPLE_COLUMNS, why_none_runs(run, state.running)
        self._samples.change_columns(columns)
        self._put(self._samples, columns, rows)
        self._go_on([row.key for row in rows])
        words = samples_heading(status, state.running, len(rows), self._only, ended=self._ended_shown)
        self._say("samples-heading", Content(words))

    def _draw_conversation(self, state: State) -> None:
        one = self.sample
        if one is None:
            self._talk.show("no sample", "", None)
            return
        sample = one.sample
        words = f"#{sample.sample_id}/{sample.epoch} · {target_words(one.cell, with_task=True)}"
        if (ref := self._ref(one)) is not None:
            is_read = state.live_sample == ref
            failure = state.failures.get("live_transcript") if is_read else None
            awaited = state.waiting.get("live_transcript") if is_read else None
            transcript = state.live_transcript if is_read else None
            if transcript is None:
                words += f" · {failure}" if failure else f" · {awaited} …" if awaited else " · enter opens it"
            self._talk.show(words, one.key, transcript)
            return
        talk = state.conversation if state.conversation is not None and is_of(state.conversation, sample) else None
        if talk is not None and talk.status != "running":
            words += " · finished" if talk.status == "completed" else f" · {talk.status}"
        self._talk.show(words + (" · following" if self._following else ""), one.key, talk)

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
        if run is None:
            return
        logs = {}
        if self._ended_shown and not run.is_foreign:
            ended = [cell for cell in run.status.cells if cell.state in ENDED and cell.log]
            logs = {cell.id: run.run_dir / str(cell.log) for cell in ended}
        if run.status.exit_code is not None:
            if logs.keys() <= self._logs_read:
                return
            self._logs_read = frozenset(logs)
        self._draw_head(self.state)
        self._draw_words(run)
        one, pids = self.sample, self._pids(run)
        pid = pids.get(one.cell.id) if one is not None else None
        focus = (pid, one.sample) if one is not None and pid is not None and self._ref(one) is None else None
        if pids or logs:
            asks = WatchRequested(pids, focus, by_eval=run.is_foreign, finished=self._ended_shown, logs=logs)
            self.post_message(asks)

    def _ref(self, one: Working | Finished) -> SampleRef | None:
        """Where the transcript of an ended sample is; of one that runs, and of a foreign process, there is none yet."""
        run = self.state.live
        if run is None or run.is_foreign or isinstance(one, Working) or not one.cell.log:
            return None
        return SampleRef(run.run_dir / one.cell.log, one.sample.sample_id, one.sample.epoch)

    def _ended_samples(self, state: State, run: KnownRun) -> list[Finished]:
        made_of = (state.finished, self._only, [cell.log for cell in run.status.cells])
        if made_of != self._ended[0]:
            self._ended = made_of, finished_samples(run.status, state.finished, self._only)
        return self._ended[1]

    def _go_on(self, keys: Sequence[str]) -> None:
        """Following, go on to the youngest sample once the one that is shown has ended."""
        if not self._following or self._ended_shown or not keys:
            return
        if self._followed in keys:
            self._followed = self._samples.cursor_key or self._followed
            return
        self._followed = keys[-1]
        self._samples.move_to(self._followed)
        if self._read is not None:
            self._read = self._under_cursor()

    @property
    def cell(self) -> CellStatus | None:
        """The cell under the cursor."""
        run = self.state.live
        if run is None or not self._run_shown:
            return None
        return next((cell for cell in run.status.cells if cell.id == self._cells.cursor_key), None)

    @property
    def sample(self) -> Working | Finished | None:
        """The sample that is being read, else the one under the cursor."""
        return self._read if self._read is not None else self._under_cursor()

    def _under_cursor(self) -> Working | Finished | None:
        state = self.state
        if state.live is None or not self._run_shown or (key := self._samples.cursor_key) is None:
            return None
        ones: Sequence[Working | Finished] = (
            self._ended_samples(state, state.live)
            if self._ended_shown
            else working_samples(state.live.status, state.running, self._only)
        )
        return next((one for one in ones if one.key == key), None)

    # What is done here

    @on(LineTable.RowHighlighted, "#samples")
    def _look(self) -> None:
        if self._read is None:
            self._rest.begin()

    def _look_at_sample(self) -> None:
        self._draw_conversation(self.state)
        self._watch()
        self._offer()

    @on(LineTable.RowSelected, "#samples")
    def _read_on(self) -> None:
        self._read = self._under_cursor()
        if self._read is None:
            return
        if (ref := self._ref(self._read)) is not None and self.state.live_sample != ref:
            self.post_message(FinishedSampleOpened(ref))
        self.add_class("-reading")
        self._talk.view.focus()

    @on(LineTable.RowHighlighted, "#cells")
    def _look_at_cell(self) -> None:
        if (run := self.state.live) is not None:
            self._draw_words(run)
            self._offer()

    @on(LineTable.RowSelected, "#cells")
    def _open_cell(self) -> None:
        run, cell = self.state.live, self.cell
        if run is None or cell is None:
            return
        if not run.is_foreign and (run.status.exit_code is not None or cell.state in ENDED):
            self.post_message(RunOpened(run, results=True))
            return
        self._only = "" if self._only == cell.id else cell.id
        self._draw_samples(self.state, run)
        if self._samples.row_count:
            self._samples.focus()

    def action_ended_samples(self) -> None:
        """Show the samples that have ended, or those that are being worked on."""
        run = self.state.live
        if run is None:
            return
        self._ended_shown, self._read = not self._ended_shown, None
        self.remove_class("-reading")
        self._draw_samples(self.state, run)
        self._draw_conversation(self.state)
        self._samples.focus()
        self._offer()
        self._watch()

    def action_follow(self) -> None:
        """Go on to another sample when the one that is shown ends, or no longer."""
        self._following = not self._following
        self._followed = self._samples.cursor_key or ""
        self._draw_conversation(self.state)

    def action_detach(self) -> None:
        """To Bench; the run goes on."""
        if (run := self.state.live) is not None and run.status.exit_code is None:
            self.notify(f"{clean_line(run.status.title or run.status.run_id)} goes on: 5 comes back", markup=False)
        self.post_message(PlaceRequested("bench"))

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
            self._offer()
        elif self._cells.display and (self._only or not self._cells.has_focus):
            self._only = ""
            self._cells.focus()
            self._draw(self.state)
        else:
            self.post_message(PlaceRequested("bench"))
