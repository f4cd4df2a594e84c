"""What the application knows. Widgets read it and hold no truth of their own; only `app.py` changes it.

Types are imported for the checker alone: the first screen is painted before the catalog and the engine are loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.app import App
from textual.dom import DOMNode
from textual.signal import Signal

if TYPE_CHECKING:
    from ...evals.catalog.endpoints import Endpoints
    from ...evals.catalog.listings import Catalog
    from ...evals.catalog.probe import ProbeResult
    from ...evals.inspect.control_client import CellWatch, Conversation, FinishedSample
    from ...evals.inspect.logs.log_index import LogIndex
    from ...evals.inspect.logs.transcript import Transcript
    from ...evals.planning.plan import Plan, TaskFacts
    from ...evals.results.by_sample import CellAnswers
    from ...evals.results.compare import RunComparison
    from ...evals.results.disagreements import Disagreements
    from ...evals.results.scoreboard import Scoreboard
    from ...evals.run.run_list import KnownRun
    from ...evals.tasks.info import TaskInfo, TaskListing
    from ...profiles.base.errors import ProctorError
    from ...profiles.library import BrokenProfile, LoadedProfile
    from ...profiles.schema import Profile

REPLANNED = "being made"  # what a plan waits for while all that it is made of is known


@dataclass(frozen=True, slots=True)
class SampleRef:
    """One sample of one log."""

    log: Path
    sample_id: str | int
    epoch: int


@dataclass(frozen=True, slots=True)
class State:
    """Everything at one moment. `None` is not known yet; the reason is in `waiting` or `failures`, by field name."""

    endpoints: Endpoints | None = None
    catalog: Catalog | None = None
    probes: Mapping[str, ProbeResult | None] = field(default_factory=dict[str, Any])  # by target; `None`: being asked
    tasks: TaskListing | None = None
    benchmarks: tuple[TaskInfo, ...] | None = None  # of the Hub; asked for when Tasks is opened
    profiles: tuple[LoadedProfile | BrokenProfile, ...] | None = None
    runs: tuple[KnownRun, ...] | None = None  # newest first
    processes: tuple[KnownRun, ...] = ()  # live Inspect processes that somebody else started, in the form of runs
    draft: Profile | None = None  # what is being put together
    draft_path: Path | None = None  # the profile it came from; task files are relative to it
    facts: Mapping[str, TaskFacts] = field(default_factory=dict[str, Any])  # by `facts_key`
    counting: frozenset[str] = frozenset()  # the keys of facts that are asked for, beside those of the draft
    plan: Plan | None = None  # of the draft
    runs_when_planned: bool = False  # to run the draft was asked for while its plan was still being made
    invalid: Mapping[str, str] = field(default_factory=dict[str, str])  # place -> what is typed there and cannot be
    live: KnownRun | None = None  # the run that Live shows
    running: Mapping[str, CellWatch] = field(default_factory=dict[str, Any])  # what `live`'s cells work on, by cell id
    finished: Mapping[str, tuple[FinishedSample, ...]] = field(default_factory=dict[str, Any])  # of `live`, by cell id
    conversation: Conversation | None = None  # of the running sample that is looked at
    live_sample: SampleRef | None = None  # the finished sample of `live` that is read
    live_transcript: Transcript | None = None  # of `live_sample`
    shown: KnownRun | None = None  # the run that Results shows
    scoreboard: Scoreboard | None = None  # of `shown`
    indexes: Mapping[Path, LogIndex] = field(default_factory=dict[Path, Any])  # of logs of `shown`, see `IndexCache`
    across: Mapping[Path, CellAnswers] | None = None  # what cells of `shown` made of the sample that was asked for last
    disagreements: Disagreements | None = None  # of the cells of `shown` that were asked for last
    comparison: RunComparison | None = None  # of `shown` with the run that was asked for last
    sample: SampleRef | None = None  # the one whose transcript is open
    transcript: Transcript | None = None  # of `sample`
    waiting: Mapping[str, str] = field(default_factory=dict[str, str])  # field -> what is awaited, in words
    failures: Mapping[str, ProctorError] = field(default_factory=dict[str, Any])  # field -> why it failed


FIELDS = frozenset(f.name for f in fields(State))


class Store:
    """The state, and a signal with the names of the fields that have changed."""

    def __init__(self, app: App[Any]) -> None:
        self.state = State()
        self._changed: Signal[frozenset[str]] = Signal(app, "store")

    def put(self, **changes: Any) -> None:
        """Change fields; a field that arrives is no longer awaited, and its failure is over."""
        names = {name for name, value in changes.items() if getattr(self.state, name) != value}
        arrived = FIELDS.intersection(changes) - {"waiting", "failures"}
        for book in ("waiting", "failures"):
            kept: Mapping[str, Any] = changes.get(book, getattr(self.state, book))
            over = arrived.intersection(kept)
            if over:
                changes[book] = {name: value for name, value in kept.items() if name not in over}
                names.add(book)
        if names:
            self.state = replace(self.state, **changes)
            self._changed.publish(frozenset(names))

    def await_field(self, name: str, words: str) -> None:
        """Say that a field is being awaited."""
        self.put(waiting={**self.state.waiting, name: words})

    def fail_field(self, name: str, error: ProctorError) -> None:
        """Say that a field could not be had; what it held before stays."""
        waiting = {key: words for key, words in self.state.waiting.items() if key != name}
        self.put(waiting=waiting, failures={**self.state.failures, name: error})

    def subscribe(self, node: DOMNode, names: set[str], callback: Callable[[State], None]) -> None:
        """Call back with the state whenever one of the fields changes, and once now.

        Args:
            node: The mounted widget or screen that asks; its end is the subscription's.
            names: Fields of `State`.
            callback: Runs on the event loop.
        """
        unknown = names - FIELDS
        assert not unknown, unknown

        def on_change(changed: frozenset[str]) -> None:
            if not names.isdisjoint(changed):
                callback(self.state)

        self._changed.subscribe(node, on_change, immediate=True)
        callback(self.state)
