"""The samples of a cell, and one sample across all cells of its group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.getters import query_one
from textual.widgets import Static

from ..clean import clean_line
from ..store import SampleRef
from ..widgets.bars import proctor
from ..widgets.filter_bar import FilterBar
from ..widgets.line_table import LineTable
from ..widgets.score_rows import (
    SAMPLE_ORDERS,
    ListedSample,
    SampleOrder,
    matches,
    order_samples,
    sample_table,
)

if TYPE_CHECKING:
    from ...evals.results.log_index import SampleRow
    from ..store import State


@dataclass(frozen=True, slots=True)
class CellLog:
    """A cell whose samples can be listed."""

    label: str
    log: Path


class SamplesPane(Vertical):
    """The samples of one cell; a filter, an order."""

    DEFAULT_CSS = """
    SamplesPane {
        & > .samples--head { height: auto; max-height: 3; padding: 0 1; text-style: bold; }
        & > .samples--says { height: auto; max-height: 3; padding: 0 1; color: $foreground-muted; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "filter", id="samples.filter", tooltip="Show only samples with these words"),
        Binding("o", "order", "order", id="samples.order", tooltip="Another order"),
    ]

    head = query_one(".samples--head", Static)
    says = query_one(".samples--says", Static)
    table = query_one("#samples-table", LineTable)
    bar = query_one("#samples-filter", FilterBar)

    def __init__(self, *, id: str) -> None:
        """Make a pane that shows nothing yet."""
        super().__init__(id=id)
        self._cell: CellLog | None = None
        self._order: SampleOrder = "sample"
        self._rows: Sequence[SampleRow] = ()
        self._shown: list[int] = []  # positions in `_rows`

    def compose(self) -> ComposeResult:
        """Whose samples, the filter, the samples, and what is awaited or wrong."""
        yield Static(markup=False, classes="samples--head")
        yield FilterBar(placeholder="words in id, answer or error; !word leaves out", id="samples-filter")
        yield LineTable([], id="samples-table")
        yield Static(markup=False, classes="samples--says")

    def on_mount(self) -> None:
        """Follow what has been read."""
        proctor(self).store.subscribe(self, {"indexes", "waiting", "failures"}, self._draw)

    def open(self, cell: CellLog) -> None:
        """List the samples of a cell."""
        if cell != self._cell:
            self._cell = cell
            self.bar.text = ""
        self._draw(proctor(self).store.state)

    @property
    def current(self) -> SampleRef | None:
        """The sample under the cursor."""
        key = self.table.cursor_key
        if self._cell is None or key is None:
            return None
        row = self._rows[int(key)]
        return SampleRef(self._cell.log, row.id, row.epoch)

    def step(self, by: int) -> SampleRef | None:
        """Move the cursor and return the sample there; `None` where the list ends."""
        before = self.table.cursor_key
        self.table.action_move(by)
        return None if self.table.cursor_key == before else self.current

    def _draw(self, state: State) -> None:
        cell = self._cell
        if cell is None:
            return
        index = state.indexes.get(cell.log)
        failure, waiting = state.failures.get("indexes"), state.waiting.get("indexes")
        self._rows = tuple(index.samples) if index is not None else ()
        words = self.bar.text.casefold().split()
        order = order_samples(self._rows, self._order)
        self._shown = [at for at in order if matches(self._rows[at], words)]
        epochs = index is not None and index.epochs > 1
        listed = [ListedSample(str(at), f"#{self._rows[at].id}", self._rows[at]) for at in self._shown]
        columns, rows = sample_table(listed, "sample", epochs)
        column, downwards, order_words = SAMPLE_ORDERS[self._order]
        empty = "no sample has these words" if words and index is not None else "no samples"
        if index is None:
            empty = str(failure) if failure else f"{waiting} …" if waiting else ""
        self.table.change_columns(columns)
        self.table.sorted_by = (column, downwards)
        self.table.empty = empty
        self.table.show(rows)
        count = f"{len(rows)} of {len(self._rows)}" if words else f"{len(self._rows)}"
        self.head.update(Content(clean_line(f"{cell.label} · {count} samples · order: {order_words}")))
        note = (index.error or "") if index is not None else ""
        self.says.update(Content(clean_line(note)))
        self.says.display = bool(note)

    def on_filter_bar_filtered(self, event: FilterBar.Filtered) -> None:
        """Show what has the words."""
        event.stop()
        self._draw(proctor(self).store.state)

    def on_line_table_header_selected(self, event: LineTable.HeaderSelected) -> None:
        """Order by the column that was clicked."""
        event.stop()
        for order, (column, _, _) in SAMPLE_ORDERS.items():
            if column == event.column_key:
                self._order = order
                self._draw(proctor(self).store.state)

    def action_filter(self) -> None:
        """Type what to show."""
        self.bar.open()

    def action_order(self) -> None:
        """The next order."""
        orders = list(SAMPLE_ORDERS)
        self._order = orders[(orders.index(self._order) + 1) % len(orders)]
        self._draw(proctor(self).store.state)


