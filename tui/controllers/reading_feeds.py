"""What is read of logs: the processes that read them, and scoreboards, samples and transcripts as they bring them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event, Lock
from typing import TYPE_CHECKING, TypeVar

from ...profiles.base.errors import ProctorError
from ..messages import Exported, FieldArrived, FieldFailed, IndexesArrived

if TYPE_CHECKING:
    from textual.message import Message

    from ...evals.catalog.endpoints import Endpoints
    from ...evals.inspect.logs.log_index import LogIndex
    from ...evals.results.compare import RunComparison
    from ...evals.results.reader.client import Reader
    from ...evals.results.scoreboard import Grouping, Scoreboard
    from ...evals.run.run_list import KnownRun
    from ..messages import AcrossRequested
    from ..state.store import SampleRef

_T = TypeVar("_T")


class ReadingFeeds:
    """The part of `Feeds` that Results works with, and what every feed posts through.

    Args:
        post: Posts a message to the application; safe from any thread.
    """

    def __init__(self, post: Callable[[Message], object]) -> None:
        self._post = post
        self._endpoints: Endpoints | None = None
        self._reader: Reader | None = None
        self._counter: Reader | None = None
        self._reader_lock = Lock()
        self._closed = Event()

    def close(self) -> None:
        """End the reader; feeds that wait give up."""
        self._closed.set()
        with self._reader_lock:
            for reader in (self._reader, self._counter):
                if reader is not None:
                    reader.close()

    def read_scoreboard(self, run: KnownRun, group_by: Grouping, wanted: Callable[[], bool]) -> None:
        """Build the scoreboard of a run, unless another one is wanted by then."""
        self._fetch("scoreboard", lambda: self._counting().scoreboard(run.run_dir, group_by), wanted)

    def find_disagreements(self, logs: Sequence[Path], wanted: Callable[[], bool]) -> None:
        """Find the samples on which cells disagree, unless nobody waits for them any more."""
        self._fetch("disagreements", lambda: self._counting().disagreements(logs), wanted)

    def compare_runs(self, before: Path, after: Path, wanted: Callable[[], bool]) -> None:
        """Compare two runs, unless nobody waits for it any more."""
        self._fetch("comparison", lambda: self._counting().compare_runs(before, after), wanted)

    def export(self, scoreboard: Scoreboard, run_dir: Path, path: Path) -> None:
        """Write the scoreboard of a run to a file; a page also tells what else there is to know of the run."""
        from ...evals.views.render import PAGE, write_report
        from ...evals.views.scoreboard import scoreboard_report

        def write() -> None:
            facts = self._counting().run_facts(run_dir) if path.suffix.lower() == PAGE else None
            write_report(scoreboard_report(scoreboard, facts), path)

        self._export(write, path)

    def export_comparison(self, comparison: RunComparison, before: Path, after: Path, path: Path) -> None:
        """Write a comparison of two runs to a file; a page also tells when each was and how it ended."""
        from ...evals.run.status_file import read_status
        from ...evals.views.comparison import comparison_report
        from ...evals.views.render import PAGE, write_report

        def write() -> None:
            about: Sequence[tuple[str, str]] = ()
            if path.suffix.lower() == PAGE:
                from ...evals.results.report import compared_facts

                new, old = (read_status(run_dir) for run_dir in (after, before))
                about = compared_facts((new.run_id, new), (old.run_id, old))
            write_report(comparison_report(comparison, about), path)

        self._export(write, path)

    def _export(self, write: Callable[[], None], path: Path) -> None:
        try:
            write()
        except ProctorError as error:
            self._post(Exported(path, error))
        else:
            self._post(Exported(path))

    def read_indexes(self, logs: Sequence[Path]) -> None:
        """Read the samples of logs; those that can be read come even where others cannot."""
        found, failure = self._of_each(logs, lambda index: index, lambda: True)
        if self._closed.is_set():
            return
        if found or failure is None:
            self._post(IndexesArrived(found))
        if failure is not None:
            self._post(FieldFailed("indexes", failure))

    def read_across(self, request: AcrossRequested, wanted: Callable[[], bool]) -> None:
        """Read what cells made of one sample, unless nobody waits for it any more. No more is kept of their logs."""
        from ...evals.results.by_sample import answers_to

        found, failure = self._of_each(request.logs, lambda index: answers_to(request.sample.sample_id, index), wanted)
        if self._closed.is_set() or not wanted():
            return
        self._post(FieldArrived({"across": found}))
        if failure is not None:
            self._post(FieldFailed("across", failure))

    def _of_each(
        self, logs: Sequence[Path], take: Callable[[LogIndex], _T], wanted: Callable[[], bool]
    ) -> tuple[dict[Path, _T], ProctorError | None]:
        """What is taken from the index of each log that can be read, and why another cannot be."""
        from ...evals.inspect.logs.index_cache import load_index

        found: dict[Path, _T] = {}
        failure: ProctorError | None = None
        for log in logs:
            if not wanted():
                break
            try:
                found[log] = take(load_index(log, self._read_log))
            except ProctorError as error:
                failure = error
        return found, failure

    def _read_log(self, log: Path) -> LogIndex:
        """Read a log of which nothing is kept. Only this takes the reader, which may be at something that lasts."""
        from ...evals.inspect.logs.index_cache import reading_with

        return reading_with(self._running_reader())(log)

    def read_sample(self, name: str, sample: SampleRef, wanted: Callable[[], bool]) -> None:
        """Read a sample's transcript, into `transcript` or `live_transcript`, unless another one is wanted by then."""
        self._fetch(
            name,
            lambda: self._running_reader().transcript(sample.log, sample.sample_id, sample.epoch),
            wanted,
        )

    def _counting(self) -> Reader:
        """A reader for statistics: it answers before Inspect is loaded, and while tasks are being built."""
        from ...evals.results.reader.client import Reader

        with self._reader_lock:
            self._refuse_when_closed()
            if self._counter is None:
                self._counter = Reader(warm=False)
            return self._counter

    def _running_reader(self) -> Reader:
        from ...evals.results.reader.client import Reader

        with self._reader_lock:
            self._refuse_when_closed()
            if self._reader is None:
                endpoints = self._endpoints
                token, hub_url = (endpoints.token, endpoints.hub_url) if endpoints else (None, None)
                self._reader = Reader(token=token, hub_url=hub_url).start()
            return self._reader

    def _refuse_when_closed(self) -> None:
        """A reader that were started now would be ended by nobody."""
        if self._closed.is_set():
            raise ProctorError("the application is being left")

    def _fetch(self, name: str, work: Callable[[], _T], wanted: Callable[[], bool] = lambda: True) -> _T | None:
        """Do the work, and post what it brought or why it failed; neither, once nobody wants it any more."""
        if not wanted():
            return None
        try:
            value = work()
        except Exception as raised:
            error = raised if isinstance(raised, ProctorError) else ProctorError(f"{type(raised).__name__}: {raised}")
            if wanted() and not self._closed.is_set():
                self._post(FieldFailed(name, error))
            return None
        if wanted():
            self._post(FieldArrived({name: value}))
        return value
