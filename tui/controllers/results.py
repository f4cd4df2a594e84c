"""How Results is wired: what it asks for, and what is read then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from .. import messages
from ..base_app import BaseApp
from ..state.index_cache import IndexCache

if TYPE_CHECKING:
    from pathlib import Path

    from ...evals.results.scoreboard import Grouping
    from ...evals.run.run_list import KnownRun


class ResultsApp(BaseApp):
    """The part of the application that serves the Results place."""

    _grouping: Grouping = "task"  # of the scoreboard that was asked for last
    _compared: tuple[Path, ...] = ()  # the folders of the runs that are compared: before and after
    _disagreeing: tuple[Path, ...] = ()  # whose disagreements were asked for last
    _across: messages.AcrossRequested | None = None  # the last one

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._kept = IndexCache()

    def show_results(self, run: KnownRun) -> None:
        """Read a run for Results, as the last one was grouped."""
        self._disagreeing = self._compared = ()
        self._across = None
        self._kept.clear()
        nothing = dict.fromkeys(("scoreboard", "across", "disagreements", "comparison", "sample", "transcript"))
        self.store.put(shown=run, indexes={}, **nothing)
        grouping = self.memory.get("results.grouping", "task")
        self._read_scoreboard(cast("Grouping", grouping) if grouping in ("model", "provider") else "task")

    def on_scoreboard_requested(self, message: messages.ScoreboardRequested) -> None:
        """Read it."""
        self._read_scoreboard(message.group_by)

    def on_disagreements_requested(self, message: messages.DisagreementsRequested) -> None:
        """Find them."""
        logs = message.logs
        self._disagreeing = logs
        self.store.put(disagreements=None)
        self.store.await_field("disagreements", "comparing the samples")
        self._work(
            lambda: self._feeds.find_disagreements(logs, lambda: self._disagreeing == logs),
            "disagreements",
        )

    def on_comparison_requested(self, message: messages.ComparisonRequested) -> None:
        """Compare with it."""
        run, before = self.store.shown.value, message.before
        if run is not None:
            self._compared = (before, run.run_dir)
            self.store.put(comparison=None)
            self.store.await_field("comparison", "comparing the runs")
            self._work(
                lambda: self._feeds.compare_runs(before, run.run_dir, lambda: self._compared == (before, run.run_dir)),
                "comparison",
            )

    def on_export_requested(self, message: messages.ExportRequested) -> None:
        """Write the scoreboard to a file."""
        board, run = self.store.scoreboard.value, self.store.shown.value
        if board is not None and run is not None:
            self._work(lambda: self._feeds.export(board, run.run_dir, message.path), "export")

    def on_comparison_export_requested(self, message: messages.ComparisonExportRequested) -> None:
        """Write the comparison to a file."""
        comparison = self.store.comparison.value
        if comparison is not None:
            before, after = self._compared
            self._work(lambda: self._feeds.export_comparison(comparison, before, after, message.path), "export")

    def on_exported(self, message: messages.Exported) -> None:
        """Say where, or why not."""
        if message.error is None:
            self._tell(f"Saved as {message.path}")
        else:
            self._tell(str(message.error), severity="error")

    def on_samples_requested(self, message: messages.SamplesRequested) -> None:
        """Read the samples of those logs that are not known yet."""
        known, shown = self.store.indexes.value, self.store.shown.value
        if message.if_room and shown is not None:
            counts = {shown.run_dir / cell.log: cell.done for cell in shown.status.cells if cell.log is not None}
            logs = self._kept.ask_if_room({log: counts.get(log, 0) for log in message.logs}, known)
        else:
            self._kept.ask(message.logs)
            logs = [log for log in message.logs if log not in known]
        if logs:
            self.store.await_field("indexes", "reading the samples")
            self._work(lambda: self._feeds.read_indexes(logs), "indexes")

    def on_indexes_arrived(self, message: messages.IndexesArrived) -> None:
        """Put them beside those that are known, as far as there is room."""
        self.store.put(indexes=self._kept.keep(self.store.indexes.value, message.indexes))

    def on_across_requested(self, message: messages.AcrossRequested) -> None:
        """Read it of each cell."""
        self._across = message
        self.store.put(across=None)
        self.store.await_field("across", "reading the samples")
        self._work(lambda: self._feeds.read_across(message, lambda: self._across is message), "across")

    def on_sample_opened(self, message: messages.SampleOpened) -> None:
        """Read a sample's transcript."""
        sample = message.sample
        self.store.put(sample=sample, transcript=None)
        self.store.await_field("transcript", "reading the transcript")

        def wanted() -> bool:
            return self.store.sample.value == sample

        self._work(lambda: self._feeds.read_sample("transcript", sample, wanted), "transcript")

    def _read_scoreboard(self, group_by: Grouping) -> None:
        run = self.store.shown.value
        if run is not None:
            self._grouping = group_by
            self.store.await_field("scoreboard", "reading the logs")

            def wanted() -> bool:
                shown = self.store.shown.value
                return shown is not None and shown.run_dir == run.run_dir and self._grouping == group_by

            self._work(lambda: self._feeds.read_scoreboard(run, group_by, wanted), "scoreboard")
