"""The supervisor: one process in its own session per run. It owns the run directory and outlives the terminal.

Started as `python -m proctor.evals.engine.supervisor`; it warms the forkserver at once and waits for its order on
stdin: one JSON line, `{"run_dir": …, "token": …}`. Without an order it ends without a trace.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from .backends.base import Backend, CellExited, CellReport
from .backends.local import LocalBackend
from .budget import committed_usd
from .diagnostics import Diagnostics
from .job import CellEnded, CellJob, CellProgress
from .journal import Journal
from .plan import Cell, Plan
from .reasons import reason_line
from .run_toml import read_run_toml
from .runs import RUN_FILE
from .status import ENDED, CellState, CellStatus, RunStatus
from .status_file import write_status

STATUS_EVERY_S = 0.5
KILL_AFTER_S = 40.0  # a cell that was asked to end and does not


class Supervisor:
    """Runs the cells of a plan and keeps journal and status."""

    def __init__(
        self,
        run_dir: Path,
        run_id: str,
        plan: Plan,
        backend: Backend,
        journal: Journal,
        *,
        token: str | None,
        clock: Callable[[], float] = time.time,
        stopwatch: Callable[[], float] = time.monotonic,
    ) -> None:
        self._run_dir = run_dir
        self._run_id = run_id
        self._plan = plan
        self._backend = backend
        self._journal = journal
        self._token = token
        self._clock = clock
        self._stopwatch = stopwatch  # the clock may be set while a run goes on
        self._jobs = {cell.id: cell for cell in plan.cells}
        self._cells = {cell.id: _waiting(cell) for cell in plan.cells}
        self._alive: set[str] = set()  # cells whose processes are not gone yet, whatever they said last
        self._started_at_s = clock()
        self._ending_since_s: float | None = None
        self._over_budget = False
        self._stops = 0
        self._stops_obeyed = 0
        self._written_at_s = -STATUS_EVERY_S
        self._unwritten = ""

    def run(self, wakeup_fd: int) -> RunStatus:
        """Run every cell to its end and return the final status."""
        self._record("run_started", self._clock(), run_id=self._run_id, pid=os.getpid(), cells=list(self._cells))
        self._write_status(force=True)
        while self._alive or any(cell.state not in ENDED for cell in self._cells.values()):
            self._obey_stops()
            self._start_cells()
            for report in self._backend.wait(STATUS_EVERY_S, wakeup_fd):
                self._take(report)
            _drain(wakeup_fd)
            self._hold_to_budget()
            self._kill_stragglers()
            self._write_status()
        status = self._status(ended=True)
        self._record("run_ended", self._clock(), state=status.state, exit_code=status.exit_code)
        self._keep(lambda: write_status(self._run_dir, status))
        return status

    def stop(self, *_: object) -> None:
        """Ask for a stop: the first time in order, the second time at once. Safe in a signal handler."""
        self._stops += 1

    def stop_at_once(self, *_: object) -> None:
        """Ask for the end of every cell's process now. Safe in a signal handler."""
        self._stops = max(self._stops + 1, 2)

    def _obey_stops(self) -> None:
        if self._stops > self._stops_obeyed:
            self._stops_obeyed = self._stops
            self._end_all("stop" if self._stops == 1 else "kill", "stopped", None)

    def _start_cells(self) -> None:
        """Start waiting cells while there is room, the least busy provider's first."""
        while True:
            busy = [cell for cell in self._cells.values() if cell.state in ("starting", "running", "paused")]
            waiting = [self._jobs[cell.id] for cell in self._cells.values() if cell.state == "waiting"]
            if not waiting or len(busy) >= self._plan.settings.cells_at_once:
                return
            load = Counter(_provider(self._jobs[cell.id]) for cell in busy)
            self._start(min(waiting, key=lambda cell: load[_provider(cell)]))

    def _start(self, cell: Cell) -> None:
        job = CellJob(
            cell=cell,
            run_id=self._run_id,
            run_dir=str(self._run_dir),
            source=self._plan.source,
            hub_url=self._plan.hub_url,
            settings=self._plan.settings,
            token=self._token,
        )
        try:
            pid = self._backend.start(job)
        except (OSError, EOFError) as error:
            why = reason_line(str(error)) or "the server that forks it is gone"
            self._end(self._cells[cell.id], "failed", f"the cell's process could not be started: {why}")
            return
        now_s = self._clock()  # the forkserver may have been loading until here
        self._alive.add(cell.id)
        self._cells[cell.id] = replace(self._cells[cell.id], state="starting", pid=pid, started_at_s=now_s)
        self._record("cell_started", now_s, cell=cell.id, pid=pid)
        self._write_status(force=True)

    def _take(self, report: CellReport) -> None:
        cell = self._cells[report.cell_id]
        if isinstance(report.news, CellExited):
            self._alive.discard(cell.id)
        match report.news:
            case CellProgress():
                self._cells[cell.id] = replace(_with_progress(cell, report.news), state="running")
            case CellEnded() as ended:
                self._end(
                    replace(
                        _with_progress(cell, ended.progress),
                        score=ended.score if ended.score is not None else ended.progress.score,
                        stderr=ended.stderr,
                        metric=ended.metric,
                    ),
                    ended.state,
                    ended.error,
                )
            case CellExited(exit_code) if cell.state not in ENDED:
                state = "stopped" if self._stops else "held" if self._over_budget else "failed"
                self._end(cell, state, None if state == "held" else _death(exit_code, cell))
            case _:
                pass

    def _end(self, cell: CellStatus, state: CellState, error: str | None) -> None:
        now_s = self._clock()
        if state == "held" and error is None and self._over_budget:
            error = self._budget_reason()
        cell = replace(
            cell,
            state=state,
            ended_at_s=now_s,
            in_flight=0,
            waiting=0,
            last_error=error if state != "succeeded" else None,
        )
        self._cells[cell.id] = cell
        self._record("cell_ended", now_s, **asdict(cell))
        self._write_status(force=True)

    def _hold_to_budget(self) -> None:
        budget_usd = self._plan.settings.budget_usd
        if budget_usd is None or self._over_budget:
            return
        if committed_usd((self._cells[cell.id], cell) for cell in self._plan.cells) >= budget_usd:
            self._over_budget = True
            self._end_all("hold", "held", self._budget_reason())

    def _budget_reason(self) -> str:
        budget_usd = self._plan.settings.budget_usd or 0.0
        return f"the run's budget of ${budget_usd:{'.2f' if budget_usd >= 0.1 else '.2g'}} is used up"

    def _end_all(self, how: Any, state: CellState, reason: str | None) -> None:
        if self._ending_since_s is None:
            self._ending_since_s = self._stopwatch()
            self._record(f"run_{how}", self._clock(), reason=reason)
        for cell in self._cells.values():
            if cell.state == "waiting":
                self._end(cell, state, reason)
            elif cell.state not in ENDED:
                self._backend.end(cell.id, how)

    def _kill_stragglers(self) -> None:
        if self._ending_since_s is not None and self._stopwatch() - self._ending_since_s > KILL_AFTER_S:
            for cell in self._cells.values():
                if cell.state not in ENDED:
                    self._backend.end(cell.id, "kill")

    def _write_status(self, *, force: bool = False) -> None:
        now_s = self._stopwatch()
        if force or now_s - self._written_at_s >= STATUS_EVERY_S:
            self._keep(lambda: write_status(self._run_dir, self._status(ended=False)))
            self._written_at_s = now_s

    def _record(self, event: str, at_s: float, **fields: Any) -> None:
        self._keep(lambda: self._journal.write(event, at_s, **fields))

    def _keep(self, write: Callable[[], object]) -> None:
        """Write to the run directory. A full disk is lived through; a run whose directory is gone is ended."""
        try:
            write()
        except OSError as error:
            if (says := f"cannot write in {self._run_dir}: {error.strerror or error}") != self._unwritten:
                self._unwritten = says
                print(says, file=sys.stderr, flush=True)
            if not self._run_dir.is_dir() and self._stops < 2:
                self.stop_at_once()

    def _status(self, *, ended: bool) -> RunStatus:
        cells = tuple(self._cells.values())
        states = {cell.state for cell in cells}
        state: Any = "running"
        exit_code = message = None
        if ended:
            state = next(s for s in ("stopped", "held", "failed", "succeeded") if s in states)
            exit_code = 130 if self._stops else 4 if self._over_budget else 0 if states == {"succeeded"} else 1
            message = self._budget_reason() if self._over_budget else None
        elif states <= {"waiting", "starting"}:
            state = "starting"
        now_s = self._clock()
        return RunStatus(
            run_id=self._run_id,
            title=self._plan.title,
            source=self._plan.source,
            state=state,
            cells=cells,
            supervisor_pid=None if ended else os.getpid(),
            started_at_s=self._started_at_s,
            updated_at_s=now_s,
            ended_at_s=now_s if ended else None,
            budget_usd=self._plan.settings.budget_usd,
            exit_code=exit_code,
            message=message,
        )


