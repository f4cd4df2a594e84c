"""Cells as processes of this machine, forked from a server that has Inspect loaded."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, SpawnContext
from multiprocessing.process import BaseProcess
from typing import Literal

from ..job import CellJob, CellMessage
from .base import CellExited, CellReport

# macOS may crash in system libraries that were used before a fork; a fresh interpreter is slower but safe.
_CONTEXT: SpawnContext | ForkServerContext = (
    multiprocessing.get_context("spawn") if sys.platform == "darwin" else multiprocessing.get_context("forkserver")
)
_SIGNALS = {"stop": signal.SIGTERM, "hold": signal.SIGUSR1, "kill": signal.SIGKILL}


@dataclass(frozen=True, slots=True)
class _Running:
    process: BaseProcess
    channel: Connection


def _main(job: CellJob, channel: Connection) -> None:
    from ..cell import run_cell

    run_cell(job, channel)


class LocalBackend:
    """A `Backend` on `multiprocessing`."""

    def __init__(self) -> None:
        self._running: dict[str, _Running] = {}

    def warm(self) -> None:
        """Start the forkserver; it loads Inspect while the plan is still being made."""
        if isinstance(_CONTEXT, ForkServerContext):
            forkserver.set_forkserver_preload([f"{__package__}.preload"])
            forkserver.ensure_running()

    def start(self, job: CellJob) -> int:
        """Start a cell's process and return its pid."""
        ours, theirs = _CONTEXT.Pipe(duplex=True)
        process = _CONTEXT.Process(target=_main, args=(job, theirs), name=job.cell.id)
        process.start()
        theirs.close()
        self._running[job.cell.id] = _Running(process, ours)
        assert process.pid is not None
        return process.pid

    def end(self, cell_id: str, how: Literal["stop", "hold", "kill"]) -> None:
        """Signal a cell; a kill takes the children of its user code with it."""
        running = self._running.get(cell_id)
        if running is None or running.process.pid is None:
            return
        try:
            if how == "kill":
                os.killpg(running.process.pid, signal.SIGKILL)
            else:
                os.kill(running.process.pid, _SIGNALS[how])
        except ProcessLookupError:
            return

    def wait(self, timeout_s: float, wakeup_fd: int) -> Sequence[CellReport]:
        """Wait for messages and exits."""
        by_channel = {running.channel: cell_id for cell_id, running in self._running.items()}
        ready = multiprocessing.connection.wait([*by_channel, wakeup_fd], timeout_s)
        reports: list[CellReport] = []
        for channel, cell_id in by_channel.items():
            if channel in ready:
                reports.extend(self._receive(cell_id, channel))
        return reports

    def _receive(self, cell_id: str, channel: Connection) -> list[CellReport]:
        reports: list[CellReport] = []
        try:
            while channel.poll():
                message: CellMessage = channel.recv()
                reports.append(CellReport(cell_id, message))
        except (EOFError, ConnectionResetError):
            process = self._running.pop(cell_id).process
            channel.close()
            process.join()
            reports.append(CellReport(cell_id, CellExited(process.exitcode if process.exitcode is not None else -1)))
            process.close()
        return reports

    def close(self) -> None:
        """Kill what still runs."""
        for cell_id in list(self._running):
            self.end(cell_id, "kill")
            running = self._running.pop(cell_id)
            running.process.join()
            running.channel.close()
