"""The application: how the places are wired. Intents come in, feeds are set to work, facts go into the store."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import App
from textual.binding import Binding, BindingType
from textual.screen import Screen

from ..profiles.errors import ProctorError
from . import messages
from .clean import clean_line
from .feeds import Feeds, facts_key
from .keymap import PLACE_BINDINGS
from .screens import opening
from .store import KnownRun, Store
from .themes import THEMES, choose_theme, native_ansi

if TYPE_CHECKING:
    from ..evals.catalog.endpoints import Source
    from ..profiles.files import LoadedProfile

FOLLOW_EVERY_S = 0.5
RUNS_EVERY_S = 3.0
DRAFT_LIMIT = 20  # samples of a plan that is put together by hand; changed on the Plan place


class ProctorApp(App[str]):
    """The six places.

    Args:
        source: Where the models come from.
        log_dir: The log root, where one was asked for.
        profile: A profile to open ready to run.
        environ: The environment, for the choice of a theme.

    The result, if any, is the line that is printed on leaving.
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
    BINDINGS: ClassVar[list[BindingType]] = [
        *PLACE_BINDINGS,
        Binding("r", "run_draft", "run", id="run", tooltip="Run the plan"),
        Binding("q", "leave", "leave", id="leave", tooltip="Leave; what runs goes on"),
        Binding("question_mark", "show_help_panel", "help", id="help", tooltip="The keys of this place", show=False),
        Binding("ctrl+s", "save_picture", "screenshot", id="screenshot", tooltip="Save the screen as SVG", show=False),
    ]

    def __init__(
        self,
        *,
        source: Source,
        log_dir: str | None = None,
        profile: LoadedProfile | None = None,
        environ: dict[str, str] | None = None,
    ) -> None:
        environ = dict(os.environ) if environ is None else environ
        super().__init__(ansi_color=native_ansi(environ))
        self.animation_level = "none"
        self.store = Store(self)
        self._home: Source = source  # where it was opened; practice is never left for what costs money
        self._source: Source = source
        self._feeds = Feeds(self.post_message, log_dir)
        self._opened = profile
        self._starting = False
        for theme in THEMES.values():
            self.register_theme(theme)
        self.theme = choose_theme(environ)

    def on_mount(self) -> None:
        """Paint first; then connect, and look for what there is."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self.action_leave)
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        self.store.await_field("runs", "reading the log root")
        self.store.await_field("profiles", "reading profiles")
        self.store.await_field("tasks", "loading Inspect and looking for tasks")
        self._connect()
        self._work(self._feeds.list_runs, "runs")
        self._work(self._feeds.list_profiles, "profiles")
        self.set_interval(FOLLOW_EVERY_S, self._follow)
        self.set_interval(RUNS_EVERY_S, self._look_for_runs)

    def _work(self, work: Callable[[], None], group: str) -> None:
        self.run_worker(work, group=group, thread=True, exclusive=False)

    # Facts

    def on_field_arrived(self, message: messages.FieldArrived) -> None:
        """Put what a feed brought into the store, and go on from there."""
        changes = dict(message.changes)
        was = self.store.state
        self.store.put(**changes)
        if "endpoints" in changes:
            self._open_first_draft()
            self.post_message(messages.CatalogRequested())
            self._work(self._feeds.list_tasks, "tasks")
        if "catalog" in changes:
            self._replan()
        if "live" in changes and was.live is not None:
            self._tell_of_the_end(was.live, changes["live"])

    def on_field_failed(self, message: messages.FieldFailed) -> None:
        """Keep what was there, and say why there is nothing newer."""
        self.store.fail_field(message.name, message.error)

    def on_facts_arrived(self, message: messages.FactsArrived) -> None:
        """Plan again with what is known of the tasks now."""
        self.store.put(facts=message.facts)
        self._replan()

    def on_run_started(self, message: messages.RunStarted) -> None:
        """Watch it."""
        self._starting = False
        self._show_live(None)
        self.store.await_field("live", "the run is starting")
        self._work(lambda: self._feeds.read_run("live", message.run_dir), "live")
        self._work(self._feeds.list_runs, "runs")

    def on_run_failed_to_start(self, message: messages.RunFailedToStart) -> None:
        """Say why."""
        self._starting = False
        self._tell(str(message.error), severity="error")

    def on_profile_saved(self, message: messages.ProfileSaved) -> None:
        """Say where."""
        self.store.put(draft_path=message.path)
        self._tell(f"Saved as {message.path}")

    def on_plan_made(self, message: messages.PlanMade) -> None:
        """Take the plan, unless the draft has changed since."""
        if message.draft is self.store.state.draft:
            self.store.put(plan=message.plan)

    # Intents

    def on_catalog_requested(self, message: messages.CatalogRequested) -> None:
        """Read the catalog."""
        if (endpoints := self.store.state.endpoints) is not None:
            self.store.await_field("catalog", "reading the catalog")
            self._work(lambda: self._feeds.read_catalog(endpoints, refresh=message.refresh), "catalog")

    def on_draft_changed(self, message: messages.DraftChanged) -> None:
        """Take the draft over and plan it."""
        self.store.put(draft=message.draft)
        self._replan()

    def on_draft_edit_requested(self, message: messages.DraftEditRequested) -> None:
        """Change the draft as it is now: edits that come at once all count."""
        if (draft := self.store.state.draft) is None:
            return
        try:
            edited = message.edit(draft)
        except ProctorError as error:
            self._tell(str(error), severity="error")
        else:
            self.on_draft_changed(messages.DraftChanged(edited))

    def on_probe_requested(self, message: messages.ProbeRequested) -> None:
        """Ask, unless that is being asked already."""
        model, route = message.model, message.route
        target = model if route is None else f"{model}:{route}"
        state = self.store.state
        being_asked = target in state.probes and state.probes[target] is None
        if (endpoints := state.endpoints) is not None and not being_asked:
            self.store.put(probes={**state.probes, target: None})
            self._work(lambda: self._feeds.probe(endpoints, model, route), "probe")

    def on_probe_arrived(self, message: messages.ProbeArrived) -> None:
        """Keep what it brought."""
        self.store.put(probes={**self.store.state.probes, message.result.target: message.result})

    def on_profile_opened(self, message: messages.ProfileOpened) -> None:
        """Make a profile the draft, and show its plan."""
        self._open(message.profile)
        self.switch_mode("plan")

    def on_save_requested(self, message: messages.SaveRequested) -> None:
        """Save the draft."""
        draft = self.store.state.draft
        if draft is not None:
            path = Path.cwd() / "profiles" / f"{message.name}.toml"
            self._work(lambda: self._feeds.save_profile(draft, path), "save")

    def on_run_requested(self, _: messages.RunRequested) -> None:
        """Run the draft, unless something stands in its way."""
        self.action_run_draft()

    def on_run_opened(self, message: messages.RunOpened) -> None:
        """Show a run where it belongs."""
        run = message.run
        if (run.status.exit_code is None and not message.results) or run.is_foreign:
            self._show_live(run)
        else:
            self.store.put(shown=run, scoreboard=None, indexes={}, sample=None, transcript=None)
            self.store.await_field("scoreboard", "reading the logs")
            self._work(lambda: self._feeds.read_scoreboard(run), "scoreboard")
            self.switch_mode("results")

    def _show_live(self, run: KnownRun | None) -> None:
        """Show a run in Live; `None`: it is still being read."""
        shown = self.store.state.live
        if run is None or shown is None or run.run_dir != shown.run_dir:
            self.store.put(running={}, finished={}, conversation=None, live_sample=None, live_transcript=None)
        self.store.put(live=run)
        self.switch_mode("live")

    def on_watch_requested(self, message: messages.WatchRequested) -> None:
        """Ask cells what they are working on."""
        self._work(lambda: self._feeds.watch_cells(message), "watch")

    def on_stop_requested(self, message: messages.StopRequested) -> None:
        """Stop a run in order."""
        self._tell("Stopping: what is on the wire ends first")
        self._work(lambda: self._feeds.stop_run(message.run), "stop")

    def on_steer_requested(self, message: messages.SteerRequested) -> None:
        """Give the order."""
        self._work(lambda: self._feeds.steer(message.run, message.order), "steer")

    def on_steer_answered(self, message: messages.SteerAnswered) -> None:
        """Tell what came of it."""
        if message.error is not None:
            self._tell(str(message.error), severity="error")
        for line in message.says:
            self._tell(line)

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
        self._work(lambda: self._feeds.read_sample(sample, "live_transcript"), "transcript")

    def on_samples_requested(self, message: messages.SamplesRequested) -> None:
        """Read the samples of those logs that are not known yet."""
        logs = [log for log in message.logs if log not in self.store.state.indexes]
        if logs:
            self.store.await_field("indexes", "reading the samples")
            self._work(lambda: self._feeds.read_indexes(logs), "indexes")

    def on_indexes_arrived(self, message: messages.IndexesArrived) -> None:
        """Put them beside those that are known."""
        self.store.put(indexes={**self.store.state.indexes, **message.indexes})

    def on_sample_opened(self, message: messages.SampleOpened) -> None:
        """Read a sample's transcript."""
        sample = message.sample
        self.store.put(sample=sample, transcript=None)
        self.store.await_field("transcript", "reading the transcript")
        self._work(lambda: self._feeds.read_sample(sample), "transcript")

    def on_place_requested(self, message: messages.PlaceRequested) -> None:
        """Go there."""
        self.switch_mode(message.place)

    # Actions

    def action_place(self, place: str) -> None:
        """Go to a place."""
        self.switch_mode(place)

    def action_run_draft(self) -> None:
        """Run the plan, or say what stands in the way."""
        state = self.store.state
        plan, draft, endpoints = state.plan, state.draft, state.endpoints
        if self._starting:
            return
        if awaited := state.waiting.get("plan"):
            self._tell(f"The plan is not ready yet: {awaited}", severity="warning")
        elif plan is None or draft is None or endpoints is None:
            self._tell("There is no plan yet: pick models (2) and tasks (3)", severity="warning")
        elif plan.errors:
            self._tell(str(plan.errors[0]), severity="error")
            self.switch_mode("plan")
        else:
            self._starting = True
            self._tell("Starting the run …")
            name = state.draft_path.stem if state.draft_path else "workbench"
            self._work(lambda: self._feeds.start_run(draft, plan, name, endpoints), "start")

    def action_leave(self) -> None:
        """Leave; a run goes on, and the line printed on leaving says how to come back."""
        live = self.store.state.live
        self._feeds.close()
        going_on = live is not None and live.status.exit_code is None
        self.exit(f"{live.status.run_id} goes on: `proctor` comes back to it" if live and going_on else "")

    def action_save_picture(self) -> None:
        """Save the screen as an SVG file."""
        self._tell(f"Saved {self.save_screenshot()}")

    # How it goes on

    def _open_first_draft(self) -> None:
        if self.store.state.draft is not None:
            return
        if self._opened is not None:
            self._open(self._opened)
            self.switch_mode("plan")
            return
        from ..profiles.schema import Profile, Run

        self.store.put(draft=Profile(run=Run(source=self._source, limit=DRAFT_LIMIT)))

    def _open(self, loaded: LoadedProfile) -> None:
        from .draft_tasks import anchored

        profile = anchored(loaded.profile, loaded.path)
        wanted = "practice" if self._home == "practice" else profile.run.source
        if profile.run.source != wanted:
            profile = profile.model_copy(update={"run": profile.run.model_copy(update={"source": wanted})})
        self.store.put(draft=profile, draft_path=loaded.path)
        if wanted != self._source:
            self._source = wanted
            self.store.put(endpoints=None, catalog=None, plan=None)
            self._connect()
        self._replan()

    def _connect(self) -> None:
        source = self._source
        self.store.await_field("endpoints", "starting the practice router" if source == "practice" else "connecting")
        self._work(lambda: self._feeds.connect(source), "connect")

    def _replan(self) -> None:
        state = self.store.state
        draft, endpoints = state.draft, state.endpoints
        if draft is None or endpoints is None or not draft.tasks or not draft.models:
            self.store.put(plan=None)
            return
        path = state.draft_path or Path.cwd() / "draft.toml"
        practice = endpoints.source == "practice"
        keys = [facts_key(entry.task, entry.args, practice) for entry in draft.tasks]
        unknown = [entry.task for entry, key in zip(draft.tasks, keys, strict=True) if key not in state.facts]
        if unknown:
            self.store.await_field("plan", f"building {clean_line(unknown[0])}")
            self.run_worker(
                lambda: self._feeds.build_tasks(draft, path, endpoints, state.facts),
                group="build",
                thread=True,
                exclusive=True,
            )
            return
        if state.catalog is None and "catalog" not in state.failures:
            self.store.await_field("plan", "waiting for the catalog")
            return
        from ..evals.engine.expand import PlanInputs

        facts = tuple(state.facts[key] for key in keys)
        inputs = PlanInputs(draft, path, endpoints, state.catalog, facts)
        self.store.await_field("plan", "being made")
        self.run_worker(lambda: self._feeds.make_plan(inputs), group="plan", thread=True, exclusive=True)

    def _follow(self) -> None:
        live = self.store.state.live
        if live is None or live.status.exit_code is not None:
            return
        if live.is_foreign:
            self._work(lambda: self._feeds.read_process(live), "live")
        else:
            self._work(lambda: self._feeds.read_run("live", live.run_dir), "live")

    def _look_for_runs(self) -> None:
        if self.current_mode == "bench":
            self._work(self._feeds.list_runs, "runs")

    def _tell_of_the_end(self, before: KnownRun, after: KnownRun) -> None:
        if before.status.exit_code is None and after.status.exit_code is not None:
            self._work(self._feeds.list_runs, "runs")
            if self.current_mode != "live":
                self._tell(f"{after.status.title or after.status.run_id}: {after.status.state}")

    def _tell(self, words: str, severity: Any = "information") -> None:
        self.notify(clean_line(words), severity=severity, markup=False)
