"""What happens in the application. Intents end in `Requested`; facts are in the past tense.

Intents bubble up from widgets to the application, which hands them to `feeds`; feeds work in threads and post facts,
which the application puts into the store.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from textual.message import Message

if TYPE_CHECKING:
    from pathlib import Path

    from ..evals.catalog.probe import ProbeResult
    from ..evals.inspect.control_client import FinishedSample, RunningSample
    from ..evals.inspect.logs.log_index import LogIndex
    from ..evals.planning.plan import Plan
    from ..evals.results.scoreboard import Grouping
    from ..evals.run.commands import RunCommand
    from ..evals.run.run_list import KnownRun
    from ..evals.tasks.info import TaskFacts
    from ..profiles.base.errors import ProctorError
    from ..profiles.library import LoadedProfile
    from ..profiles.schema import Profile
    from .state.store import SampleRef


@dataclass
class FieldArrived(Message):
    """A feed has fetched fields of the store's state."""

    changes: Mapping[str, Any]


@dataclass
class FieldFailed(Message):
    """A feed could not fetch a field."""

    name: str
    error: ProctorError


@dataclass
class FactsArrived(Message):
    """Tasks were built: what they turned out to be, by `facts_key`."""

    facts: Mapping[str, TaskFacts]


@dataclass
class TasksRequested(Message):
    """Look for tasks again: where the memory says, beside the working folder."""


@dataclass
class BenchmarksRequested(Message):
    """Ask the Hub for its benchmarks."""


@dataclass
class CountRequested(Message):
    """Build a task, to say how many samples it has. User code may run for it, in the reader."""

    task: str  # as a draft calls it
    reference: str
    args: Mapping[str, Any]


@dataclass
class PlanMade(Message):
    """A draft was planned."""

    draft: Profile
    plan: Plan


@dataclass
class CatalogRequested(Message):
    """Read the catalog; `refresh` passes the cache by."""

    refresh: bool = False


@dataclass
class DraftChanged(Message):
    """The draft is another one now."""

    draft: Profile


@dataclass
class DraftEditRequested(Message):
    """Change the draft: `edit` makes the new one of what it is by then. It raises a `ProctorError` where it cannot."""

    edit: Callable[[Profile], Profile]


@dataclass
class ProbeRequested(Message):
    """Ask a model one tiny question; `route` is a provider or a policy, `None` for the bare id."""

    model: str
    route: str | None


@dataclass
class ProbeArrived(Message):
    """A probe has ended, well or not."""

    result: ProbeResult


@dataclass
class ProfileOpened(Message):
    """A profile is to become the draft."""

    profile: LoadedProfile


@dataclass
class SaveRequested(Message):
    """Save the draft as a profile of this name in ./profiles."""

    name: str


@dataclass
class ProfileSaved(Message):
    """The draft was saved, or `error` says why not."""

    path: Path
    error: ProctorError | None = None


@dataclass
class KeepingFailed(Message):
    """What is remembered between sessions could not be written, in words."""

    words: str


@dataclass
class FieldsJudged(Message):
    """What is typed into the fields of a place is valid, or `wrong` says what is not."""

    place: str
    wrong: str


@dataclass
class RunRequested(Message):
    """Run the draft."""


@dataclass
class RunStarted(Message):
    """A supervisor has taken the run over."""

    run_dir: Path


@dataclass
class RunFailedToStart(Message):
    """There is no run."""

    error: ProctorError


@dataclass
class RunOpened(Message):
    """Show a run: in Live while it runs, in Results when it has ended or `results` of what has ended are wanted."""

    run: KnownRun
    results: bool = False


@dataclass
class WatchRequested(Message):
    """Ask cells of the run that Live shows what they are working on; comes again as long as somebody looks."""

    pids: Mapping[str, int]  # by cell id
    focus: tuple[int, RunningSample | FinishedSample] | None = None  # whose conversation is looked at, with its pid
    by_eval: bool = False  # the cells are the tasks of a foreign process, named by their evals' ids
    finished: bool = False  # the samples that have ended are looked at, too
    logs: Mapping[str, Path] = field(default_factory=dict[str, Any])  # of cells that have ended, by id: for `finished`


@dataclass
class FinishedSampleOpened(Message):
    """Read the transcript of a sample that has ended in the run that Live shows."""

    sample: SampleRef


@dataclass
class SteerRequested(Message):
    """Give an order to a run that goes on."""

    run: KnownRun
    order: RunCommand


@dataclass
class SteerAnswered(Message):
    """What came of an order."""

    says: tuple[str, ...]
    error: ProctorError | None = None


@dataclass
class RetryRequested(Message):
    """Finish what a run that has ended left unfinished."""

    run: KnownRun
    budget_usd: float | None = None  # another one for the whole run


@dataclass
class StopRequested(Message):
    """Stop a run in order."""

    run: KnownRun


@dataclass
class ScoreboardRequested(Message):
    """Read the scoreboard of the run that Results shows again, grouped so."""

    group_by: Grouping


@dataclass
class DisagreementsRequested(Message):
    """Find the samples on which the cells of these logs disagree."""

    logs: tuple[Path, ...]


@dataclass
class ComparisonRequested(Message):
    """Compare the run that Results shows with an earlier one."""

    before: Path


@dataclass
class ExportRequested(Message):
    """Write the scoreboard that Results shows to a file; its ending says the format."""

    path: Path


@dataclass
class ComparisonExportRequested(Message):
    """Write the comparison that Results shows to a file; its ending says the format."""

    path: Path


@dataclass
class Exported(Message):
    """What was to be exported is written, or `error` says why not."""

    path: Path
    error: ProctorError | None = None


@dataclass
class SamplesRequested(Message):
    """Read the samples of logs of the run that Results shows."""

    logs: tuple[Path, ...]
    if_room: bool = False  # they are not looked at: those that would push others out of memory are left out


@dataclass
class IndexesArrived(Message):
    """The samples of logs were read."""

    indexes: Mapping[Path, LogIndex]


@dataclass
class AcrossRequested(Message):
    """Read what the cells of these logs made of one sample."""

    sample: SampleRef
    logs: tuple[Path, ...]


@dataclass
class SampleOpened(Message):
    """Show a sample's transcript."""

    sample: SampleRef


@dataclass
class PlaceRequested(Message):
    """Go to one of the six places, and there to a thing that the place knows how to reveal."""

    place: str
    thing: object = None
