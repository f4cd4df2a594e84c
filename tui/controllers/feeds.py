"""The application's way to the outside: every call that waits runs here in a thread, and posts what it brought.

A feed touches no widget. What fails becomes `FieldFailed` with the error's own words.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from ...evals.run.run_list import KnownRuns, foreign_run
from ...profiles.base.errors import ProctorError
from ..messages import (
    FactsArrived,
    FieldArrived,
    FieldFailed,
    PlanMade,
    ProbeArrived,
    ProfileSaved,
    RunFailedToStart,
    RunStarted,
    SteerAnswered,
)
from .reading_feeds import ReadingFeeds

if TYPE_CHECKING:
    from textual.message import Message

    from ...evals.catalog.endpoints import Endpoints, Source
    from ...evals.inspect.control_client import CellControls
    from ...evals.inspect.logs.log_index import LogIndex
    from ...evals.inspect.processes import InspectProcesses
    from ...evals.planning.expand import PlanInputs
    from ...evals.planning.plan import Plan
    from ...evals.planning.planner import Planner
    from ...evals.run.commands import RunCommand
    from ...evals.run.run_list import KnownRun
    from ...evals.tasks.info import TaskFacts
    from ...profiles.schema import Profile
    from ..messages import CountRequested, WatchRequested

RUNS_AT_ONCE = 50  # what is shown while older ones are still being read


def facts_key(task: str, args: Mapping[str, Any], practice: bool) -> str:
    """What the facts of a built task are kept under."""
    return json.dumps([task, args, practice], sort_keys=True, default=str)


class Feeds(ReadingFeeds):
    """Blocking calls, each to be run in a thread worker.

    Args:
        post: Posts a message to the application; safe from any thread.
        log_dir: The log root that was asked for.
    """

    def __init__(self, post: Callable[[Message], object], log_dir: str | None) -> None:
        super().__init__(post)
        self._log_dir = log_dir
        self.task_paths: tuple[str, ...] = ()  # what is looked into for tasks, beside the working folder
        self._known_planner: Planner | None = None
        self._key_hosts: tuple[str, ...] = ()  # of the newest plan
        self._controls: CellControls | None = None
        self._watching = Lock()
        self._processes: InspectProcesses | None = None
        self._looking = Lock()
        self._known_runs = KnownRuns()

    def connect(self, source: Source) -> None:
        """Find the router and the Hub; practice is started where it does not run."""
        from ...evals.catalog.endpoints import resolve_endpoints
        from ...evals.simulator.launch import ensure_practice

        def find() -> Endpoints:
            if source == "hub":
                endpoints = resolve_endpoints("hub")
            else:
                server = ensure_practice()
                endpoints = resolve_endpoints("practice", practice_url=(server.url, server.hub_url))
            with self._reader_lock:
                before, self._endpoints = self._endpoints, endpoints
                if before not in (None, endpoints) and self._reader is not None:
                    self._reader.close()  # it was given the token of another world
                    self._reader = None
            return endpoints

        self._fetch("endpoints", find)

    def read_catalog(self, endpoints: Endpoints, *, refresh: bool) -> None:
        """Read the catalog, from the cache where that is fresh."""
        self._fetch("catalog", lambda: self._planner().catalog(endpoints, refresh=refresh))

    def probe(self, endpoints: Endpoints, model: str, route: str | None) -> None:
        """Ask a model one tiny question."""
        from ...evals.catalog.probe import ProbeResult, probe

        try:
            result = probe(endpoints, model, route)
        except ProctorError as error:
            result = ProbeResult(model, route, error=error.message, remedy=error.remedy)
        except Exception as error:
            result = ProbeResult(model, route, error=f"{type(error).__name__}: {error}")
        if not self._closed.is_set():
            self._post(ProbeArrived(result))

    def list_profiles(self) -> None:
        """Find the profiles."""
        from ...profiles.library import list_profiles

        self._fetch("profiles", list_profiles)

    def list_tasks(self) -> None:
        """Find the tasks; those of installed packages come after the others, for the packages are imported for it."""
        listing = self._fetch("tasks", lambda: self._running_reader().list_tasks((".", *self.task_paths)))
        if listing is None or self._closed.is_set():
            return
        try:
            found = self._running_reader().list_tasks((), installed=True)
        except ProctorError as error:
            changed = replace(listing, notes=(*listing.notes, f"installed packages: {error}"))
        else:
            installed = tuple(task for task in found.tasks if task.origin == "installed")
            changed = replace(listing, tasks=(*listing.tasks, *installed))
        if changed != listing and not self._closed.is_set():
            self._post(FieldArrived({"tasks": changed}))

    def list_benchmarks(self, endpoints: Endpoints) -> None:
        """Ask the Hub for its benchmarks."""
        from ...evals.tasks.hub_benchmarks import list_benchmarks

        self._fetch("benchmarks", lambda: list_benchmarks(endpoints))

    def count_task(self, key: str, request: CountRequested, practice: bool) -> None:
        """Build one task; its facts are for a key."""
        from ...profiles.schema import TaskEntry

        if (endpoints := self._endpoints) is not None:
            entry = TaskEntry(task=request.reference, args=dict(request.args))
            facts = self._planner().task_facts(entry, Path.cwd() / "draft.toml", endpoints, refresh=True)
            self._post(FactsArrived({key: facts}))

    def list_runs(self) -> None:
        """Read how the runs of the log root stand, and which Inspect processes of others are live.

        While that is being done, it is not begun again.
        """
        from ...evals.run.store import log_root

        if not self._looking.acquire(blocking=False):
            return
        try:
            if not self._known_runs.seen_any:
                self._fetch("runs", lambda: self._known_runs.read(log_root(self._log_dir, None), RUNS_AT_ONCE))
            runs = self._fetch("runs", lambda: self._known_runs.read(log_root(self._log_dir, None)))
            self._fetch("processes", lambda: self._foreign(runs or ()))
        finally:
            self._looking.release()

    def _foreign(self, runs: Iterable[KnownRun]) -> tuple[KnownRun, ...]:
        from ...evals.inspect.processes import InspectProcesses
        from ...evals.run.external import as_status, foreign_processes

        self._processes = self._processes or InspectProcesses()
        own = [cell.pid for run in runs if run.status.exit_code is None for cell in run.status.cells if cell.pid]
        found = foreign_processes(self._processes, own)
        return tuple(foreign_run(as_status(process, time.time())) for process in found)

    def read_process(self, run: KnownRun) -> None:
        """Read how a foreign process stands, into the field `live`."""
        from ...evals.inspect.processes import InspectProcesses
        from ...evals.run.external import stand_of

        if not self._looking.acquire(blocking=False):
            return
        try:
            processes = self._processes = self._processes or InspectProcesses()
            self._fetch("live", lambda: foreign_run(stand_of(processes, run.status, time.time())))
        finally:
            self._looking.release()

    def read_run(self, name: str, run_dir: Path) -> None:
        """Read how one run stands, into the field `live` or `shown`."""
        from ...evals.run.run_list import KnownRun
        from ...evals.run.status_file import read_status

        self._fetch(name, lambda: KnownRun(run_dir, read_status(run_dir)))

    def build_tasks(self, profile: Profile, path: Path, endpoints: Endpoints, known: Mapping[str, TaskFacts]) -> None:
        """Build the draft's tasks that are not known yet, and say what they turned out to be."""
        practice = endpoints.source == "practice"
        facts = dict(known)
        for entry in profile.tasks:
            key = facts_key(entry.task, entry.args, practice)
            if key not in facts:
                facts[key] = self._planner().task_facts(entry, path, endpoints)
        self._post(FactsArrived(facts))

    def _planner(self) -> Planner:
        from ...evals.planning.planner import Planner

        with self._reader_lock:
            self._known_planner = self._known_planner or Planner(lambda _: self._running_reader())
            return self._known_planner

    def make_plan(self, inputs: PlanInputs, no_catalog: ProctorError | None) -> None:
        """Expand, estimate and check the draft; `no_catalog` says why there is none."""
        from ...evals.planning.planner import allowed_uses, make_plan, with_surroundings
        from ...evals.planning.preflight import needs_account, needs_catalog

        failure = no_catalog if needs_catalog(inputs) else None
        try:
            inputs = with_surroundings(inputs)
            if needs_account(inputs):
                inputs = replace(inputs, account=self._planner().account(inputs.endpoints))
            plan = make_plan(inputs, failure=failure)
            self._key_hosts = tuple(use.host for use in allowed_uses(inputs))
            self._post(PlanMade(inputs.profile, plan))
        except ProctorError as error:
            self._post(FieldFailed("plan", error))

    def start_run(self, profile: Profile, plan: Plan, name: str, endpoints: Endpoints) -> None:
        """Start a supervisor for a plan and wait until it has written its first status."""
        from ...evals.run.follow import follow
        from ...evals.run.launch import PendingSupervisor, make_run
        from ...evals.run.store import log_root

        try:
            with PendingSupervisor() as supervisor:
                root = log_root(self._log_dir, profile.run.log_dir)
                run_dir = make_run(root, name, plan, profile, now_s=time.time())
                supervisor.begin(run_dir, endpoints.token, key_hosts=self._key_hosts)
                next(iter(follow(run_dir, supervisor_ended=supervisor.ended)))
        except ProctorError as error:
            self._post(RunFailedToStart(error))
        else:
            self._post(RunStarted(run_dir))

    def retry_run(self, run: KnownRun, budget_usd: float | None) -> None:
        """Go on with a run that has ended, and wait for its first news."""
        from ...evals.run.retry import start_retry

        try:
            start_retry(run.run_dir, self._planner(), budget_usd=budget_usd)
        except ProctorError as error:
            self._post(RunFailedToStart(error))
        else:
            self._post(RunStarted(run.run_dir))

    def watch_cells(self, request: WatchRequested) -> None:
        """Ask cells what they are working on; while the last question is still out, this one is not asked."""
        from ...evals.inspect.control_client import CellControls
        from .cell_feed import ask_cells

        if not self._watching.acquire(blocking=not request.pids):  # where nothing runs any more, it is asked but once
            return
        try:
            self._controls = self._controls or CellControls()
            changes = ask_cells(self._controls, request, self._samples_of)
            if not self._closed.is_set():
                self._post(FieldArrived(changes))
        finally:
            self._watching.release()

    def _samples_of(self, log: Path) -> LogIndex | None:
        from ...evals.inspect.logs.index_cache import load_index

        try:
            return load_index(log, self._read_log)
        except ProctorError:
            return None  # Results says why

    def stop_run(self, run: KnownRun) -> None:
        """Ask a run's supervisor to stop in order."""
        from ...evals.run.commands import RunCommand, author

        if run.status.control is not None or run.is_foreign:
            self.steer(run, RunCommand("stop", author()))
        elif run.status.supervisor_pid is not None and run.status.exit_code is None:
            try:
                os.kill(run.status.supervisor_pid, signal.SIGTERM)
            except ProcessLookupError:
                return

    def steer(self, run: KnownRun, order: RunCommand) -> None:
        """Give an order, and post what came of it."""
        from ...evals.inspect.control_actions import InspectSteering
        from ...evals.run.commands import send_order
        from ...evals.run.external import steer_foreign

        steering = InspectSteering()
        try:
            says = steer_foreign(steering, run.status, order) if run.is_foreign else send_order(run.run_dir, order)
            answer = SteerAnswered(says)
        except ProctorError as error:
            answer = SteerAnswered((), error)
        finally:
            steering.close()
        if not self._closed.is_set():
            self._post(answer)

    def save_profile(self, profile: Profile, path: Path, base: Path | None) -> None:
        """Save the draft; `base` is the file that it was opened from."""
        from ...profiles.library import save

        try:
            save(profile, path, base=base)
        except ProctorError as error:
            self._post(ProfileSaved(path, error))
        else:
            self._post(ProfileSaved(path))
            self.list_profiles()
