"""What `show`, `compare` and `export` are given: a run, a folder of Inspect logs, or one log."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...evals.inspect.logs.index_cache import ReadLog
from ...evals.results.inputs import CellResult, find_logs, gather_logs, gather_run
from ...evals.results.scoreboard import Order, Scoreboard, build_scoreboard
from ...evals.run.gates import CellFacts, needs_facts
from ...evals.run.status import RunStatus
from ...evals.run.status_file import STATUS_FILE, read_status
from ...evals.run.store import find_run, log_root
from ...profiles.base.errors import UsageError
from ...profiles.schema import Gates

if TYPE_CHECKING:
    from ...evals.results.report import RunFacts


@dataclass(frozen=True, slots=True)
class Gathered:
    """The cells of a run, or of logs that belong to none, with their logs' indexes."""

    name: str  # the run's id, or the name of the folder or the file
    folder: Path  # where the logs are
    status: RunStatus | None  # None for logs that belong to no run
    cells: list[CellResult]

    def scoreboard(self, order_by: Order = "score") -> Scoreboard:
        """All of them on one."""
        if self.status is None:
            return build_scoreboard(self.name, None, self.cells, order_by=order_by)
        title = self.status.title or self.name
        return build_scoreboard(title, self.name, self.cells, practice=self.is_practice, order_by=order_by)

    def cell_facts(self) -> dict[str, CellFacts]:
        """What gates hold a run against, by cell: of the logs that could be read."""
        from ...evals.results.row_scores import row_scores

        found: dict[str, CellFacts] = {}
        for status, index in self.cells:
            if index is not None:
                scores = row_scores(index.score_data())
                interval = scores.mean().interval if scores.is_mean else None
                low = None if interval is None else interval.low
                found[status.id] = CellFacts(len(scores.units), scores.doubts.ungraded, scores.doubts.cut, low)
        return found

    @property
    def is_practice(self) -> bool:
        """Whether the models are simulated, as far as the run or a log says."""
        said = self.status is not None and self.status.source == "practice"
        return said or any(index is not None and index.practice for _, index in self.cells)

    def facts(self) -> RunFacts:
        """What else there is to tell of them."""
        from ...evals.results.report import log_facts, run_facts

        return log_facts(self.cells) if self.status is None else run_facts(self.folder, self.status, self.cells)


def gather(reference: str | None, log_dir: str | None, read: ReadLog) -> Gathered:
    """Find and read them. A log that cannot be read costs its cell the statistics, and the cell says so.

    Args:
        reference: A run as `find_run` takes it; a folder of Inspect logs; or one log.
        log_dir: The log root, where one was asked for.
        read: Reads a log that is not in the cache.

    Raises:
        UsageError: There is no such thing.
        ProctorError: The run cannot be read.
    """
    path = Path(reference).expanduser() if reference else None
    if path is not None and path.is_file():
        return Gathered(path.name, path.parent, None, gather_logs([path], read))
    run_dir = find_run(reference, log_root(log_dir, None))
    if (run_dir / STATUS_FILE).is_file():
        return gathered_run(run_dir, read_status(run_dir), read)
    logs = find_logs(run_dir)
    if not logs:
        raise UsageError(f"{run_dir} holds neither a run nor Inspect logs", "`proctor runs` lists the runs")
    return Gathered(run_dir.name, run_dir, None, gather_logs(logs, read))


def facts_for_gates(gates: Gates, run_dir: Path, status: RunStatus) -> dict[str, CellFacts]:
    """What gates hold a run against, read from its logs where they need it; by cell."""
    if not needs_facts(gates, status):
        return {}
    from ...evals.inspect.logs.index_cache import reading_with
    from ...evals.results.reader.client import Reader

    with closing(Reader()) as reader:
        return gathered_run(run_dir, status, reading_with(reader)).cell_facts()


def gathered_run(run_dir: Path, status: RunStatus, read: ReadLog) -> Gathered:
    """A run that is known already."""
    return Gathered(status.run_id, run_dir, status, gather_run(run_dir, status, read))
