"""The application: how the places are wired. Intents come in, feeds are set to work, facts go into the store."""

from __future__ import annotations

import asyncio
import gc
import importlib
import os
import signal
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events
from textual.binding import BindingType
from textual.screen import Screen

from ..profiles.base.errors import ProctorError
from ..profiles.base.format import counted
from . import messages
from .chrome import AroundApp
from .controllers.notifications import Endings, end_severity, end_words
from .controllers.planning import DraftingApp
from .controllers.results import ResultsApp
from .input.key_queue import KeyQueue
from .input.keymap import APP_BINDINGS, PLACE_BINDINGS
from .screens import opening

if TYPE_CHECKING:
    from ..evals.catalog.endpoints import Source
    from ..evals.run.run_list import KnownRun
    from ..profiles.library import LoadedProfile
    from .state.autosave import KeptDrafts
    from .state.preferences import Memory

FOLLOW_EVERY_S = 0.5
RUNS_EVERY_S = 3.0


class ProctorApp(DraftingApp, ResultsApp, AroundApp):
    """The six places. The draft is `DraftingApp`'s, what there is to pick `FindingApp`'s, what surrounds the places
    `AroundApp`'s; runs and logs are here.

    Args:
        source: Where the models come from.
        log_dir: The log root, where one was asked for.
        profile: A profile to open ready to run.
        environ: The environment, for the choice of a theme.
        memory: What is remembered of earlier sessions; without one, nothing is.
        drafts: Where an unsaved plan is kept; without one, none is.
        keys: The file with the keys that the user has moved, if there is one.

    The result, if any, is what is printed on leaving, in lines.
    """

    TITLE = "Proctor"
    DEFAULT_MODE = "bench"
    # Textual's own cursor of an Input is black on white with ansi colours, which NO_COLOR makes invisible.
    CSS = """
    Input:ansi > .input--cursor { color: ansi_default; background: ansi_default; text-style: reverse; }
    """
    ENABLE_COMMAND_PALETTE = True
    MODES: ClassVar[dict[str, str | Callable[[], Screen[Any]]]] = {  # pyright: ignore[reportIncompatibleVariableOverride]
        "bench": opening.bench,
        "models": opening.models,
        "tasks": opening.tasks,
        "plan": opening.plan,
        "live": opening.live,
        "results": opening.results,
    }
    BINDINGS: ClassVar[list[BindingType]] = [*PLACE_BINDINGS, *APP_BINDINGS]

    def __init__(
        self,
        *,
        source: Source,
        log_dir: str | None = None,
        profile: LoadedProfile | None = None,
        environ: dict[str, str] | None = None,
        memory: Memory | None = None,
        drafts: KeptDrafts | None = None,
        keys: Path | None = None,
    ) -> None:
        environ = dict(os.environ) if environ is None else environ
        super().__init__(source=source, log_dir=log_dir, environ=environ, memory=memory)
        self._keys = KeyQueue(self, super().on_event)
        self._opened = profile
        self._drafts = drafts
        self._keys_path = keys
        self._endings = Endings()

    def on_mount(self) -> None:
        """Paint first; then connect, and look for what there is."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._leave)
        self.call_after_refresh(self._begin)

    def on_unmount(self) -> None:
        """End what was started for this application, however it ends."""
        self._feeds.close()

    def _begin(self) -> None:
        # Threads that came to this package at once, one by its part, have found each other waiting: a deadlock that
        # Python before 3.12 raises.
        importlib.import_module("importlib.resources.abc")
        gc.freeze()  # what is loaded stays: the collector would walk it again while somebody waits for a key
        self._read_keys()
        self.store.await_field("runs", "reading the log root")
        self.store.await_field("profiles", "reading profiles")
        self.store.await_field("tasks", "loading Inspect and looking for tasks")
        self._connect()
        self._work(self._feeds.list_runs, "runs")
        self._work(self._feeds.list_profiles, "profiles")
        self.set_interval(FOLLOW_EVERY_S, self._follow)
        self.set_interval(RUNS_EVERY_S, self._look_for_runs)
        if self.memory.notice:
            self.post_message(messages.KeepingFailed(self.memory.notice))
        self.memory.on_failure = lambda words: self.post_message(messages.KeepingFailed(words))

    async def on_event(self, event: events.Event) -> None:
        """Give what is typed to the focus in its order."""
        if isinstance(event, (events.Key, events.Paste)) and not event.is_forwarded:
            await self._keys.take(event)
        else:
            await super().on_event(event)

    # Facts

    def on_field_arrived(self, message: messages.FieldArrived) -> None:
        """Put what a feed brought into the store, and go on from there."""
        changes = dict(message.changes)
        self.store.put(**changes)
        if "endpoints" in changes:
            self._open_first_draft()
            self.post_message(messages.CatalogRequested())
            self.post_message(messages.TasksRequested())
        if "catalog" in changes:
            self._replan()
        if "live" in changes:
            self._look_for_ends([changes["live"]])
        if "runs" in changes:
            self._look_for_ends(changes["runs"])

    def on_field_failed(self, message: messages.FieldFailed) -> None:
        """Keep what was there, and say why there is nothing newer."""
        self.store.fail_field(message.name, message.error)
        if message.name == "catalog":
            self._replan()
        elif message.name in ("endpoints", "plan"):
            self.store.put(runs_when_planned=False)

    def on_run_started(self, message: messages.RunStarted) -> None:
        """Watch it."""
        self._starting = False
        self._show_live(None)
        self.store.await_field("live", "the run is starting")
        self._work(lambda: self._feeds.read_run("live", message.run_dir), "live")
        self._work(self._feeds.list_runs, "runs")

    # Intents

    def on_run_opened(self, message: messages.RunOpened) -> None:
        """Show a run where it belongs."""
        run = message.run
        if (run.status.exit_code is None and not message.results) or run.is_foreign:
            self._show_live(run)
        else:
            self.show_results(run)
            self.switch_mode("results")

    def _show_live(self, run: KnownRun | None) -> None:
        """Show a run in Live; `None`: it is still being read."""
        shown = self.store.live.value
        if run is None or shown is None or run.run_dir != shown.run_dir:
            self.store.put(running={}, finished={}, conversation=None, live_sample=None, live_transcript=None)
        self.store.put(live=run)
        self.switch_mode("live")

    def on_watch_requested(self, message: messages.WatchRequested) -> None:
        """Ask cells what they are working on."""
        self._work(lambda: self._feeds.watch_cells(message), "watch")

    def on_stop_requested(self, message: messages.StopRequested) -> None:
        """Stop a run in order."""
        if message.run.status.control is None and not message.run.is_foreign:  # nobody there would say it
            self._tell("Stopping: what is on the wire ends first")
        self._work(lambda: self._feeds.stop_run(message.run), "stop")

    def on_steer_requested(self, message: messages.SteerRequested) -> None:
        """Give the order."""
        self._work(lambda: self._feeds.steer(message.run, message.order), "steer")

    def on_steer_answered(self, message: messages.SteerAnswered) -> None:
        """Tell what came of it."""
        if message.error is not None:
            self._tell(str(message.error), severity="error")
        if message.says:
            self._tell(" · ".join(counted(message.says)))

    def on_retry_requested(self, message: messages.RetryRequested) -> None:
        """Go on with a run that has ended, unless one is being started."""
        if not self._starting:
            self._starting = True
            self._tell("Going on with the run …")
            self._work(lambda: self._feeds.retry_run(message.run, message.budget_usd), "start")

    def on_finished_sample_opened(self, message: messages.FinishedSampleOpened) -> None:
        """Read its transcript."""
        sample = message.sample
        self.store.put(live_sample=sample, live_transcript=None)
        self.store.await_field("live_transcript", "reading the transcript")

        def wanted() -> bool:
            return self.store.live_sample.value == sample

        self._work(lambda: self._feeds.read_sample("live_transcript", sample, wanted), "transcript")

    def on_place_requested(self, message: messages.PlaceRequested) -> None:
        """Go there."""
        if message.thing is None:
            self.switch_mode(message.place)
        else:
            self.show_in(message.place, message.thing)

    # Actions

    def action_place(self, place: str) -> None:
        """Go to a place."""
        self.switch_mode(place)

    def action_open_ended(self) -> None:
        """Open the run that ended last while it was watched."""
        if (run := self._endings.newest) is None:
            self._tell("No run has ended since the application was opened")
        else:
            self.post_message(messages.RunOpened(run))

    def action_leave(self) -> None:
        """Leave, unless that would lose the plan and the user would rather stay."""
        try:
            self._keep_now()
        except ProctorError as error:
            from .dialogs.confirm import ConfirmScreen

            def answered(yes: bool | None) -> None:
                if yes:
                    self._leave()

            self.push_screen(ConfirmScreen("Leave and lose the unsaved plan?", str(error), "leave"), answered)
        else:
            self._leave()

    def _leave(self) -> None:
        """Leave; a run goes on, an unsaved plan is kept, and what is printed says how to come back to both."""
        is_kept = self._try_to_keep()
        live = self.store.live.value
        self._feeds.close()
        self.memory.flush()
        words: list[str] = []
        if live is not None and live.status.exit_code is None:
            words.append(f"{live.status.run_id} goes on: `proctor` comes back to it")
        if is_kept:
            words.append("The plan is not saved, but kept: `proctor` brings it back")
        self.exit("\n".join(words))

    # How it goes on

    def _follow(self) -> None:
        live = self.store.live.value
        if live is None or live.status.exit_code is not None:
            return
        if live.is_foreign:
            self._work(lambda: self._feeds.read_process(live), "live")
        else:
            self._work(lambda: self._feeds.read_run("live", live.run_dir), "live")

    def _look_for_runs(self) -> None:
        if self.current_mode == "bench" or self._endings.is_watching:
            self._work(self._feeds.list_runs, "runs")

    def _look_for_ends(self, runs: Iterable[KnownRun]) -> None:
        """Tell of runs that have ended, but for the one that is looked at."""
        for run in self._endings.see(runs):
            self._work(self._feeds.list_runs, "runs")
            live = self.store.live.value
            if self.current_mode != "live" or live is None or live.run_dir != run.run_dir:
                self._tell(end_words(run, self.key_of("app.ended")), end_severity(run))
            self._ring()