def _waiting(cell: Cell) -> CellStatus:
    return CellStatus(
        id=cell.id,
        label=cell.label,
        task=cell.task,
        target=cell.target.name,
        total=cell.estimate.samples,
        self_graded=cell.self_graded,
        variant=cell.variant,
        task_args=cell.task_args,
    )


def _provider(cell: Cell) -> str:
    return cell.target.route or cell.expected_provider or cell.target.name


def _with_progress(cell: CellStatus, progress: CellProgress) -> CellStatus:
    return replace(
        cell,
        done=progress.done,
        total=progress.total if progress.total is not None else cell.total,
        errors=progress.errors,
        in_flight=progress.in_flight,
        score=progress.score,
        model=progress.model,
        grader=progress.grader,
        retries=progress.retries,
        waits_s=progress.waits_s,
        waiting=progress.waiting,
        next_try_at_s=progress.next_try_at_s,
        served_by=progress.served_by,
        last_error=progress.last_error,
        log=progress.log or cell.log,
    )


def _death(exit_code: int, cell: CellStatus) -> str:
    how = f"was killed by {signal.Signals(-exit_code).name}" if exit_code < 0 else f"ended with code {exit_code}"
    return f"the cell's process {how} after {cell.done} of {cell.total if cell.total is not None else '?'} samples"


