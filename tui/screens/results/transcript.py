"""A sample's transcript: what was said and judged, to be read, searched, copied and taken to a pager."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult, SuspendNotSupported
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.getters import query_one
from textual.message import Message
from textual.widgets import Static

from ....evals.views.narrative import total_words
from ....profiles.base.format import UNKNOWN, format_count, format_latency
from ....profiles.base.text import clean_line
from ...widgets.context import application, workbench
from ...widgets.filter_input import FilterBar
from ...widgets.transcript.text import Block, call_words, plain_text, raw_blocks, said_blocks
from ...widgets.transcript.view import TranscriptView

if TYPE_CHECKING:
    from ....evals.inspect.logs.transcript import Picture, Transcript

COPIED_CHARS = 100_000  # terminals ignore or cut what is much longer


class TranscriptPane(Vertical):
    """The transcript in the store, whoever asked for it."""

    DEFAULT_CSS = """
    TranscriptPane {
        & > .transcript--head { height: auto; max-height: 4; padding: 0 1; text-style: bold; }
        & > .transcript--facts { height: auto; max-height: 3; padding: 0 1; color: $foreground-muted; }
        & > .transcript--facts.-failed { color: $text-error; }
        & > TranscriptView { padding: 0 1; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "search", id="transcript.search", tooltip="Search in this transcript"),
        Binding("n", "match(1)", "next match", show=False, id="transcript.next_match", tooltip="The next match"),
        Binding("N", "match(-1)", "last match", show=False, id="transcript.previous_match", tooltip="The match before"),
        Binding(
            "right_square_bracket,right", "step(1)", "next sample", id="transcript.next", tooltip="The next sample"
        ),
        Binding(
            "left_square_bracket,left",
            "step(-1)",
            "previous sample",
            show=False,
            id="transcript.previous",
            tooltip="The sample before",
        ),
        Binding("w", "raw", "raw calls", id="transcript.raw", tooltip="What went over the wire, or what was said"),
        Binding("i", "picture", "picture", id="transcript.picture", tooltip="The picture as large as can be"),
        Binding("y", "copy", "copy", id="transcript.copy", tooltip="Copy the transcript as text"),
        Binding("P", "pager", "pager", show=False, id="transcript.pager", tooltip="Read it in $PAGER"),
    ]

    class StepRequested(Message):
        """Go on to another sample of the list that this one came from."""

        def __init__(self, by: int) -> None:
            super().__init__()
            self.by = by

    head = query_one(".transcript--head", Static)
    facts = query_one(".transcript--facts", Static)
    view = query_one(TranscriptView)
    bar = query_one(FilterBar)

    def __init__(self, *, id: str | None = None) -> None:
        """Make a pane that follows the store."""
        super().__init__(id=id)
        self.is_listed = False  # whether there are others to step to
        self._shown: Transcript | None = None
        self._raw = False
        self._matches = ""

    def compose(self) -> ComposeResult:
        """Whose transcript it is, the search, and the transcript."""
        yield Static(markup=False, classes="transcript--head")
        yield Static(markup=False, classes="transcript--facts")
        yield FilterBar(placeholder="search: enter keeps it, n and N go on", id="transcript-search")
        yield TranscriptView()

    def on_mount(self) -> None:
        """Follow the transcript."""
        workbench(self).store.watch(
            self,
            (
                workbench(self).store.sample,
                workbench(self).store.transcript,
            ),
            self._draw,
        )

    def _draw(self) -> None:
        store = workbench(self).store
        transcript = store.transcript.value
        if transcript is not self._shown:
            self._shown = transcript
            self.view.show(self._blocks())
            self.refresh_bindings()
        self._draw_head()

    def _draw_head(self) -> None:
        store = workbench(self).store
        transcript, sample = self._shown, store.sample.value
        failure = store.transcript.failure
        self.facts.set_class(failure is not None, "-failed")
        if transcript is None:
            self.head.update(Content(clean_line(f"#{sample.sample_id}/{sample.epoch}") if sample else ""))
            waiting = store.transcript.waiting
            self.facts.update(Content(clean_line(str(failure)) if failure else f"{waiting} …" if waiting else ""))
            return
        self.head.update(Content(clean_line(_title(transcript))))
        words = str(failure) if failure else " · ".join(filter(None, (_facts(transcript), self._matches)))
        self.facts.update(Content(clean_line(words)))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer a picture only where there is one, and another sample only where this one stands in a list of them."""
        if action == "step":
            return self.is_listed
        return bool(self._pictures()) if action == "picture" else super().check_action(action, parameters)

    def _pictures(self) -> list[Picture]:
        return [block.picture for block in self._blocks() if block.picture is not None]

    def _blocks(self) -> list[Block]:
        if self._shown is None:
            return []
        return raw_blocks(self._shown) if self._raw else said_blocks(self._shown)

    def on_filter_bar_filtered(self, event: FilterBar.Filtered) -> None:
        """Search while it is being typed."""
        event.stop()
        self.view.search(event.text)

    def on_transcript_view_searched(self, event: TranscriptView.Searched) -> None:
        """Say how many places there are."""
        event.stop()
        self._matches = f"match {event.current} of {event.count}" if event.count else ""
        if not event.count and self.bar.text:
            self._matches = "no match"
        self._draw_head()

    def action_search(self) -> None:
        """Type what to search for."""
        self.bar.open()

    def action_match(self, by: int) -> None:
        """Go to another match."""
        self.view.step_match(by)

    def action_step(self, by: int) -> None:
        """Ask for another sample."""
        self.post_message(self.StepRequested(by))

    def action_raw(self) -> None:
        """Show the raw calls, or the conversation again."""
        self._raw = not self._raw
        self.view.show(self._blocks())

    def action_picture(self) -> None:
        """Show the picture that is in sight, or the first, on its own."""
        from ...terminal.pictures.graphics import find_graphics
        from .picture import PictureScreen

        pictures = self._pictures()
        graphics = find_graphics(application(self))
        at = min(self.view.pictures_above, len(pictures) - 1)
        application(self).push_screen(PictureScreen(pictures, at, graphics))

    def action_copy(self) -> None:
        """Send the text to the clipboard; whether it came there no terminal tells."""
        text = plain_text(self._blocks())
        kept = text[:COPIED_CHARS]
        application(self).copy_to_clipboard(kept)
        cut = f", the first {format_count(COPIED_CHARS)} of {format_count(len(text))} characters"
        self.notify("Sent to the clipboard" + (cut if len(text) > len(kept) else ""), markup=False)

    def action_pager(self) -> None:
        """Leave the terminal to a pager for a while."""
        pager = shlex.split(os.environ.get("PAGER", "")) or [shutil.which("less") or "more"]
        transcript = self._shown
        if transcript is None:
            return
        text = f"{clean_line(_title(transcript))}\n{clean_line(_facts(transcript))}\n\n{plain_text(self._blocks())}"
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", prefix="proctor-", suffix=".txt") as file:
            file.write(text)
            file.flush()
            try:
                with application(self).suspend():
                    subprocess.run([*pager, file.name], check=False)
            except SuspendNotSupported:
                self.notify("This terminal cannot be left to a pager", severity="warning", markup=False)
            except OSError as error:
                words = clean_line(f"{pager[0]}: {error.strerror}: set PAGER to a program that shows text")
                self.notify(words, severity="error", markup=False)


def _title(transcript: Transcript) -> str:
    from ....evals.results.labels import short_labels

    task = transcript.task.rsplit("/", 1)[-1]
    parts = [f"{task} #{transcript.sample_id}/{transcript.epoch}", short_labels([transcript.model])[0]]
    if transcript.error:
        parts.append(f"! {transcript.error}")
    else:
        badge = " · grades itself ⚠" if transcript.self_graded else ""
        parts.append(f"score {transcript.score_text or UNKNOWN}{badge}")
    if transcript.target:
        parts.append(f"target {transcript.target}")
    return " · ".join(parts)


def _facts(transcript: Transcript) -> str:
    own = [call for call in transcript.calls if not call.role]
    if len(own) == 1:
        parts = [call_words(own[0]).partition(" · ")[2]]
    else:
        served = dict.fromkeys(call.served_by for call in own if call.served_by)
        tokens = (sum(call.input_tokens for call in own), sum(call.output_tokens for call in own))
        parts = [
            f"{len(own)} calls",
            f"served by {', '.join(served)}" if served else "",
            f"{format_count(tokens[0])} → {format_count(tokens[1])} tokens",
            total_words([call.cost_usd for call in own]) if own else "",
        ]
    graders = [call for call in transcript.calls if call.role == "grader"]
    if graders:
        parts.append(f"grader {total_words([call.cost_usd for call in graders])}")
    if transcript.total_time_s is not None:
        parts.append(f"{format_latency(transcript.total_time_s * 1000)} in all")
    waited = (transcript.total_time_s or 0.0) - (transcript.working_time_s or 0.0)
    if transcript.working_time_s is not None and waited >= 0.1:
        parts.append(f"{format_latency(waited * 1000)} of it waiting")
    return " · ".join(part for part in parts if part)
