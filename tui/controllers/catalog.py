"""What there is to pick: the catalog, the tasks, the Hub's benchmarks, and what is asked of one of them."""

from __future__ import annotations

from .. import messages
from ..base_app import BaseApp
from ..state.preferences import TASK_PATHS
from .feeds import facts_key


class FindingApp(BaseApp):
    """Has the feeds look for models and tasks."""

    def _connect(self) -> None:
        source = self._source
        self.store.await_field("endpoints", "starting the practice router" if source == "practice" else "connecting")
        self._work(lambda: self._feeds.connect(source), "connect")

    def on_catalog_requested(self, message: messages.CatalogRequested) -> None:
        """Read the catalog."""
        if (endpoints := self.store.endpoints.value) is not None:
            self.store.await_field("catalog", "reading the catalog")
            self._work(lambda: self._feeds.read_catalog(endpoints, refresh=message.refresh), "catalog")
        elif not self.store.endpoints.waiting:
            self._connect()

    def on_tasks_requested(self, _: messages.TasksRequested) -> None:
        """Look for tasks."""
        paths = self.memory.get(TASK_PATHS, list[object]())
        self._feeds.task_paths = tuple(path for path in paths if isinstance(path, str))
        self.store.await_field("tasks", "loading Inspect and looking for tasks")
        self._work(self._feeds.list_tasks, "tasks")

    def on_benchmarks_requested(self, _: messages.BenchmarksRequested) -> None:
        """Ask the Hub, unless this is practice."""
        endpoints = self.store.endpoints.value
        if endpoints is not None and endpoints.source == "hub" and not self.store.benchmarks.waiting:
            self.store.await_field("benchmarks", "asking the Hub for its benchmarks")
            self._work(lambda: self._feeds.list_benchmarks(endpoints), "benchmarks")

    def on_count_requested(self, message: messages.CountRequested) -> None:
        """Build a task, unless that is being done or was."""
        store = self.store
        if store.endpoints.value is not None:
            practice = store.endpoints.value.source == "practice"
            key = facts_key(message.task, message.args, practice)
            if key not in store.counting.value and (key not in store.facts.value or store.facts.value[key].error):
                self.store.put(counting=store.counting.value | {key})
                self._work(lambda: self._feeds.count_task(key, message, practice), "count")

    def on_probe_requested(self, message: messages.ProbeRequested) -> None:
        """Ask, unless that is being asked already."""
        model, route = message.model, message.route
        name = model if route is None else f"{model}:{route}"
        store = self.store
        being_asked = name in store.probes.value and store.probes.value[name] is None
        if (endpoints := store.endpoints.value) is not None and not being_asked:
            self.store.put(probes={**store.probes.value, name: None})
            self._work(lambda: self._feeds.probe(endpoints, model, route), "probe")

    def on_probe_arrived(self, message: messages.ProbeArrived) -> None:
        """Keep what it brought."""
        self.store.put(probes={**self.store.probes.value, message.result.model: message.result})
