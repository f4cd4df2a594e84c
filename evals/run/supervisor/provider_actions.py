"""Doing what the watch over the providers says: orders to cells, holds, and lines for a person."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace

from ..executors.base import Backend
from ..ipc import CellProbed, CellRefused, Open, Park
from ..status import ENDED, CellStatus
from .provider_policy import Announce, Doing, Hold, ProviderWatch, Send, drift
from .run_state import RunBook


class ProviderActions:
    """Minds the providers of a run, on the supervisor's thread.

    Args:
        book: The run.
        backend: Tells cells.
        hold: Asks the process of a cell to end as held.
        stopwatch: Seconds, never set back.
    """

    def __init__(
        self, book: RunBook, backend: Backend, hold: Callable[[str], None], stopwatch: Callable[[], float]
    ) -> None:
        self._book = book
        self._backend = backend
        self._hold = hold
        self._stopwatch = stopwatch
        self._watch = ProviderWatch(book.plan.cells, book.settings)
        self._watch.resumed(book.cells.values())
        self._has_failed = False  # some sample, since the shares were last looked at
        self.held: dict[str, str] = {}  # why cells were asked to end as held, until they have

    def may_start(self, cell_id: str) -> bool:
        """Whether a cell may be started."""
        return self._watch.may_start(cell_id)

    def due_in_s(self, most_s: float) -> float:
        """For how long nothing has to be done, at most so long."""
        due_in_s = self._watch.due_in_s(self._stopwatch())
        return most_s if due_in_s is None else min(due_in_s, most_s)

    def take(self, cell_id: str, news: CellRefused | CellProbed, alive: Collection[str]) -> None:
        """Take in what a cell says of its provider.

        Args:
            cell_id: The cell.
            news: What it says.
            alive: The cells that take orders.
        """
        act = self._watch.refused if isinstance(news, CellRefused) else self._watch.probed
        self._do(act(cell_id, news, self._stopwatch(), alive))  # pyright: ignore[reportArgumentType]

    def progressed(self, before: CellStatus, now: CellStatus) -> None:
        """Take in how a cell stands now."""
        self._has_failed |= now.errors > before.errors
        for said in drift(before, now.served_by, self._book.jobs[now.id]):
            self._book.tell(said.tone, said.text, cell=now.id)

    def tick(self, alive: Collection[str]) -> None:
        """Do what is due."""
        paused = {cell_id for cell_id in alive if self._book.cells[cell_id].paused}
        self._do(self._watch.tick(self._stopwatch(), alive, paused))
        if self._has_failed:
            self._has_failed = False
            self._do(self._watch.counted(self._book.cells))

    def reopened(self, cells: Iterable[CellStatus]) -> None:
        """Forgive the providers of cells that are to start again."""
        self._watch.resumed(cells)

    def _do(self, doings: Sequence[Doing]) -> None:
        for doing in doings:
            match doing:
                case Send(cell_id, order):
                    self._backend.tell(cell_id, order)
                    if isinstance(order, Park | Open):
                        parked = order.reason if isinstance(order, Park) else ""
                        self._book.put(replace(self._book.cells[cell_id], parked=parked))
                case Hold(cell_ids, reason):
                    for cell_id in cell_ids:
                        self._hold_cell(self._book.cells[cell_id], reason)
                case Announce(tone, text):
                    self._book.tell(tone, text)

    def _hold_cell(self, cell: CellStatus, reason: str) -> None:
        if cell.state == "waiting":
            self._book.end(cell, "held", reason)
        elif cell.state not in ENDED:
            self.held.setdefault(cell.id, reason)
            self._hold(cell.id)
