"""The pane of Live that shows one sample: its conversation as it grows, or its transcript once it has ended."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from textual.containers import Vertical
from textual.content import Content
from textual.getters import query_one
from textual.widget import Widget

from ....evals.inspect.logs.transcript import Transcript
from ....profiles.base.text import clean_line
from ...widgets.label import Label
from ...widgets.transcript.text import Block, said_blocks
from ...widgets.transcript.view import TranscriptView

if TYPE_CHECKING:
    from ....evals.inspect.control_client import Conversation, FinishedSample, RunningSample


class ConversationPane(Vertical):
    """A heading and a conversation. What grows stays in view at its end; what has ended is read from the beginning."""

    view = query_one("#conversation", TranscriptView)

    def __init__(self) -> None:
        super().__init__(id="talk")
        self._shown: tuple[str, Conversation | Transcript | None] = ("", None)

    def compose(self) -> Iterable[Widget]:
        """The heading, and what was said."""
        yield Label(id="talk-heading", classes="live--heading", markup=False)
        yield TranscriptView(id="conversation")

    def show(self, heading: str, key: str, talk: Conversation | Transcript | None) -> None:
        """Show what was said in a sample; where it is the same as before, nothing is drawn.

        Args:
            heading: Whose it is.
            key: The sample's name.
            talk: What was said, as far as that is known.
        """
        self.query_one("#talk-heading", Label).update(Content(clean_line(heading)))
        if (key, talk) == self._shown:
            return
        was_key, was = self._shown
        self._shown = (key, talk)
        view = self.view
        top = view.scroll_offset.y
        at_end = was is None or was_key != key or top + view.size.height >= view.line_count
        if isinstance(talk, Transcript):
            view.show(said_blocks(talk))
        elif talk is None:
            view.show([])
        else:
            view.show(conversation_blocks(talk))
            if at_end:
                view.action_bottom()
            else:
                view.scroll_to(y=top, animate=False, force=True)


def conversation_blocks(talk: Conversation) -> list[Block]:
    """A conversation in the form of a transcript's blocks."""
    transcript = Transcript("", "", talk.sample_id, talk.epoch, "", None, "", talk.parts, (), None)
    blocks = said_blocks(transcript)
    if talk.left_out:
        blocks.insert(0, Block("", f"… {talk.left_out} older messages are not shown", "dim"))
    return blocks


def is_of(talk: Conversation, sample: RunningSample | FinishedSample) -> bool:
    """Whether a conversation is that of a sample."""
    return (talk.eval_id, talk.sample_id, talk.epoch) == (sample.eval_id, str(sample.sample_id), sample.epoch)
