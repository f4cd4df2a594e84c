"""The live Inspect processes of this user, whoever started them: `inspect eval` in another window, say.

Each announces itself by a file `<pid>.json` in Inspect's control folder and serves its socket beside it. Files of
processes that are gone are passed over; Inspect sweeps them itself.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import ValidationError

from .control_wire import TASKS, TaskRow, Wire, connect, sockets_folder
from .steer import STEERABLE_SINCE

if TYPE_CHECKING:
    import httpx

TIMEOUT_S = 1.0
_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class InspectTask:
    """One task of a process, now. Times are seconds since the epoch. Text is as it came: not cleaned."""

    eval_id: str
    task_id: str
    task: str
    model: str
    ended: bool
    total: int
    done: int  # samples that ended, with or without an error
    errors: int
    in_flight: int
    started_at_s: float | None = None
    ended_at_s: float | None = None
    paused: Literal["", "soft", "now"] = ""
    ending: bool = False  # it was told to, and what it works on is being finished
    tokens_per_s: float | None = None  # all tokens over all its time
    retries: int = 0
    log: str = ""


@dataclass(frozen=True, slots=True)
class InspectProcess:
    """One live process; a busy one with the tasks it told of last."""

    pid: int
    answer: Literal["answered", "busy", "silent"]
    started_at_s: float
    tasks: tuple[InspectTask, ...] = ()
    steerable: bool = False


class _Announcement(Wire):
    pid: int
    started_at: float = 0.0
    api_version: int = 0


@dataclass(slots=True)
class InspectProcesses:
    """Finds processes and asks them. Calls block, and come from one thread at a time; close it at the end.

    Args:
        folder: Where they announce themselves; Inspect's own folder when left out.
    """

    folder: Path | None = None
    _clients: dict[int, httpx.Client] = field(default_factory=dict[int, Any], init=False)
    _last: dict[int, InspectProcess] = field(default_factory=dict[int, Any], init=False)

    def find(self, *, without: Collection[int] = ()) -> tuple[InspectProcess, ...]:
        """Every live process but some, the newest first.

        Args:
            without: Pids that are known already, as those of our own cells.
        """
        announced = [found for found in announcements(self.folder) if found.pid not in without]
        for pid in self._clients.keys() - {found.pid for found in announced}:
            self._clients.pop(pid).close()
        for found in announced:
            if found.pid not in self._clients:
                self._clients[found.pid] = connect(self.folder, found.pid, TIMEOUT_S, keep=True)
        if not announced:
            self._last = {}
            return ()
        with ThreadPoolExecutor(min(len(announced), _AT_ONCE)) as pool:
            processes = tuple(pool.map(self._ask, announced))
        self._last = {process.pid: process for process in processes}
        return tuple(sorted(processes, key=lambda process: -process.started_at_s))

    def close(self) -> None:
        """Close every connection."""
        while self._clients:
            self._clients.popitem()[1].close()

    def _ask(self, found: _Announcement) -> InspectProcess:
        import httpx

        answer: Literal["answered", "busy", "silent"] = "silent"
        tasks: tuple[InspectTask, ...] = ()
        try:
            response = self._clients[found.pid].get("/tasks")
            if response.is_success:
                answer, tasks = "answered", tuple(_task(row) for row in TASKS.validate_json(response.content))
        except httpx.TimeoutException:
            answer = "busy"
            tasks = self._last[found.pid].tasks if found.pid in self._last else ()
        except (httpx.TransportError, ValidationError):
            pass
        return InspectProcess(found.pid, answer, found.started_at, tasks, found.api_version >= STEERABLE_SINCE)


def announcements(folder: Path | None = None) -> Iterator[_Announcement]:
    """What the live processes have announced, in no order."""
    try:
        files = [path for path in (folder or sockets_folder()).iterdir() if path.suffix == ".json"]
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return
    for path in files:
        try:
            found = _Announcement.model_validate_json(path.read_bytes())
        except (OSError, ValidationError):
            continue
        if str(found.pid) == path.stem and _is_alive(found.pid):
            yield found


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, PermissionError, OverflowError):
        return False  # another user's process has a pid that one of ours once had
    return pid > 1


def _task(row: TaskRow) -> InspectTask:
    counts = row.samples
    return InspectTask(
        eval_id=row.eval_id,
        task_id=row.task_id,
        task=row.task,
        model=row.model,
        ended=row.status == "completed",
        total=counts.total,
        done=counts.completed + counts.errored,
        errors=counts.errored,
        in_flight=counts.in_flight,
        started_at_s=row.started_at,
        ended_at_s=row.completed_at,
        paused="now" if row.paused_now else "soft" if row.paused else "",
        ending=row.resolving is not None,
        tokens_per_s=row.tokens_per_second,
        retries=row.http_retries,
        log=row.log_location,
    )
