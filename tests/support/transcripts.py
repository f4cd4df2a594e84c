"""A transcript of a real log in an application of its own, read through a real reader."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from proctor.evals.results.reader.client import Reader
from proctor.evals.results.reader.documents import ReadSample, read_sample
from proctor.tui.screens.results.side_by_side import SideBySidePane
from proctor.tui.screens.results.transcript import TranscriptPane
from proctor.tui.state.resource import Watchers
from proctor.tui.state.store import SampleRef, Store
from proctor.tui.themes import THEMES
from proctor.tui.widgets.footer import KeyLine
from textual.app import App, ComposeResult

from .stores import reraise


class TranscriptApp(App[None]):
    """The pane that Results shows a sample in, alone."""

    ENABLE_COMMAND_PALETTE = False

    def __init__(self, read: ReadSample | None = None) -> None:
        super().__init__()
        self.animation_level = "none"
        self.store = Store(Watchers(reraise))
        self.again: Callable[[], ReadSample] | None = None  # reads the sample again
        results = SimpleNamespace(open_sample=lambda _: self.show(self.again() if self.again else None))
        self.workbench: Any = SimpleNamespace(store=self.store, results=results)
        self._read = read
        for theme in THEMES.values():
            self.register_theme(theme)
        self.theme = "dark"

    def compose(self) -> ComposeResult:
        yield TranscriptPane(id="transcript")
        beside = SideBySidePane(id="beside")
        beside.display = False
        yield beside
        yield KeyLine(palette=False)

    def on_mount(self) -> None:
        self.show(self._read)
        self.pane.view.focus()

    def show(self, read: ReadSample | None) -> None:
        """Show a sample."""
        if read is not None:
            about = read.about
            self.store.sample.set(SampleRef(Path("log.eval"), about.sample_id, about.epoch))
        self.store.transcript.set(read)

    @property
    def pane(self) -> TranscriptPane:
        """The pane."""
        return self.query_one(TranscriptPane)

    def key_of(self, binding_id: str) -> str:
        """The key of a binding, as help shows it."""
        return "?"


def read_log(reader: Reader, log: Path, sample_id: str | int = 1, epoch: int = 1) -> ReadSample:
    """A sample of a log."""
    return read_sample(lambda: reader, log, sample_id, epoch)


def screen_lines(app: App[Any]) -> list[str]:
    """What the screen shows, line by line."""
    return ["".join(segment.text for segment in strip) for strip in app.screen._compositor.render_strips()]
