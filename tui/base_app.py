"""What every concern of the application works with: the store, the feeds, threads, and words to the user."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal

from textual.app import App

from ..profiles.base.text import clean, clean_line
from .controllers.feeds import Feeds
from .state.preferences import Memory
from .state.resource import Watchers
from .state.store import Store
from .themes import THEMES, choose_theme, native_ansi

if TYPE_CHECKING:
    from ..evals.catalog.endpoints import Source

Severity = Literal["information", "warning", "error"]


class BaseApp(App[str], inherit_bindings=False):
    """The ground of `ProctorApp`; its concerns are one class each, in a module each.

    Args:
        source: Where the models come from.
        log_dir: The log root, where one was asked for.
        environ: The environment, for the choice of a theme.
        memory: What is remembered of earlier sessions; without one, nothing is.
    """

    def __init__(
        self, *, source: Source, log_dir: str | None, environ: Mapping[str, str], memory: Memory | None
    ) -> None:
        super().__init__(ansi_color=native_ansi(environ))
        self.animation_level = "none"
        self.store = Store(Watchers(self._watcher_failed))
        self.memory = Memory(None) if memory is None else memory
        self._environ = environ
        self._home: Source = source  # where it was opened; practice is never left for what costs money
        self._source: Source = source
        self._feeds = Feeds(self.post_message, log_dir)
        for theme in THEMES.values():
            self.register_theme(theme)
        self.theme = choose_theme(environ, self.memory.get("theme", ""))

    def _watcher_failed(self, error: Exception) -> None:
        raise error

    def _work(self, work: Callable[[], None], group: str) -> None:
        self.run_worker(work, group=group, thread=True, exclusive=False)

    def _tell(self, words: str, severity: Severity = "information", *, title: str = "") -> None:
        self.notify(clean_line(words), title=clean(title), severity=severity, markup=False)
