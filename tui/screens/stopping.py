"""Stopping a run from any place: in order, and after a question where something is on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..clean import clean_line
from ..messages import StopRequested
from ..widgets.confirm import ConfirmScreen

if TYPE_CHECKING:
    from ..store import KnownRun
    from .place import PlaceScreen


def ask_to_stop(screen: PlaceScreen, run: KnownRun) -> None:
    """Post `StopRequested`, after asking where samples would be given up or never begun."""
    status = run.status
    if status.exit_code is not None:
        screen.notify(f"{clean_line(status.title or status.run_id)} has ended already", markup=False)
        return
    in_flight = sum(cell.in_flight for cell in status.cells)
    done = sum(cell.done for cell in status.cells)
    totals = [cell.total for cell in status.cells]
    unfinished = None if None in totals else sum(total for total in totals if total is not None) - done
    if unfinished == 0:
        screen.post_message(StopRequested(run))
        return

    def answered(yes: bool | None) -> None:
        if yes:
            screen.post_message(StopRequested(run))

    screen.app.push_screen(  # pyright: ignore[reportUnknownMemberType]
        ConfirmScreen(
            f"Stop {clean_line(status.title or status.run_id)}?",
            f"{done} finished samples are kept. {in_flight} are being worked on: those answered within "
            f"20 seconds are graded and kept, the rest is given up. {'?' if unfinished is None else unfinished} "
            "of the run's samples are not finished.",
            "stop it",
        ),
        answered,
    )