class AcrossPane(Vertical):
    """One sample as all cells of a group answered it: where they disagree."""

    DEFAULT_CSS = "AcrossPane > .across--head { height: auto; max-height: 3; padding: 0 1; text-style: bold; }"

    head = query_one(".across--head", Static)
    table = query_one("#across-table", LineTable)

    def __init__(self, *, id: str) -> None:
        """Make a pane that shows nothing yet."""
        super().__init__(id=id)
        self._sample: SampleRef | None = None
        self._cells: tuple[CellLog, ...] = ()
        self._refs: dict[str, SampleRef] = {}

    def compose(self) -> ComposeResult:
        """Which sample, and what the cells made of it."""
        yield Static(markup=False, classes="across--head")
        yield LineTable([], id="across-table")

    def on_mount(self) -> None:
        """Follow what has been read."""
        proctor(self).store.subscribe(self, {"indexes", "waiting", "failures"}, self._draw)

    def open(self, sample: SampleRef, cells: tuple[CellLog, ...]) -> None:
        """Show one sample of these cells."""
        self._sample, self._cells = sample, cells
        self._draw(proctor(self).store.state)

    @property
    def current(self) -> SampleRef | None:
        """The sample under the cursor."""
        return self._refs.get(self.table.cursor_key or "")

    def step(self, by: int) -> SampleRef | None:
        """Move the cursor and return the sample there; `None` where the list ends."""
        before = self.table.cursor_key
        self.table.action_move(by)
        return None if self.table.cursor_key == before else self.current

    def _draw(self, state: State) -> None:
        from ...evals.results.log_index import SampleColumns

        sample = self._sample
        if sample is None:
            return
        listed: list[ListedSample] = []
        self._refs = {}
        for cell in self._cells:
            index = state.indexes.get(cell.log)
            known = index.samples if index is not None else SampleColumns()
            found = [at for at, name in enumerate(known.id) if name == sample.sample_id]
            for at in found:
                row = known.row(at)
                key = f"{cell.log.name} {at}"
                listed.append(ListedSample(key, cell.label, row))
                self._refs[key] = SampleRef(cell.log, row.id, row.epoch)
            if not found:
                listed.append(ListedSample(cell.log.name, cell.label, None))
        epochs = any(ref.epoch > 1 for ref in self._refs.values())
        columns, rows = sample_table(listed, "target", epochs)
        self.table.change_columns(columns)
        self.table.show(rows)
        scores = [one.row.score for one in listed if one.row is not None and one.row.score is not None]
        agreed = "" if not scores else "all agree" if len(set(scores)) == 1 else "they disagree"
        failure, waiting = state.failures.get("indexes"), state.waiting.get("indexes")
        parts = (f"#{sample.sample_id} across {len(self._cells)} cells", agreed, str(failure or ""), waiting)
        self.head.update(Content(clean_line(" · ".join(part for part in parts if part))))