def _drain(fd: int) -> None:
    try:
        while os.read(fd, 512):
            pass
    except BlockingIOError:
        return


def main() -> int:
    """Warm up, wait for the order, run."""
    diagnostics = Diagnostics()
    reader_fd, writer_fd = _wakeup_pipe()
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    stops: list[int] = []  # signals that come before there is a run to stop
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT):
        signal.signal(number, lambda number, _: stops.append(number))
    backend = LocalBackend()
    backend.warm()
    line = sys.stdin.buffer.readline()
    if not line.strip():
        return 0
    order = json.loads(line)
    run_dir = Path(order["run_dir"])
    token: str | None = order["token"]
    diagnostics.write_to(run_dir / "supervisor.log", hide=token)
    try:
        with Journal(run_dir) as journal:
            frozen = read_run_toml(run_dir / RUN_FILE)
            supervisor = Supervisor(run_dir, frozen.run_id, frozen.plan, backend, journal, token=token)
            signal.set_wakeup_fd(writer_fd)
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, supervisor.stop)
            signal.signal(signal.SIGQUIT, supervisor.stop_at_once)
            for number in stops:
                signal.raise_signal(number)
            status = supervisor.run(reader_fd)
    finally:
        backend.close()
        diagnostics.close()
    return status.exit_code or 0


def _wakeup_pipe() -> tuple[int, int]:
    reader_fd, writer_fd = os.pipe()
    os.set_blocking(reader_fd, False)
    os.set_blocking(writer_fd, False)
    return reader_fd, writer_fd


if __name__ == "__main__":
    sys.exit(main())
