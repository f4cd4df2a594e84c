"""Noticing that runs end, whichever place is shown and whoever started them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ...profiles.base.format import format_score

if TYPE_CHECKING:
    from ...evals.run.run_list import KnownRun


class Endings:
    """Remembers which runs were seen going on, and tells each end once."""

    def __init__(self) -> None:
        self.newest: KnownRun | None = None  # that ended while it was watched
        self._going: set[Path] = set()
        self._ended: dict[Path, float] = {}  # when their status was written that said so

    @property
    def is_watching(self) -> bool:
        """Whether any run that was seen goes on."""
        return bool(self._going)

    def see(self, runs: Iterable[KnownRun]) -> list[KnownRun]:
        """Look at how runs stand now; those that have ended since they were last looked at."""
        found: list[KnownRun] = []
        for run in runs:
            if run.status.exit_code is None:
                if run.status.updated_at_s > self._ended.get(run.run_dir, 0.0):  # else it was read before its end was
                    self._going.add(run.run_dir)
            elif run.run_dir in self._going:
                self._going.discard(run.run_dir)
                self._ended[run.run_dir] = run.status.updated_at_s
                found.append(run)
        if found:
            self.newest = found[0]
        return found


def end_words(run: KnownRun, key: str) -> str:
    """How a run ended, in a line.

    Args:
        run: The run.
        key: The key that opens it, as it is shown.
    """
    status = run.status
    best = max((cell.score for cell in status.cells if cell.score is not None), default=None)
    parts = (
        f"{status.title or status.run_id}: {status.state}",
        "" if best is None else f"best {format_score(best)}",
        status.message if status.state != "succeeded" else "",
        f"{key} opens it",
    )
    return " · ".join(part for part in parts if part)


def end_severity(run: KnownRun) -> Literal["information", "warning", "error"]:
    """How loud its end is told."""
    state = run.status.state
    return "information" if state == "succeeded" else "error" if state == "failed" else "warning"
