"""A question before something is lost."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from ..clean import clean


class ConfirmScreen(ModalScreen[bool]):
    """Asks; `True` where the answer is yes. Escape and every doubt are a no.

    Args:
        question: What is asked.
        consequence: What a yes does and what it loses.
        yes: The word for the deed, for example "stop it".
    """

    DEFAULT_CSS = """
    ConfirmScreen {
        align: center middle;
        & > Vertical {
            width: 64; max-width: 96%; height: auto; max-height: 96%; padding: 0 1;
            border: round $warning; background: $surface; color: $foreground;
        }
        & Static { height: auto; }
        & .confirm--question { text-style: bold; }
        & .confirm--keys { margin-top: 1; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "yes", id="confirm.yes", tooltip="Do it"),
        Binding("n,escape,q", "answer(False)", "no", id="confirm.no", tooltip="Leave it as it is"),
    ]

    def __init__(self, question: str, consequence: str, yes: str) -> None:
        super().__init__()
        self._question = question
        self._consequence = consequence
        self._yes = yes

    def compose(self) -> ComposeResult:
        """The question, what follows, and the two keys."""
        with Vertical():
            yield Static(clean(self._question), classes="confirm--question", markup=False)
            yield Static(clean(self._consequence), markup=False)
            yield Static(f"y  {clean(self._yes)}    n, esc  no", classes="confirm--keys", markup=False)

    def action_answer(self, answer: bool) -> None:
        """Give the answer and go."""
        self.dismiss(answer)
