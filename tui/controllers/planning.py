"""The application's draft: how it changes, is planned, opened, saved, kept and run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from ...profiles.base.errors import ProctorError
from ...profiles.base.format import number_of
from ...profiles.base.text import clean_line
from .. import messages
from ..state.store import REPLANNED
from .catalog import FindingApp
from .feeds import facts_key

if TYPE_CHECKING:
    from textual.timer import Timer

    from ...profiles.library import LoadedProfile
    from ...profiles.schema import Profile
    from ..state.autosave import KeptDrafts

DRAFT_LIMIT = 20  # samples of a plan that is put together by hand; changed on the Plan place
KEEP_AFTER_S = 1.0  # an unsaved plan is on the disk so long after its last change


class DraftingApp(FindingApp):
    """Keeps the draft, its plan, and what of it is not saved yet."""

    _opened: LoadedProfile | None = None  # the profile that was asked for on the command line
    _drafts: KeptDrafts | None = None  # `None`: what is not saved is not kept either
    _saved: Profile | None = None  # the draft as it stands in a file; `None` for one that stands nowhere
    _saving: Profile | None = None
    _keep_timer: Timer | None = None
    _starting = False
    _told_not_kept = False

    def __init__(self, **known: Any) -> None:
        super().__init__(**known)
        self._keeping = Lock()

    @property
    def has_unsaved_draft(self) -> bool:
        """Whether the draft holds picks or changes that stand in no profile."""
        draft = self.store.draft.value
        return draft is not None and bool(draft.tasks or draft.models) and draft != self._saved

    # Facts

    def on_facts_arrived(self, message: messages.FactsArrived) -> None:
        """Plan again with what is known of the tasks now, where the plan is about them."""
        store = self.store
        self.store.put(
            facts={**store.facts.value, **message.facts}, counting=store.counting.value.difference(message.facts)
        )
        if store.plan.waiting:
            self._replan()

    def on_plan_made(self, message: messages.PlanMade) -> None:
        """Take the plan, unless the draft has changed since."""
        if message.draft is self.store.draft.value:
            asked = self.store.runs_when_planned.value
            self.store.put(plan=message.plan, runs_when_planned=False)
            if asked:
                self.action_run_draft()

    def on_profile_saved(self, message: messages.ProfileSaved) -> None:
        """Say where, or why not."""
        if message.error is not None:
            self._tell(str(message.error), severity="error", title="The plan is not saved")
            return
        self._saved = self._saving
        self.store.put(draft_path=message.path)
        self._keep_soon()
        self._tell(f"Saved as {message.path}")

    def on_run_failed_to_start(self, message: messages.RunFailedToStart) -> None:
        """Say why."""
        self._starting = False
        self._tell(str(message.error), severity="error")

    # Intents

    def on_fields_judged(self, message: messages.FieldsJudged) -> None:
        """Remember what is typed and cannot be: nothing is run while a field says other than the plan."""
        others = {place: wrong for place, wrong in self.store.invalid.value.items() if place != message.place}
        self.store.put(invalid={**others, message.place: message.wrong} if message.wrong else others)

    def on_draft_changed(self, message: messages.DraftChanged) -> None:
        """Take the draft over and plan it."""
        self._take_back_run()
        self.store.put(draft=message.draft)
        self._keep_soon()
        self._replan()

    def on_draft_edit_requested(self, message: messages.DraftEditRequested) -> None:
        """Change the draft as it is now: edits that come at once all count."""
        if (draft := self.store.draft.value) is None:
            return
        try:
            edited = message.edit(draft)
        except ProctorError as error:
            self._tell(str(error), severity="error")
        else:
            self.on_draft_changed(messages.DraftChanged(edited))

    def on_profile_opened(self, message: messages.ProfileOpened) -> None:
        """Make a profile the draft, and show its plan."""
        profile = message.profile

        def open_it() -> None:
            self._take_back_run()
            self._open(profile)
            self.switch_mode("plan")

        self._unless_unsaved(open_it, f"open {profile.name}")

    def on_save_requested(self, message: messages.SaveRequested) -> None:
        """Save the draft."""
        draft = self.store.draft.value
        if draft is not None:
            path = Path.cwd() / "profiles" / f"{message.name}.toml"
            self._saving, base = draft, self.store.draft_path.value
            self._work(lambda: self._feeds.save_profile(draft, path, base), "save")

    def on_run_requested(self, _: messages.RunRequested) -> None:
        """Run the draft, unless something stands in its way."""
        self.action_run_draft()

    # Actions

    def action_run_draft(self) -> None:
        """Run the plan, or say what stands in the way."""
        store = self.store
        plan, draft, endpoints = store.plan.value, store.draft.value, store.endpoints.value
        if self._starting:
            return
        if store.runs_when_planned.value:
            self.store.put(runs_when_planned=False)
            self._tell("The plan will not be run by itself")
        elif store.invalid.value:
            place, wrong = next(iter(store.invalid.value.items()))
            self._tell(f"{wrong}: correct that, or empty the field", severity="error")
            self.switch_mode(place)
        elif awaited := store.plan.waiting:
            self._run_when_planned(f"The plan is not ready yet: {awaited}")
        elif draft is None and self._opened is not None:
            if failure := store.endpoints.failure:
                self._tell(f"{self._opened.name} cannot be opened: {failure}", severity="error")
            else:
                why = store.endpoints.waiting or "connecting"
                self._run_when_planned(f"{self._opened.name} is not open yet: {why}")
        elif plan is None or draft is None or endpoints is None:
            self._tell("There is no plan yet: pick models (2) and tasks (3)", severity="warning")
        elif plan.errors:
            self._tell(str(plan.errors[0]), severity="error")
            self.switch_mode("plan")
        else:
            self._starting = True
            self._tell("Starting the run …")
            name = store.draft_path.value.stem if store.draft_path.value else "workbench"
            self._work(lambda: self._feeds.start_run(draft, plan, name, endpoints), "start")

    def action_new_draft(self) -> None:
        """Begin an empty plan."""

        def begin() -> None:
            self._take_back_run()
            self._saved = None
            self.store.put(draft=self._empty_draft(), draft_path=None, plan=None)
            self._keep_soon()
            self._replan()

        if self.store.draft.value is not None:
            self._unless_unsaved(begin, "begin an empty one")

    # How it goes on

    def _run_when_planned(self, why_not_now: str) -> None:
        self.store.put(runs_when_planned=True)
        self._tell(f"{why_not_now}. It runs as soon as it is")

    def _take_back_run(self) -> None:
        """What was asked to run is about to become something else."""
        if self.store.runs_when_planned.value:
            self.store.put(runs_when_planned=False)
            self._tell("The plan has changed, so it is not run by itself: r runs it", severity="warning")

    def _open_first_draft(self) -> None:
        """The profile that was asked for, else what was left unsaved, else nothing yet."""
        if self.store.draft.value is not None:
            return
        if self._opened is not None:
            self._open(self._opened)
            self.switch_mode("plan")
        elif self._drafts is not None and (draft := self._drafts.take_over()) is not None:
            self._take(draft, None)
            self._tell("The plan that was not saved is back: Plan (4) shows it, and saves it with w")
        else:
            self.store.put(draft=self._empty_draft())

    def _empty_draft(self) -> Profile:
        from ...profiles.schema import Profile, Run

        return Profile(run=Run(source=self._source, limit=DRAFT_LIMIT))

    def _open(self, loaded: LoadedProfile) -> None:
        from ...evals.planning.edit_tasks import anchored

        self._take(anchored(loaded.profile, loaded.path), loaded.path)
        self._saved = self.store.draft.value
        self._keep_soon()

    def _take(self, profile: Profile, path: Path | None) -> None:
        """Make a profile the draft, and go to the world that it is for."""
        wanted = "practice" if self._home == "practice" else profile.run.source
        if profile.run.source != wanted:
            profile = profile.model_copy(update={"run": profile.run.model_copy(update={"source": wanted})})
        self.store.put(draft=profile, draft_path=path, plan=None)  # that of the draft before says nothing of this one
        if wanted != self._source:
            self._source = wanted
            self.store.put(endpoints=None, catalog=None, plan=None, benchmarks=None)
            self._connect()
        self._replan()

    def _replan(self) -> None:
        store = self.store
        draft, endpoints = store.draft.value, store.endpoints.value
        if draft is None or endpoints is None or not draft.tasks or not draft.models:
            self.store.put(plan=None)
            return
        from ...evals.planning.edit_tasks import anchor

        path = anchor(store.draft_path.value)
        practice = endpoints.source == "practice"
        keys = [facts_key(entry.task, entry.args, practice) for entry in draft.tasks]
        unknown = [entry.task for entry, key in zip(draft.tasks, keys, strict=True) if key not in store.facts.value]
        if unknown:
            self.store.await_field("plan", f"building {clean_line(unknown[0])}")
            self.run_worker(
                lambda: self._feeds.build_tasks(draft, path, endpoints, store.facts.value),
                group="build",
                thread=True,
                exclusive=True,
            )
            return
        if store.catalog.value is None and store.catalog.failure is None:
            self.store.await_field("plan", "waiting for the catalog")
            return
        from ...evals.planning.expand import PlanInputs

        facts = tuple(store.facts.value[key] for key in keys)
        inputs = PlanInputs(draft, path, endpoints, store.catalog.value, facts)
        self.store.await_field("plan", REPLANNED)
        failure = store.catalog.failure if store.catalog.value is None else None
        self.run_worker(lambda: self._feeds.make_plan(inputs, failure), group="plan", thread=True, exclusive=True)

    # What is not saved

    def _unless_unsaved(self, go_on: Callable[[], None], deed: str) -> None:
        """Go on; where that would lose an unsaved draft, only if the user says so."""
        draft = self.store.draft.value
        if draft is None or not self.has_unsaved_draft:
            go_on()
            return
        from ..dialogs.confirm import ConfirmScreen

        def answered(yes: bool | None) -> None:
            if yes:
                go_on()

        held = " and ".join(
            number_of(len(found), word) for found, word in ((draft.models, "model"), (draft.tasks, "task")) if found
        )
        consequence = f"The plan with {held} is not saved, and would be lost. w on Plan (4) saves it as a profile."
        self.push_screen(ConfirmScreen("Replace the plan?", consequence, deed), answered)

    def _keep_soon(self) -> None:
        """Have the disk follow the draft: a moment after its last change."""
        if self._drafts is not None:
            if self._keep_timer is not None:
                self._keep_timer.stop()
            self._keep_timer = self.set_timer(KEEP_AFTER_S, self._keep_meanwhile)

    def _keep_meanwhile(self) -> None:
        self.run_worker(self._try_to_keep, group="keep", thread=True)

    def _try_to_keep(self) -> bool:
        """Keep it if it can be; what stands against it is said once, and asked about on leaving."""
        try:
            return self._keep_now()
        except ProctorError as error:
            self.post_message(messages.KeepingFailed(str(error)))
            return False

    def on_keeping_failed(self, message: messages.KeepingFailed) -> None:
        """Say it once: what comes after it has the same cause."""
        if not self._told_not_kept:
            self._told_not_kept = True
            self._tell(message.words, severity="warning")

    def _keep_now(self) -> bool:
        """Keep the draft if it stands nowhere else; whether it does so now.

        Raises:
            ProctorError: It cannot be kept.
        """
        if (drafts := self._drafts) is None:
            return False
        with self._keeping:  # whoever writes last writes what is newest
            store = self.store
            if store.draft.value is not None and self.has_unsaved_draft:
                from ...evals.planning.edit_tasks import anchor

                drafts.keep(store.draft.value, anchor(store.draft_path.value))
                return True
            if store.draft.value is not None:
                drafts.forget()
            return False
