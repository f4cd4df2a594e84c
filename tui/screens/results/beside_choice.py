"""What a sample can stand beside: the other cells of its run, and cells of the same task in other runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from textual.screen import Screen

from ...dialogs.picker import ChooseScreen
from ...state.store import SampleRef
from ...widgets.context import application
from ...widgets.table.table import Column, Row, TableCell

if TYPE_CHECKING:
    from ....evals.run.run_list import KnownRun

_COLUMNS = (Column("cell", "cell", 0), Column("run", "run", 40))
MOST = 500


def other_logs(sample: SampleRef, shown: KnownRun | None, runs: Sequence[KnownRun]) -> list[tuple[Path, str, str]]:
    """Logs of the same task with the cell's and the run's name: those of the run that is shown first."""
    if shown is None:
        return []
    task = next((cell.task for cell in shown.status.cells if _log(shown, cell.log) == sample.log), None)
    others = [run for run in runs if run.run_dir != shown.run_dir]
    found: list[tuple[Path, str, str]] = []
    for run in (shown, *others):
        for cell in run.status.cells:
            log = _log(run, cell.log)
            if log is not None and log != sample.log and (task is None or cell.task == task):
                found.append((log, cell.label, "this run" if run is shown else run.status.title or run.status.run_id))
    return found[:MOST]


def _log(run: KnownRun, log: str | None) -> Path | None:
    return None if log is None else run.run_dir / log


def ask_what_stands_beside(
    screen: Screen[None],
    sample: SampleRef,
    others: Sequence[tuple[Path, str, str]],
    then: Callable[[SampleRef, SampleRef], object],
) -> None:
    """Ask for one of the logs; where there is but one, it is taken."""
    if not others:
        screen.notify("No other cell or run of this task has a log", markup=False)
        return
    if len(others) == 1:
        then(sample, replace(sample, log=others[0][0]))
        return

    def chosen(key: str | None) -> None:
        if key is not None:
            then(sample, replace(sample, log=others[int(key)][0]))

    rows = [Row(str(at), (TableCell(label), TableCell(run, "dim"))) for at, (_, label, run) in enumerate(others)]
    application(screen).push_screen(
        ChooseScreen(f"#{sample.sample_id}/{sample.epoch} beside", _COLUMNS, rows, can_filter=True), chosen
    )
