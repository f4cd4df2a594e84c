"""Results: the scoreboard of a run, the samples of a cell, and the transcript of a sample."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar, Literal, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.getters import query_one
from textual.widget import Widget
from textual.widgets import Static

from ..clean import clean_line
from ..messages import RunOpened, SampleOpened, SamplesRequested
from ..widgets.bars import proctor
from ..widgets.line_table import LineTable
from ..widgets.score_rows import ORDERS, group_words, row_words, score_table
from ..widgets.transcript_view import TranscriptView
from .place import PlaceScreen
from .samples import AcrossPane, CellLog, SamplesPane
from .transcript import TranscriptPane

if TYPE_CHECKING:
    from pathlib import Path

    from ...evals.results.scoreboard import Order, Scoreboard, ScoreGroup, ScoreRow
    from ..store import KnownRun, SampleRef, State

Level = Literal["scores", "samples", "across", "transcript"]

NOTHING_YET = "No run has ended yet.\nPick models (2) and tasks (3), look at the plan (4), and press r."


class ScoresPane(Vertical):
    """The scoreboard, one group at a time."""

    DEFAULT_CSS = """
    ScoresPane {
        & > .scores--head { height: auto; max-height: 2; padding: 0 1; text-style: bold; }
        & > .scores--groups { height: 1; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
        & > .scores--row { height: auto; max-height: 6; padding: 0 1; color: $foreground-muted; }
        & > .scores--says { height: auto; max-height: 6; padding: 0 1; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right_square_bracket,right", "group(1)", "next task", id="scores.next", tooltip="The next task"),
        Binding(
            "left_square_bracket,left",
            "group(-1)",
            "task before",
            show=False,
            id="scores.previous",
            tooltip="The task before",
        ),
        Binding("o", "order", "order", id="scores.order", tooltip="Another order of the rows"),
    ]

    head = query_one(".scores--head", Static)
    groups = query_one(".scores--groups", Static)
    table = query_one("#scores-table", LineTable)
    row_detail = query_one(".scores--row", Static)
    says = query_one(".scores--says", Static)

    def __init__(self, *, id: str) -> None:
        """Make a pane that follows the store."""
        super().__init__(id=id)
        self._scoreboard: Scoreboard | None = None
        self._at = 0
        self._order: Order = "score"

    def compose(self) -> ComposeResult:
        """The run, its groups, the rows of one, the row under the cursor in full, and what it all says."""
        yield Static(markup=False, classes="scores--head")
        yield Static(markup=False, classes="scores--groups")
        yield LineTable([], id="scores-table")
        yield Static(markup=False, classes="scores--row")
        yield Static(markup=False, classes="scores--says")

    def on_mount(self) -> None:
        """Follow the scoreboard."""
        proctor(self).store.subscribe(self, {"shown", "scoreboard", "runs", "waiting", "failures"}, self._draw)

    @property
    def group(self) -> ScoreGroup | None:
        """The group that is shown."""
        board = self._scoreboard
        return board.groups[self._at] if board is not None and board.groups else None

    @property
    def row(self) -> ScoreRow | None:
        """The row under the cursor."""
        group, key = self.group, self.table.cursor_key
        return next((row for row in group.rows if row.cell == key), None) if group is not None else None

    def _draw(self, state: State) -> None:
        if state.scoreboard is not self._scoreboard:
            if state.scoreboard is None or self._scoreboard is None or len(state.scoreboard.groups) <= self._at:
                self._at = 0
            self._scoreboard = state.scoreboard
        self._draw_head(state)
        group = self.group
        if group is None:
            self.table.change_columns(())
            self.table.empty = words_for_nothing(state)
            self.table.show([])
            self.says.update(Content(""))
        else:
            columns, rows = score_table(group, self._order)
            self.table.change_columns(columns)
            self.table.sorted_by = ORDERS[self._order][:2]
            self.table.show(rows)
            warnings = [Content.styled(clean_line(f"⚠ {words}"), "$text-warning") for words in group.warnings]
            failure = state.failures.get("scoreboard")
            if failure is not None:
                warnings.insert(0, Content.styled(clean_line(str(failure)), "$text-error"))
            summary = [Content(clean_line(group.summary))] if group.summary else []
            self.says.update(Content("\n").join([*summary, *warnings]))
        self._draw_row()

    def _draw_head(self, state: State) -> None:
        board, group, run = self._scoreboard, self.group, state.shown
        title = "Results" if run is None else (run.status.title or run.status.run_id)
        words = [title]
        if run is not None and run.status.state != "succeeded":
            words.append(f"{run.status.state}{f': {run.status.message}' if run.status.message else ''}")
        if group is not None:
            words.append(group_words(group))
            words.append("" if self._order == "score" else f"order: {ORDERS[self._order][2]}")
        self.head.update(Content(clean_line(" · ".join(word for word in words if word))))
        groups = board.groups if board is not None else ()
        self.groups.display = len(groups) > 1
        tabs: list[Content] = []
        for at, one in enumerate(groups):
            tabs.append(Content.styled(f" {clean_line(one.title)} ", "bold reverse" if at == self._at else ""))
        self.groups.update(Content(" ").join(tabs))

    def _draw_row(self) -> None:
        row = self.row
        lines = row_words(row) if row is not None else []
        self.row_detail.update(Content("\n".join(clean_line(line) for line in lines)))

    def on_line_table_row_highlighted(self, event: LineTable.RowHighlighted) -> None:
        """Show the row in full."""
        if not isinstance(event, LineTable.RowSelected):
            event.stop()
            self._draw_row()

    def on_line_table_header_selected(self, event: LineTable.HeaderSelected) -> None:
        """Order by the column that was clicked."""
        event.stop()
        for order, (column, _, _) in ORDERS.items():
            if column == event.column_key:
                self._order = order
                self._draw(proctor(self).store.state)

    def action_group(self, by: int) -> None:
        """Show another group."""
        if self._scoreboard is not None and self._scoreboard.groups:
            self._at = (self._at + by) % len(self._scoreboard.groups)
            self._draw(proctor(self).store.state)

    def action_order(self) -> None:
        """The next order."""
        orders = list(ORDERS)
        self._order = orders[(orders.index(self._order) + 1) % len(orders)]
        self._draw(proctor(self).store.state)


class ResultsScreen(PlaceScreen):
    """Scoreboard, samples, transcript: Enter goes down, Escape goes up."""

    HELP = """
    The scoreboard of a run, with intervals and what differs for certain. Enter goes down to the samples of a cell and
    to the transcript of one of them, Escape comes up again.
    """
    PLACE = "results"
    DEFAULT_CSS = """
    ResultsScreen.-short .scores--row { display: none; }
    ResultsScreen.-short .scores--head { max-height: 1; }
    ResultsScreen.-short .scores--says { max-height: 1; }
    """
    VERTICAL_BREAKPOINTS = [(0, "-short"), (20, "-tall")]  # noqa: RUF012 - as Textual declares it
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "up", "back", id="results.up", tooltip="One level up"),
        Binding("d", "across", "across cells", id="results.across", tooltip="This sample as every cell answered it"),
    ]

    scores = query_one(ScoresPane)
    samples = query_one(SamplesPane)
    across = query_one(AcrossPane)
    transcript = query_one(TranscriptPane)

    def __init__(self) -> None:
        super().__init__()
        self._levels: list[Level] = ["scores"]
        self._run: KnownRun | None = None
        self._asked_for: Path | None = None

    def body(self) -> Iterable[Widget]:
        """The levels, of which one is seen."""
        yield ScoresPane(id="scores")
        yield SamplesPane(id="samples")
        yield AcrossPane(id="across")
        yield TranscriptPane(id="transcript")

    def on_mount(self) -> None:
        """Begin with the scoreboard; another run begins there again."""
        self._show_level()
        self.store.subscribe(self, {"shown", "runs"}, self._on_runs)

    def on_screen_resume(self) -> None:
        """Show the newest run that has ended, where none is shown."""
        self._open_newest(self.state)

    def _on_runs(self, state: State) -> None:
        shown = state.shown
        if shown is not self._run:
            if shown is None or self._run is None or shown.run_dir != self._run.run_dir:
                self._levels = ["scores"]
                self._show_level()
            self._run = shown
        if self.is_current:
            self._open_newest(state)

    def _open_newest(self, state: State) -> None:
        if state.shown is None and state.runs:
            newest = next((run for run in state.runs if run.status.exit_code is not None), None)
            if newest is not None and newest.run_dir != self._asked_for:
                self._asked_for = newest.run_dir
                self.post_message(RunOpened(newest))

    def _show_level(self) -> None:
        level = self._levels[-1]
        for pane in (self.scores, self.samples, self.across, self.transcript):
            pane.display = pane.id == level
        target = {
            "scores": lambda: self.scores.table,
            "samples": lambda: self.samples.table,
            "across": lambda: self.across.table,
            "transcript": lambda: self.transcript.query_one(TranscriptView),
        }[level]
        self.set_focus(target())
        self.refresh_bindings()

    def _go_down(self, level: Level) -> None:
        if self._levels[-1] != level:
            self._levels.append(level)
        self._show_level()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only what there is on this level."""
        if action == "up":
            return len(self._levels) > 1
        if action == "across":
            return self._levels[-1] == "samples"
        return True

    def action_up(self) -> None:
        """One level up."""
        self._levels.pop()
        self._show_level()

    def action_across(self) -> None:
        """The sample under the cursor, as every cell of the group answered it."""
        sample = self.samples.current
        group = self.scores.group
        if sample is None or group is None:
            return
        cells = (self._cell_log(row) for row in group.rows)
        known = tuple(cell for cell in cells if cell is not None)
        self.post_message(SamplesRequested(tuple(cell.log for cell in known)))
        self.across.open(sample, known)
        self._go_down("across")

    def _cell_log(self, row: ScoreRow) -> CellLog | None:
        run = self.state.shown
        return None if run is None or row.log is None else CellLog(row.label, run.run_dir / row.log)

    @on(LineTable.RowSelected, "#scores-table")
    def _open_cell(self, event: LineTable.RowSelected) -> None:
        event.stop()
        row = self.scores.row
        if row is None:
            return
        cell = self._cell_log(row)
        if cell is None:
            self.notify(
                clean_line(f"{row.label} has no log: {row.reason or row.state}"), severity="warning", markup=False
            )
            return
        self.post_message(SamplesRequested((cell.log,)))
        self.samples.open(cell)
        self._go_down("samples")

    @on(LineTable.RowSelected, "#samples-table")
    def _open_sample(self, event: LineTable.RowSelected) -> None:
        event.stop()
        self._open(self.samples.current)

    @on(LineTable.RowSelected, "#across-table")
    def _open_answer(self, event: LineTable.RowSelected) -> None:
        event.stop()
        self._open(self.across.current)

    @on(TranscriptPane.StepRequested)
    def _step(self, event: TranscriptPane.StepRequested) -> None:
        event.stop()
        above = self._levels[-2] if len(self._levels) > 1 else "samples"
        self._open((self.across if above == "across" else self.samples).step(event.by))

    def reveal(self, thing: object) -> None:
        """Show the transcript of a sample that was found elsewhere."""
        self._open(cast("SampleRef", thing))

    def _open(self, sample: SampleRef | None) -> None:
        if sample is not None:
            self.post_message(SampleOpened(sample))
            self._go_down("transcript")


def words_for_nothing(state: State) -> str:
    """What stands where the scoreboard would: what is awaited, what failed, or what to do."""
    for field in ("scoreboard", "runs"):
        if failure := state.failures.get(field):
            return str(failure)
        if waiting := state.waiting.get(field):
            return f"{waiting} …"
    return "This run has no cells." if state.shown is not None else NOTHING_YET
